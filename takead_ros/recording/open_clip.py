"""The clip that a session has open: its events, the label of each of its scenes, what it counts. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from takead_ros.domain.driving import TakeoverEvent
from takead_ros.domain.units import SECOND
from takead_ros.recording.clip import Kind, Label
from takead_ros.recording.gaps import header_stamp
from takead_ros.recording.labels import is_casual, label_bytes, label_of
from takead_ros.recording.ring import SerializedMessage

_LABELS = {label: (label.value, label_bytes(label)) for label in Label}


@dataclass(frozen=True)
class SessionConfig:
    """Windows. ``periods_s``: s between header stamps of periodic topics, for counting gaps. ``latched``: topics with
    how many of their last messages a late joiner would get. Topic names are full names."""

    pre_s: float = 5.0
    post_s: float = 2.0
    start_transition_s: float = 0.5
    ring_s: float = 7.0
    ring_bytes: int = 256 * 1024 * 1024
    max_clip_s: float = 300.0
    casual_s: float = 3.0
    whole_run: bool = False
    scene_topic: str = "/takead/scene"
    label_topic: str = "/takead/clip/label"
    latched: dict[str, int] = field(default_factory=dict)
    periods_s: dict[str, float] = field(default_factory=dict)

    @property
    def windows(self) -> dict[str, float]:
        """As a manifest names them (s)."""
        return {"pre": self.pre_s, "post": self.post_s, "start_transition": self.start_transition_s}


class ClipState(Enum):
    """Whether a clip is open, and whether what comes in is written to it or only kept in the ring for it."""

    IDLE = "idle"
    RECORDING = "recording"
    LINGERING = "lingering"


class SessionCounts(NamedTuple):
    """Since the session began: messages ``received`` and ``gaps`` by topic, and what the ring's byte bound cut."""

    received: dict[str, int]
    gaps: dict[str, int]
    cut_by_bytes: int

    def copied(self) -> SessionCounts:
        """As they are now."""
        return SessionCounts(dict(self.received), dict(self.gaps), self.cut_by_bytes)


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


@dataclass
class OpenClip:
    """``base``: the session's counts when it began. ``until``: receive stamp up to which it still writes once nothing
    is active. ``written_to``: ring index of the first message that is not in it."""

    config: SessionConfig
    start: int
    kind: Kind
    base: SessionCounts
    complete_pre_window: bool
    written_to: int
    state: ClipState = ClipState.RECORDING
    until: int = 0
    events: list[TakeoverEvent] = field(default_factory=list)
    labels: dict[str, int] = field(default_factory=dict)
    at_lingering: SessionCounts | None = None  # the session's when it began to linger
    unlabelled: tuple[int, int] | None = None  # header stamp and receive stamp of the scene that has no label yet

    def count_earlier(self, earlier: Iterable[SerializedMessage], gaps: Iterable[tuple[str, int]]) -> None:
        """Count as this clip's what came before it was opened: the ring's ``earlier`` messages, and how many are
        missing between them by topic."""
        for message in earlier:
            self.base.received[message.topic] -= 1
        for topic, missing in gaps:
            self.base.gaps[topic] = self.base.gaps.get(topic, 0) - missing

    def labelled(self, messages: list[SerializedMessage]) -> list[SerializedMessage]:
        """The messages with each scene's label added once it is settled: when the next scene is there."""
        written: list[SerializedMessage] = []
        for message in messages:
            if message.topic == self.config.scene_topic:
                written += self.last_label()
                self.unlabelled = (header_stamp(message.data), message.stamp)
            written.append(message)
        return written

    def last_label(self) -> list[SerializedMessage]:
        """The label of the last scene, where that has none yet."""
        if self.unlabelled is None:
            return []
        stamp, received = self.unlabelled
        label, config = Label.DEMONSTRATION, self.config
        if self.kind != "demonstration":
            label = label_of(stamp, self.events, int(config.start_transition_s * SECOND), int(config.post_s * SECOND))
        self.unlabelled = None
        name, data = _LABELS[label]
        self.labels[name] = self.labels.get(name, 0) + 1
        return [SerializedMessage(config.label_topic, received, data)]

    def close(self, now: SessionCounts, foreseen: bool, why: str) -> Close:
        """What its manifest needs, by the session's counts ``now``. foreseen: a monitor saw something coming in it."""
        ended, base = self.at_lingering or now, self.base
        received = {topic: n - base.received.get(topic, 0) for topic, n in ended.received.items()}
        gaps = {topic: n - base.gaps.get(topic, 0) for topic, n in ended.gaps.items()}
        return Close(
            kind=self.kind,
            events=list(self.events),
            labels=dict(self.labels),
            received={topic: n for topic, n in received.items() if n > 0},
            gaps={topic: n for topic, n in gaps.items() if n > 0},
            casual=is_casual(self.events, foreseen, self.config.casual_s),
            complete_pre_window=self.complete_pre_window,
            cut_by_bytes=now.cut_by_bytes - base.cut_by_bytes,
            closed_by=why,
        )
