"""Rate, age and rejections of one input, as a DiagnosticStatus."""

from __future__ import annotations

from collections import deque
from typing import Any

from takead_ros.messages import types
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

    def status(self, name: str, needed: bool, source: ScreenedInput[Any], now: Now) -> Any:
        """DiagnosticStatus: ERROR where a needed input is silent, WARN where something was rejected last."""
        rate, rejected = self.rate(now.steady), source.rejected + self.unreadable
        level, message = types.DiagnosticStatus.OK, "receiving" if rate > 0.0 else "silent"
        if needed and rate == 0.0:
            level, message = types.DiagnosticStatus.ERROR, "no messages"
        elif source.fault:
            level, message = types.DiagnosticStatus.WARN, f"newest rejected: {source.fault}"
        values = {
            "rate_hz": f"{rate:.1f}",
            "age_s": f"{source.age(now):.3f}" if source.accepted is not None else "never",
            "rejected": str(rejected),
            "last_unreadable": self._why,
        }
        return types.DiagnosticStatus(
            level=level,
            name=name,
            message=message,
            hardware_id="",
            values=[types.KeyValue(key=key, value=value) for key, value in values.items()],
        )
