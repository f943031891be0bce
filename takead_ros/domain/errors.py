"""The one exception for bad input: its message names the file, topic or parameter, the value and what was expected."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class TakeadError(Exception):
    """Bad input or an unusable environment. The command line prints the message and exits with code 2."""


def unknown(what: str, value: str, known: Iterable[str], expected: str = "") -> TakeadError:
    """The error for a name that there is none of: ``what`` it should name, the closest of the ``known`` ones, and what
    was ``expected`` (default: one of the known)."""
    names = sorted(known)
    close = difflib.get_close_matches(value.lower(), names, n=2)
    guess = f" (did you mean {' or '.join(close)}?)" if close else ""
    return TakeadError(f"{what} '{value[:80]}': unknown{guess}, expected {expected or 'one of ' + ', '.join(names)}")
