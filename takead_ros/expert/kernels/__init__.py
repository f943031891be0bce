"""The planner's inner loops, compiled by numba: pure functions over numpy arrays."""
