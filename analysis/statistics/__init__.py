"""Intervals, tests over seeds, the ranking, fronts, ELBO tables."""
