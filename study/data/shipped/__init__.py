"""Data sets that the package knows by name: their files, sources and checksums."""
