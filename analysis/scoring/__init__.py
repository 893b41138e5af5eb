"""A study's scores: targets, evaluation, cache, over Ray."""
