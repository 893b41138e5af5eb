"""Generative factors: measured, binned."""
