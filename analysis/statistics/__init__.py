"""Intervals, ranks, fronts, ELBO tables."""
