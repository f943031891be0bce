"""Simulated clocks and timers of the lockstep host."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from takead_ros.messages.fields import time_to_msg


@dataclass(frozen=True, order=True)
class SimulatedTime:
    """A point in time of one clock, like ``rclpy.time.Time``."""

    nanoseconds: int

    def to_msg(self) -> Any:
        return time_to_msg(self.nanoseconds)


class SimulatedClock:
    """A clock that moves only when its host says so; ``steady`` ones are never stopped or set."""

    def __init__(self, nanoseconds: int) -> None:
        self.nanoseconds = nanoseconds
        self.paused = False

    def now(self) -> SimulatedTime:
        return SimulatedTime(self.nanoseconds)


class Timer:
    """A periodic callback, like rclpy's; missed periods are skipped, not made up for."""

    def __init__(self, period_ns: int, callback: Callable[[], None], clock: SimulatedClock, owner: str) -> None:
        self.timer_period_ns = period_ns
        self.callback = callback
        self.clock = clock
        self.owner = owner
        self._canceled = False
        self._last = clock.nanoseconds
        self.due = self._last + period_ns  # ns of its own clock

    def cancel(self) -> None:
        self._canceled = True

    def reset(self) -> None:
        """Start over: next call one period from now, also after ``cancel``."""
        self._canceled = False
        self._start()

    def is_canceled(self) -> bool:
        return self._canceled

    def time_until_next_call(self) -> int | None:
        """ns, negative when late; None once cancelled."""
        return None if self._canceled else self.due - self.clock.nanoseconds

    def call(self) -> None:
        """Run the callback and set the next due time: the first multiple of the period that lies ahead."""
        now = self.clock.nanoseconds
        self._last = now
        self.due += self.timer_period_ns
        if self.due < now:
            self.due += -((self.due - now) // self.timer_period_ns) * self.timer_period_ns
        self.callback()

    def clock_jumped(self) -> None:
        """After its clock was set back beyond the last call: wait one period from now, as rcl does."""
        if self.clock.nanoseconds < self._last:
            self._start()

    def _start(self) -> None:
        self._last = self.clock.nanoseconds
        self.due = self._last + self.timer_period_ns
