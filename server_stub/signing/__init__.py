"""Keys that sign verdicts."""
