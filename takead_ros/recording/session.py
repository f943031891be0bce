"""The recorder's logic: which messages belong to which clip, and what each frame is. Pure: no clock, no disk.

    state      on                      does                                           becomes
    IDLE       START or BOOKMARK       Open; latched topics; ring from pre window on   RECORDING
    RECORDING  message                 Write                                          RECORDING
    RECORDING  all ended, post passed  nothing: the ring keeps what follows           LINGERING
    LINGERING  START within pre        Write what the ring kept: one merged clip      RECORDING
    LINGERING  pre window passed       Close                                          IDLE
    any        finish or clock jump    Close where a clip is open                     IDLE

Lingering is what merges overlapping windows: until ``post + pre`` after the end, a new trigger's window would overlap.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

from takead_ros.domain.driving import EventKind, TakeoverEvent, TakeoverRequest, Trigger
from takead_ros.domain.units import SECOND
from takead_ros.recording.clip import Kind
from takead_ros.recording.gaps import GapCounter
from takead_ros.recording.latched import LatchedTopics
from takead_ros.recording.open_clip import ClipState, Close, OpenClip, SessionConfig, SessionCounts
from takead_ros.recording.ring import RingBuffer, SerializedMessage


@dataclass(frozen=True)
class Open:
    """Begin a clip whose first moment is ``start`` ns."""

    start: int
    kind: Kind
    continues: bool = False


class Write(NamedTuple):
    messages: list[SerializedMessage]


Action = Open | Write | Close


class Session:
    """One recorder's memory. Every method returns what is to be done, in order; stamps are ns of the host's clock."""

    def __init__(self, config: SessionConfig) -> None:
        self.config = config
        self.ring = RingBuffer(config.ring_s, config.ring_bytes)
        self.received: dict[str, int] = {}
        self.jumps = 0
        self._pre = int(config.pre_s * SECOND)
        self._post = int(config.post_s * SECOND)
        self._max = int(config.max_clip_s * SECOND)
        self._gaps = GapCounter({topic: int(period * SECOND) for topic, period in config.periods_s.items()})
        self._latched = LatchedTopics(config.latched)
        self._recent_gaps: deque[tuple[int, str, int]] = deque()  # receive stamp, topic, messages missing before it
        self._active: dict[int, TakeoverEvent] = {}
        self._scene_topic = config.scene_topic
        self._clip: OpenClip | None = None
        self._foreseen = -1  # when a monitor last saw something coming
        self._now = 0

    @property
    def gaps(self) -> dict[str, int]:
        """Messages that never came, by topic."""
        return self._gaps.counts

    @property
    def state(self) -> ClipState:
        """See the table at the head of this file."""
        return ClipState.IDLE if self._clip is None else self._clip.state

    @property
    def recording(self) -> bool:
        """Whether a clip is open."""
        return self._clip is not None

    def receive(self, topic: str, stamp: int, data: bytes, number: int | None = None) -> list[Action]:
        """A message came in at ``stamp``; ``number``: the one that its publisher gave it, where that is known."""
        actions: list[Action] = []
        if stamp < self._now - SECOND:
            actions = self._jump()
        elif self._clip is not None:
            actions = self.tick(stamp)
        self._now = stamp
        message = SerializedMessage(topic, stamp, data)
        self.received[topic] = self.received.get(topic, 0) + 1
        missing = self._gaps.count(topic, data, number)
        if missing:
            self._recent_gaps.append((stamp, topic, missing))
            while self._recent_gaps[0][0] < stamp - self.ring.span:
                self._recent_gaps.popleft()
        self._latched.remember(self.ring.append(message))
        clip = self._clip
        if clip is None and self.config.whole_run:
            clip = self._open(stamp, "demonstration")
            actions += [Open(stamp, clip.kind), Write(self._latched.head(stamp))]
        if clip is not None and clip.state is ClipState.RECORDING:
            actions.append(Write([message] if topic != self._scene_topic else clip.labelled([message])))
            clip.written_to = self.ring.next_index
        return actions

    def event(self, event: TakeoverEvent, now: int) -> list[Action]:
        """The arbiter (or a bookmark) decided something; ``now`` is its receive stamp."""
        # A stamp far from the receive time is no moment in the ring; the receive time then stands for it.
        stamp = event.stamp if 0 <= now - event.stamp <= self.ring.span else now
        event = replace(event, stamp=stamp)
        actions: list[Action] = []
        if event.kind is EventKind.START:
            self._active[event.takeover] = event
        elif event.kind is EventKind.END:
            self._active.pop(event.takeover, None)
        clip = self._clip
        if event.kind in (EventKind.START, EventKind.BOOKMARK) and not self.config.whole_run:
            kind: Kind = "takeover" if event.kind is EventKind.START else "bookmark"
            if clip is None:
                clip, begun = self._start(stamp - self._pre, kind)
                actions += begun
            elif clip.state is ClipState.LINGERING:
                actions += self._resume(clip)
            if kind == "takeover":
                clip.kind = kind
        if clip is not None:
            clip.events.append(event)
            clip.until = max(clip.until, now + self._post)
        return actions

    def request(self, request: TakeoverRequest, now: int) -> None:
        """A monitor said something; where it saw something coming, a takeover near it is not casual."""
        if request.trigger not in (Trigger.NONE, Trigger.HUMAN_OVERRIDE, Trigger.BOOKMARK):
            self._foreseen = now

    def tick(self, now: int) -> list[Action]:
        """Time passed without a message."""
        clip = self._clip
        if clip is None or self.config.whole_run:
            return []
        if now - clip.start > self._max and clip.state is ClipState.RECORDING:
            return self._split(clip, now)
        if self._active or now <= clip.until:
            return []
        if now - self._pre > clip.until:
            return self._close(clip, "post window passed")
        if clip.state is ClipState.RECORDING:
            clip.state = ClipState.LINGERING
            clip.at_lingering = self._counts().copied()
        return []

    def finish(self, now: int, why: str = "shutdown") -> list[Action]:
        """No more messages will come."""
        self._now = max(now, self._now)
        return self._close(self._clip, why) if self._clip else []

    def _open(self, start: int, kind: Kind, complete: bool = True) -> OpenClip:
        base = self._counts().copied()
        self._clip = clip = OpenClip(self.config, start, kind, base, complete, self.ring.next_index)
        return clip

    def _start(self, start: int, kind: Kind) -> tuple[OpenClip, list[Action]]:
        """Open a clip on a moment in the past: the head, then what the ring holds since."""
        first = self.ring.index_since(start)
        kept = self.ring.after(first)
        # Messages that fell out for lack of bytes, or an earlier clip that owned them, leave the pre window short.
        complete = first > self.ring.first_index or self.ring.cut_by_bytes == 0
        begin = kept[0].stamp if kept else self._now
        clip = self._open(begin, kind, complete)
        clip.count_earlier(kept, ((topic, missing) for stamp, topic, missing in self._recent_gaps if stamp > begin))
        self._latched.remember(self.ring.after(0)[: max(0, len(self.ring) - len(kept))])
        return clip, [Open(begin, kind), Write(self._latched.head(begin) + clip.labelled(kept))]

    def _resume(self, clip: OpenClip) -> list[Action]:
        """A trigger whose pre window reaches into this clip: what the ring kept meanwhile belongs to it."""
        clip.state, clip.at_lingering = ClipState.RECORDING, None
        kept = self.ring.after(clip.written_to)
        clip.complete_pre_window &= self.ring.first_index <= clip.written_to
        clip.written_to = self.ring.next_index
        return [Write(clip.labelled(kept))]

    def _counts(self) -> SessionCounts:
        return SessionCounts(self.received, self.gaps, self.ring.cut_by_bytes)

    def _close(self, clip: OpenClip, why: str) -> list[Action]:
        tail = clip.last_label()
        close = clip.close(self._counts(), self._foreseen >= clip.start, why)
        self._clip = None
        return [Write(tail), close] if tail else [close]

    def _split(self, clip: OpenClip, now: int) -> list[Action]:
        """A clip that has grown too long goes on in another one, which begins with the latched topics."""
        actions = self._close(clip, "max_clip reached")
        self._latched.remember(self.ring)
        following = self._open(now, clip.kind)
        following.events = [event for event in clip.events if event.takeover in self._active]
        following.until = now + self._post
        return [*actions, Open(now, clip.kind, continues=True), Write(self._latched.head(now))]

    def _jump(self) -> list[Action]:
        """The clock went back: stamps before and after it cannot be ordered, so nothing may mix them."""
        self.jumps += 1
        self._gaps.forget_stamps()
        return self.cut("clock went back")

    def pause(self) -> list[Action]:
        """Nobody listens from now on, until the next message; what is missed meanwhile is no loss."""
        self._gaps.forget_all()
        return self.cut("deactivated")

    def cut(self, why: str, superseded: Iterable[str] = ()) -> list[Action]:
        """What comes from now on has nothing to do with what came before (a simulator was reset, say).

        superseded: latched topics whose messages so far are no longer in force.
        """
        actions = self._close(self._clip, why) if self._clip else []
        self._latched.remember(self.ring.clear())
        self._latched.forget(superseded)
        self._recent_gaps.clear()
        self._active.clear()
        return actions
