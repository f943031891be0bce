"""Reads a Linux joystick device (``/dev/input/js0``) without ROS, with joy_node's signs: left and up are positive.

The kernel's interface (Documentation/input/joydev/joystick-api.rst): events of 8 bytes, time u32, value s16, type u8,
number u8; on opening, the present state arrives as events marked with 0x80.
"""

from __future__ import annotations

import os
import select
import struct
from pathlib import Path

from takead_ros.domain.errors import TakeadError

_EVENT = struct.Struct("<IhBB")
_BUTTON, _AXIS = 0x01, 0x02


class JoystickDevice:
    """An open device. ``axes`` (-1..1) and ``buttons`` (0 or 1) as far as they were seen. Raises TakeadError where it
    cannot be opened, and in ``read`` when it is unplugged."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.axes: list[float] = []
        self.buttons: list[int] = []
        try:
            self._file = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        except OSError as error:
            there = ", ".join(sorted(str(p) for p in Path("/dev/input").glob("js*"))) or "none"
            raise TakeadError(
                f"joystick {path}: {error.strerror}; expected a joystick device, there are: {there}"
            ) from error

    def read(self, timeout_s: float) -> bool:
        """Wait for events for up to ``timeout_s`` and take them all; whether there were any."""
        if not select.select([self._file], [], [], timeout_s)[0]:
            return False
        try:
            data = os.read(self._file, _EVENT.size * 64)
        except OSError as error:
            raise TakeadError(f"joystick {self.path}: {error.strerror}; it was unplugged") from error
        if not data:
            raise TakeadError(f"joystick {self.path}: no more events; it was unplugged")
        for _, value, kind, number in _EVENT.iter_unpack(data[: len(data) // _EVENT.size * _EVENT.size]):
            if kind & _AXIS:
                self.axes += [0.0] * (number + 1 - len(self.axes))
                self.axes[number] = -value / 32767.0 if value > -32767 else 1.0
            elif kind & _BUTTON:
                self.buttons += [0] * (number + 1 - len(self.buttons))
                self.buttons[number] = value
        return True

    def close(self) -> None:
        os.close(self._file)
