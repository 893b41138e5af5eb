"""A live page of a study: what its results folder says, read again as it grows, and served."""
