"""takead_ros: turn every safety-driver takeover into a better driving policy."""

__version__ = "0.1.0"
