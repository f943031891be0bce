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

import struct
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import NamedTuple

from takead_ros.domain.driving import EventKind, Source, TakeoverEvent, TakeoverRequest, Trigger
from takead_ros.recording.clip import Kind, Label
from takead_ros.recording.gaps import GapCounter, header_stamp
from takead_ros.recording.ring import Received, RingBuffer

SECOND = 1_000_000_000


@dataclass(frozen=True)
class SessionConfig:
    """Windows in s. ``periods``: s between header stamps of periodic topics, for counting gaps. ``latched``: topics
    with how many of their last messages a late joiner would get. Topic names are full names."""

    pre: float = 5.0
    post: float = 2.0
    start_transition: float = 0.5
    ring_seconds: float = 7.0
    ring_bytes: int = 256 * 1024 * 1024
    max_clip: float = 300.0
    casual_seconds: float = 3.0
    whole_run: bool = False
    scene_topic: str = "/takead/scene"
    label_topic: str = "/takead/clip/label"
    latched: dict[str, int] = field(default_factory=dict)
    periods: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Open:
    """Begin a clip whose first moment is ``start`` ns."""

    start: int
    kind: Kind
    continues: bool = False


class Write(NamedTuple):
    messages: list[Received]


@dataclass(frozen=True)
class Close:
    """End the clip; everything that its manifest needs and only the session knows."""

    kind: Kind
    events: list[TakeoverEvent]
    labels: dict[str, int]
    received: dict[str, int]
    gaps: dict[str, int]
    casual: bool
    complete_pre_window: bool
    cut_by_bytes: int
    closed_by: str


Action = Open | Write | Close


class State(Enum):
    """Whether a clip is open, and whether what comes in is written to it or only kept in the ring for it."""

    IDLE = "idle"
    RECORDING = "recording"
    LINGERING = "lingering"


@dataclass
class _OpenClip:
    """The clip that is open. ``base_*``: the session's counts when it began. ``until``: receive stamp up to which it
    still writes once nothing is active. ``written_to``: ring index of the first message that is not in it."""

    start: int
    kind: Kind
    base_received: dict[str, int]
    base_gaps: dict[str, int]
    base_cut: int
    complete_pre_window: bool
    written_to: int
    state: State = State.RECORDING
    until: int = 0
    events: list[TakeoverEvent] = field(default_factory=list)
    labels: dict[str, int] = field(default_factory=dict)
    at_lingering: tuple[dict[str, int], dict[str, int]] | None = None  # counts of received and gaps when it began
    unlabelled: tuple[int, int] | None = None  # header stamp and receive stamp of the scene that has no label yet


def label_bytes(label: Label) -> bytes:
    """A ``std_msgs/msg/String`` with the label, as little-endian CDR."""
    text = label.value.encode() + b"\0"
    return b"\x00\x01\x00\x00" + struct.pack("<I", len(text)) + text


def label_of(stamp: int, events: list[TakeoverEvent], start_transition: int, post: int) -> Label:
    """What the frame at ``stamp`` ns is, given the clip's events in order; spans in ns."""
    label = Label.PRE
    for event in events:
        if event.stamp > stamp:
            break
        if event.kind is EventKind.START:
            label = Label.TAKEOVER_START if stamp < event.stamp + start_transition else Label.TAKEOVER
        elif event.kind is EventKind.HANDBACK:
            label = Label.HANDBACK
        elif event.kind is EventKind.END:
            label = Label.POST if stamp <= event.stamp + post else Label.PRE
    return label


class Session:
    """One recorder's memory. Every method returns what is to be done, in order; stamps are ns of the host's clock."""

    def __init__(self, config: SessionConfig) -> None:
        self.config = config
        self.ring = RingBuffer(config.ring_seconds, config.ring_bytes)
        self.received: dict[str, int] = {}
        self.jumps = 0
        self._pre = int(config.pre * SECOND)
        self._post = int(config.post * SECOND)
        self._transition = int(config.start_transition * SECOND)
        self._max = int(config.max_clip * SECOND)
        self._gaps = GapCounter({topic: int(period * SECOND) for topic, period in config.periods.items()})
        self._latched: dict[str, list[Received]] = {topic: [] for topic in config.latched}
        self._recent_gaps: deque[tuple[int, str, int]] = deque()  # receive stamp, topic, messages missing before it
        self._active: dict[int, TakeoverEvent] = {}
        self._scene_topic = config.scene_topic
        self._labels = {label: (label.value, label_bytes(label)) for label in Label}
        self._clip: _OpenClip | None = None
        self._foreseen = -1  # when a monitor last saw something coming
        self._now = 0

    @property
    def gaps(self) -> dict[str, int]:
        """Messages that never came, by topic."""
        return self._gaps.counts

    @property
    def state(self) -> State:
        """See the table at the head of this file."""
        return State.IDLE if self._clip is None else self._clip.state

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
        message = Received(topic, stamp, data)
        self.received[topic] = self.received.get(topic, 0) + 1
        missing = self._gaps.count(topic, data, number)
        if missing:
            self._recent_gaps.append((stamp, topic, missing))
            while self._recent_gaps[0][0] < stamp - self.ring.span:
                self._recent_gaps.popleft()
        for out in self.ring.append(message):
            self._remember(out)
        clip = self._clip
        if clip is None and self.config.whole_run:
            clip = self._open(stamp, "demonstration")
            actions += [Open(stamp, clip.kind), Write(self._head(stamp))]
        if clip is not None and clip.state is State.RECORDING:
            actions.append(Write([message] if topic != self._scene_topic else self._labelled([message], clip)))
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
            elif clip.state is State.LINGERING:
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
        if now - clip.start > self._max and clip.state is State.RECORDING:
            return self._split(clip, now)
        if self._active or now <= clip.until:
            return []
        if now - self._pre > clip.until:
            return self._close(clip, "post window passed")
        if clip.state is State.RECORDING:
            clip.state = State.LINGERING
            clip.at_lingering = (dict(self.received), dict(self.gaps))
        return []

    def finish(self, now: int, why: str = "shutdown") -> list[Action]:
        """No more messages will come."""
        self._now = max(now, self._now)
        return self._close(self._clip, why) if self._clip else []

    def _open(self, start: int, kind: Kind, complete: bool = True) -> _OpenClip:
        self._clip = clip = _OpenClip(
            start, kind, dict(self.received), dict(self.gaps), self.ring.cut_by_bytes, complete, self.ring.next_index
        )
        return clip

    def _start(self, start: int, kind: Kind) -> tuple[_OpenClip, list[Action]]:
        """Open a clip on a moment in the past: the head, then what the ring holds since."""
        first = self.ring.index_since(start)
        kept = self.ring.after(first)
        # Messages that fell out for lack of bytes, or an earlier clip that owned them, leave the pre window short.
        complete = first > self.ring.first_index or self.ring.cut_by_bytes == 0
        begin = kept[0].stamp if kept else self._now
        clip = self._open(begin, kind, complete)
        for message in kept:
            clip.base_received[message.topic] -= 1
        for stamp, topic, missing in self._recent_gaps:
            if stamp > begin:
                clip.base_gaps[topic] = clip.base_gaps.get(topic, 0) - missing
        for message in self.ring.after(0)[: max(0, len(self.ring) - len(kept))]:
            if message.topic in self._latched:
                self._remember(message)
        return clip, [Open(begin, kind), Write(self._head(begin) + self._labelled(kept, clip))]

    def _resume(self, clip: _OpenClip) -> list[Action]:
        """A trigger whose pre window reaches into this clip: what the ring kept meanwhile belongs to it."""
        clip.state, clip.at_lingering = State.RECORDING, None
        kept = self.ring.after(clip.written_to)
        clip.complete_pre_window &= self.ring.first_index <= clip.written_to
        clip.written_to = self.ring.next_index
        return [Write(self._labelled(kept, clip))]

    def _labelled(self, messages: list[Received], clip: _OpenClip) -> list[Received]:
        """The messages with each scene's label added once it is settled: when the next scene is there."""
        written: list[Received] = []
        for message in messages:
            if message.topic == self._scene_topic:
                written += self._label_last(clip)
                clip.unlabelled = (header_stamp(message.data), message.stamp)
            written.append(message)
        return written

    def _label_last(self, clip: _OpenClip) -> list[Received]:
        """The label of the last scene, where that has none yet."""
        if clip.unlabelled is None:
            return []
        stamp, received = clip.unlabelled
        label = Label.DEMONSTRATION
        if clip.kind != "demonstration":
            label = label_of(stamp, clip.events, self._transition, self._post)
        clip.unlabelled = None
        name, data = self._labels[label]
        clip.labels[name] = clip.labels.get(name, 0) + 1
        return [Received(self.config.label_topic, received, data)]

    def _head(self, start: int) -> list[Received]:
        """The latched messages that were in force at ``start``, stamped with it."""
        return [Received(m.topic, start, m.data) for messages in self._latched.values() for m in messages]

    def _remember(self, message: Received) -> None:
        depth = self.config.latched.get(message.topic)
        if depth:
            kept = self._latched[message.topic]
            if message not in kept:
                kept.append(message)
                del kept[:-depth]

    def _close(self, clip: _OpenClip, why: str) -> list[Action]:
        tail = self._label_last(clip)
        received, gaps = clip.at_lingering or (self.received, self.gaps)
        received = {topic: n - clip.base_received.get(topic, 0) for topic, n in received.items()}
        gaps = {topic: n - clip.base_gaps.get(topic, 0) for topic, n in gaps.items()}
        close = Close(
            kind=clip.kind,
            events=list(clip.events),
            labels=dict(clip.labels),
            received={topic: n for topic, n in received.items() if n > 0},
            gaps={topic: n for topic, n in gaps.items() if n > 0},
            casual=is_casual(clip.events, self._foreseen >= clip.start, self.config.casual_seconds),
            complete_pre_window=clip.complete_pre_window,
            cut_by_bytes=self.ring.cut_by_bytes - clip.base_cut,
            closed_by=why,
        )
        self._clip = None
        return [Write(tail), close] if tail else [close]

    def _split(self, clip: _OpenClip, now: int) -> list[Action]:
        """A clip that has grown too long goes on in another one, which begins with the latched topics."""
        actions = self._close(clip, "max_clip reached")
        for message in self.ring:
            if message.topic in self._latched:
                self._remember(message)
        following = self._open(now, clip.kind)
        following.events = [event for event in clip.events if event.takeover in self._active]
        following.until = now + self._post
        return [*actions, Open(now, clip.kind, continues=True), Write(self._head(now))]

    def _jump(self) -> list[Action]:
        """The clock went back: stamps before and after it cannot be ordered, so nothing may mix them."""
        self.jumps += 1
        self._gaps.forget_stamps()
        return self.cut("clock went back")

    def cut(self, why: str, superseded: Iterable[str] = ()) -> list[Action]:
        """What comes from now on has nothing to do with what came before (a simulator was reset, say).

        superseded: latched topics whose messages so far are no longer in force.
        """
        actions = self._close(self._clip, why) if self._clip else []
        for message in self.ring.clear():
            self._remember(message)
        for topic in superseded:
            self._latched[topic] = []
        self._recent_gaps.clear()
        self._active.clear()
        return actions


def is_casual(events: list[TakeoverEvent], foreseen: bool, longest: float) -> bool:
    """Whether every takeover is a short human override that no trigger had foreseen."""
    starts = [event for event in events if event.kind is EventKind.START]
    ends = {event.takeover: event.stamp for event in events if event.kind is EventKind.END}
    return (
        bool(starts)
        and not foreseen
        and all(
            start.who is Source.HUMAN
            and start.trigger in (Trigger.HUMAN_OVERRIDE, Trigger.NONE)
            and start.takeover in ends
            and ends[start.takeover] - start.stamp <= longest * SECOND
            for start in starts
        )
    )
