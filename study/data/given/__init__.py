"""Data of the user: arrays, pictures, and published files put there by hand."""
