"""Charts of bounds and scores, by epoch and by configuration."""
