"""The report behind scripts/report.py: a record in, BENCH.md and its plots out, the same bytes each time."""
