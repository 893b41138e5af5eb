"""Search with Optuna: space, storage, trials, Ray Tune."""
