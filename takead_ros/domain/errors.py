"""The one exception for bad input: its message names the file, topic or parameter, the value and what was expected."""

from __future__ import annotations


class TakeadError(Exception):
    """Bad input or an unusable environment. The command line prints the message and exits with code 2."""
