"""The inner loops between a scene and a command, compiled by numba: encoding, plans, tracking."""
