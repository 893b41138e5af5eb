"""What several scores share: checks of input, votes, resampling, results."""
