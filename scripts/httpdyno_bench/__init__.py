"""The runner behind scripts/bench.py: plan a run, measure it, keep what was measured."""
