"""Single fields of messages: stamps, arrays, float width, enums. What rosidl and rosbags want differently is here."""

from __future__ import annotations

import array
import ctypes
import functools
from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from takead_ros.domain.errors import TakeadError
from takead_ros.domain.scene import FloatArray
from takead_ros.domain.units import SECOND
from takead_ros.messages import types

E = TypeVar("E", bound=IntEnum)
T = TypeVar("T")

_REMEMBERED = 4  # messages: policy's and expert's last outputs, with one to spare for each


def time_to_msg(stamp: int) -> Any:
    """builtin_interfaces/Time of ``stamp`` ns."""
    seconds, nanoseconds = divmod(stamp, SECOND)
    return types.Time(sec=seconds, nanosec=nanoseconds)


def time_from_msg(time: Any) -> int:
    """ns of a builtin_interfaces/Time."""
    return int(time.sec) * SECOND + int(time.nanosec)


def header_to_msg(stamp: int, frame_id: str) -> Any:
    """std_msgs/Header of ``stamp`` ns in a REP-105 frame."""
    return types.Header(stamp=time_to_msg(stamp), frame_id=frame_id)


def stamp_from_msg(msg: Any) -> int:
    """ns of the header of any stamped message."""
    return time_from_msg(msg.header.stamp)


def float32(value: float) -> float:
    """``value`` rounded to a float32 field; beyond its range +-inf, NaN stays."""
    return ctypes.c_float(value).value


if types.RESOLUTION == "rosidl":

    def float32_sequence(values: ArrayLike) -> Any:
        """The content of a ``float32[]`` field from numbers (N,)."""
        return array.array("f", np.ascontiguousarray(values, dtype=np.float32).tobytes())

else:

    def float32_sequence(values: ArrayLike) -> Any:
        """The content of a ``float32[]`` field from numbers (N,)."""
        return np.array(values, dtype=np.float32)


def read_once(read: Callable[[Any], T]) -> Callable[[Any], T]:
    """``read`` for messages that several nodes of one process get: the same message object is read only once.

    Messages are not changed once they are published, and what is read from them is immutable.
    """
    known: tuple[tuple[Any, T], ...] = ()  # replaced as a whole, so that threads need no lock

    @functools.wraps(read)
    def reading(msg: Any) -> T:
        nonlocal known
        for source, value in known:
            if source is msg:
                return value
        value = read(msg)
        known = ((msg, value), *known[: _REMEMBERED - 1])
        return value

    return reading


def real(values: Any) -> FloatArray:
    """The content of a numeric array field as a float64 array (N,) of its own."""
    return np.array(values, dtype=np.float64)


def points(x: Any, y: Any, field: str) -> FloatArray:
    """Two array fields as points (N, 2).

    Raises TakeadError that names ``field`` where they differ in length.
    """
    if len(x) != len(y):
        raise TakeadError(f"{field}: {len(x)} values in x and {len(y)} in y, expected as many in both")
    both = np.empty((len(x), 2))
    both[:, 0], both[:, 1] = x, y
    return both


def optional_to_msg(value: float | None) -> float:
    """A non-negative quantity that may be unknown or not apply: None travels as -1."""
    return -1.0 if value is None else float32(value)


def optional_from_msg(value: float) -> float | None:
    """Inverse of ``optional_to_msg``: any negative number is None."""
    return None if value < 0.0 else value


def by_number(enum: type[E]) -> dict[int, E]:
    """Members of ``enum`` by their number, for ``member``."""
    return {int(entry): entry for entry in enum}


def member(members: Mapping[int, E], value: int, field: str) -> E:
    """The enum member numbered ``value``.

    Raises TakeadError that names ``field`` for a number that is none.
    """
    try:
        return members[value]
    except KeyError:
        known = ", ".join(f"{number} ({entry.name})" for number, entry in members.items())
        raise TakeadError(f"{field} is {value}, expected one of {known}") from None
