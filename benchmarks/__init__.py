"""What is fast enough is measured here: `make bench` runs every `bench_*.py`."""
