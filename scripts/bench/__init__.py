"""Benchmarks: what was measured, how, on what machine. `make bench` runs them and renews docs/benchmarks.md."""
