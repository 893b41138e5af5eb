"""Sheets of decoded pictures."""
