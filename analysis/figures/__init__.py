"""Figures: one file each, with its table, its drawing and its caption; gallery.py lists them."""
