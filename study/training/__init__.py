"""One run, or a stack of runs, in memory: step, loop, compilation, engine selection."""
