"""What a run is: its configuration, grids of them, and errors in either."""
