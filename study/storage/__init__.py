"""A study on disk: folder, tables, records, checkpoints, lock."""
