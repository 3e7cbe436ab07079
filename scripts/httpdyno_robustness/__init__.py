"""What scripts/robustness.py does."""
