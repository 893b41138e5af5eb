"""Disentanglement scores: arrays in, a named result out."""
