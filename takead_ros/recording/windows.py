"""Which moments belong to which clip, for those who drive without messages: the windows of ``recording.session``."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from takead_ros.domain.driving import EventKind, TakeoverEvent
from takead_ros.domain.units import SECOND
from takead_ros.recording.clip import Label
from takead_ros.recording.labels import label_of
from takead_ros.recording.open_clip import SessionConfig


class Stamped(Protocol):
    """Something of one moment, ``stamp`` ns."""

    @property
    def stamp(self) -> int: ...


M = TypeVar("M", bound=Stamped)


@dataclass(frozen=True)
class Window(Generic[M]):
    """The moments of one clip with the label of each, and its events; ``start`` and ``end`` ns, both included."""

    start: int
    end: int
    moments: tuple[M, ...]
    labels: tuple[Label, ...]
    events: tuple[TakeoverEvent, ...]


class Windows(Generic[M]):
    """The clips of one drive: from ``pre_s`` before a takeover to ``post_s`` after its end, those that overlap merged.

    ``take`` is to be told of every tick. What no window can need any more is forgotten.
    """

    def __init__(self, config: SessionConfig | None = None) -> None:
        config = config or SessionConfig()
        self._pre, self._post = int(config.pre_s * SECOND), int(config.post_s * SECOND)
        self._transition = int(config.start_transition_s * SECOND)
        self._recent: deque[M] = deque()
        self._events: list[TakeoverEvent] = []
        self._active: set[int] = set()
        self._start: int | None = None  # of the open window
        self._until = 0  # where it ends, once nothing is active

    def take(self, stamp: int, moment: M | None, events: list[TakeoverEvent]) -> Window[M] | None:
        """A tick at ``stamp`` ns, its ``moment`` (None: nothing to keep of it) and what the arbiter decided at it; the
        window that has closed by then."""
        closed = None
        if self._start is not None and not self._active and stamp - self._pre > self._until:
            closed = self._close(self._until)
        if moment is not None:
            self._recent.append(moment)
        if self._start is None:
            while self._recent and self._recent[0].stamp < stamp - self._pre:
                self._recent.popleft()
        for event in events:
            self._event(event, stamp)
        return closed

    def finish(self, stamp: int) -> Window[M] | None:
        """The drive is over; the window that was still open."""
        if self._start is None:
            return None
        return self._close(stamp if self._active else min(self._until, stamp))

    def _event(self, event: TakeoverEvent, stamp: int) -> None:
        if event.kind is EventKind.START:
            self._active.add(event.takeover)
            if self._start is None:
                self._start = event.stamp - self._pre
        elif event.kind is EventKind.END:
            self._active.discard(event.takeover)
        if self._start is not None:
            self._events.append(event)
            self._until = max(self._until, stamp + self._post)

    def _close(self, end: int) -> Window[M]:
        start = max(self._start or 0, self._recent[0].stamp if self._recent else 0)
        mine = [one for one in self._recent if start <= one.stamp <= end]
        labels = [label_of(one.stamp, self._events, self._transition, self._post) for one in mine]
        window = Window(start, end, tuple(mine), tuple(labels), tuple(self._events))
        self._recent = deque(one for one in self._recent if one.stamp > end)
        self._events, self._start, self._until = [], None, 0
        return window
