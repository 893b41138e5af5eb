"""Figures: their tables, drawings and captions."""
