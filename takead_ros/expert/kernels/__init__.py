"""The planner's inner loops, compiled by numba: pure functions over numpy arrays.

Each file stands for itself and calls no compiled function of another: numba's cache on disk notices a changed file, not
a changed import. For the same reason, constants that a kernel uses are defined in its file or passed to it.
"""
