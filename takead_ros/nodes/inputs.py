"""One input of the arbiter's node: the newest message that could be read, and how the input fares."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from takead_ros.domain.errors import TakeadError
from takead_ros.domain.units import SECOND
from takead_ros.messages.convert import stamp_from_msg
from takead_ros.nodes.diagnostics import Level, Part
from takead_ros.takeover.inputs import Now, Received, ScreenedInput

WINDOW_NS = 2 * SECOND


class InputBox:
    """Keeps the ``newest`` message as ``read`` gives it. unreadable: messages dropped because ``read`` refused them."""

    def __init__(self, read: Callable[[Any], Any]) -> None:
        self.newest: Received[Any] | None = None
        self.unreadable = 0
        self._read = read
        self._why = ""
        self._times: deque[int] = deque(maxlen=256)

    def take(self, msg: Any, steady: int) -> bool:
        """A message came at ``steady`` ns of the steady clock; whether it could be read."""
        self._times.append(steady)
        try:
            self.newest = Received(self._read(msg), stamp_from_msg(msg), steady)
        except TakeadError as error:
            self.unreadable += 1
            self._why = str(error)
            return False
        return True

    def rate(self, steady: int) -> float:
        """Messages a second over the last two seconds."""
        while self._times and steady - self._times[0] > WINDOW_NS:
            self._times.popleft()
        return len(self._times) * SECOND / WINDOW_NS

    def part(self, name: str, needed: bool, track: ScreenedInput[Any], now: Now) -> Part:
        """ERROR where a needed input is silent, WARN where something was rejected last."""
        rate = self.rate(now.steady)
        level, message = Level.OK, "receiving" if rate > 0.0 else "silent"
        if needed and rate == 0.0:
            level, message = Level.ERROR, "no messages"
        elif track.fault:
            level, message = Level.WARN, f"newest rejected: {track.fault}"
        values = {
            "rate_hz": f"{rate:.1f}",
            "age_s": f"{track.age(now):.3f}" if track.accepted is not None else "never",
            "rejected": track.rejected + self.unreadable,
            "last_unreadable": self._why,
        }
        return Part(name, level, message, values)
