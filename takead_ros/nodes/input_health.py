"""Rate, age and rejections of one input, for the diagnostics."""

from __future__ import annotations

from collections import deque
from typing import Any

from takead_ros.nodes.diagnostics import Level, Part
from takead_ros.takeover.inputs import SECOND, Now, ScreenedInput

WINDOW_NS = 2 * SECOND


class InputHealth:
    """Counts what arrives. ``unreadable``: messages dropped because they could not be read at all."""

    def __init__(self) -> None:
        self.unreadable = 0
        self._why = ""
        self._times: deque[int] = deque(maxlen=256)

    def received(self, steady: int) -> None:
        self._times.append(steady)

    def malformed(self, why: str) -> None:
        self.unreadable += 1
        self._why = why

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
