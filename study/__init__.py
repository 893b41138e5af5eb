"""Hyperparameter studies of variational autoencoders, distributed by Ray Tune."""
