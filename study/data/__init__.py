"""Data sets: found, fetched, verified, split."""
