"""`python -m marketplace` is `duijie`."""

from marketplace.cli import main

main()
