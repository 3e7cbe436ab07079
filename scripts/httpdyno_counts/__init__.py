"""Exact counts of what a request costs: see scripts/counts.py."""
