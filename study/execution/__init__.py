"""Runs on Ray: cluster, scheduler, trainable, study log, trackers, display."""
