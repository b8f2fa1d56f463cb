"""`python -m matching.segments` compiles the kernels, so that the first who asks does not wait for that."""

from matching.segments.index import warm

if __name__ == "__main__":
    warm()
