"""Units that more than one layer counts in."""

SECOND = 1_000_000_000  # ns
