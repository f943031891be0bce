"""Session and writer together: serialized messages in, clips on disk out. Knows no host."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timezone
from typing import Protocol

from takead_ros.domain.driving import TakeoverEvent
from takead_ros.domain.episode import EpisodeIdentity
from takead_ros.messages import codec, convert, interfaces
from takead_ros.recording.bag_metadata import BagTopic
from takead_ros.recording.clip import (
    Classification,
    ClipEvent,
    ClipManifest,
    Provenance,
    TopicCount,
    clip_name,
    headline,
)
from takead_ros.recording.open_clip import Close, SessionConfig
from takead_ros.recording.ring import SerializedMessage
from takead_ros.recording.session import Action, Open, Session, Write

WALL_CLOCK_FROM = 1_000_000_000_000_000_000  # ns; a host clock beyond 2001 is the wall clock, not a simulator's


class Sink(Protocol):
    """Where clips go: ``background.BackgroundWriter``."""

    def open(self, manifest: ClipManifest) -> None: ...
    def write(self, messages: list[SerializedMessage]) -> None: ...
    def tick(self, now: int) -> None: ...
    def close(self, manifest: ClipManifest) -> None: ...


class Recorder:
    """Feeds a ``Session`` and does what it says. ``topics`` must hold every topic that ``receive`` will name."""

    def __init__(
        self, config: SessionConfig, topics: Mapping[str, BagTopic], provenance: Provenance, sink: Sink
    ) -> None:
        self.session = Session(config)
        self.provenance = provenance
        self._topics = topics
        self._sink = sink
        self._events = _of_type(topics, interfaces.EVENT.type)
        self._requests = _of_type(topics, interfaces.REQUEST.type)
        self._episodes = _of_type(topics, interfaces.EPISODE.type)
        self._manifest: ClipManifest | None = None
        self._begun: EpisodeIdentity | None = None  # the episode in force, without its route
        self._last_id = ""

    def receive(self, topic: str, stamp: int, data: bytes, number: int | None = None) -> None:
        """A message came in at ``stamp`` ns; ``number``: its publisher's own count, where the middleware tells it.

        Raises TakeadError where an event, a request or an episode cannot be decoded.
        """
        if topic in self._episodes:  # first of all: its own message belongs to what begins with it
            self._episode(convert.episode_from_msg(codec.deserialize(data, interfaces.EPISODE.type)))
        self._do(self.session.receive(topic, stamp, data, number))
        if topic in self._events:
            event = convert.event_from_msg(codec.deserialize(data, interfaces.EVENT.type))
            ClipEvent.of(event)  # what a manifest cannot hold is refused before it opens a clip
            self._do(self.session.event(event, stamp))
        elif topic in self._requests:
            self.session.request(convert.request_from_msg(codec.deserialize(data, interfaces.REQUEST.type)), stamp)
        self._sink.tick(stamp)

    def event(self, event: TakeoverEvent, now: int) -> None:
        """An event that came in by another way than a topic (a bookmark); it must be in the bag by itself."""
        self._do(self.session.event(event, now))

    def _episode(self, episode: EpisodeIdentity) -> None:
        """What is driven from now on: a clip of another episode ends here. A new route alone ends none."""
        before, self._begun = self._begun, replace(episode, route="")
        if before is not None and before != self._begun:
            self._do(self.session.cut("another episode began", superseded=self._episodes))
        told = {
            "suite": episode.suite,
            "scenario": episode.scenario,
            "seed": episode.seed,
            "route": episode.route,
            "map": episode.map,
            "simulator": episode.simulator,
        }
        self.provenance = self.provenance.model_copy(update=told)

    def tick(self, now: int) -> None:
        """Time passed: ends clips whose topics have fallen silent."""
        self._do(self.session.tick(now))
        self._sink.tick(now)

    def pause(self) -> None:
        """Close what is open; messages may come again later."""
        self._do(self.session.pause())

    def finish(self, now: int, why: str = "shutdown") -> None:
        """Close what is open."""
        self._do(self.session.finish(now, why))

    def _do(self, actions: list[Action]) -> None:
        for action in actions:
            if isinstance(action, Write):
                if action.messages:
                    self._sink.write(action.messages)
            elif isinstance(action, Open):
                self._manifest = self._begin(action)
                self._sink.open(self._manifest)
            elif self._manifest is not None:
                self._sink.close(self._end(self._manifest, action))

    def _begin(self, action: Open) -> ClipManifest:
        provenance = self.provenance.model_copy()
        provenance.model_sha256 = provenance.model_sha256 or self._observed_model()
        if not provenance.created and action.start > WALL_CLOCK_FROM:
            provenance.created = datetime.fromtimestamp(action.start / 1e9, timezone.utc).isoformat(timespec="seconds")
        clip_id = clip_name(provenance, action.start)
        manifest = ClipManifest(
            clip_id=clip_id,
            kind=action.kind,
            state="recording",
            classification=action.kind,
            trigger="none",
            who="none",
            why="",
            severity=0.0,
            start=action.start,
            end=action.start,
            events=[],
            provenance=provenance,
            windows=self.session.config.windows,
            continues=self._last_id if action.continues else "",
        )
        self._last_id = clip_id
        return manifest

    def _end(self, opened: ClipManifest, action: Close) -> ClipManifest:
        manifest = opened.model_copy()
        describe(manifest, [ClipEvent.of(event) for event in action.events], action.casual)
        manifest.kind = action.kind
        manifest.labels = action.labels
        for topic in sorted({*action.received, *action.gaps}):
            manifest.topics[topic] = TopicCount(
                type=self._topics[topic].type,
                received=action.received.get(topic, 0),
                lost_gap=action.gaps.get(topic, 0),
            )
        manifest.complete_pre_window = action.complete_pre_window
        manifest.cut_by_bytes = action.cut_by_bytes
        manifest.closed_by = action.closed_by
        return manifest

    def _observed_model(self) -> str:
        """The hash that the last command carried, where no parameter names the model."""
        for message in reversed(self.session.ring.after(0)):
            if self._topics[message.topic].type == interfaces.COMMAND.type:
                return str(codec.deserialize(message.data, interfaces.COMMAND.type).model_sha256)
        return ""


def _of_type(topics: Mapping[str, BagTopic], type_name: str) -> set[str]:
    return {name for name, topic in topics.items() if topic.type == type_name}


def describe(manifest: ClipManifest, events: list[ClipEvent], casual: bool) -> None:
    """Fill in what follows from the events: the headline and the classification."""
    manifest.events = events
    main = headline(events)
    if main is not None:
        manifest.trigger, manifest.who, manifest.why = main.trigger, main.who, main.why
        manifest.severity = main.severity
    classification: Classification = manifest.kind
    if manifest.kind != "demonstration" and main is not None:
        classification = "bookmark" if main.kind == "bookmark" else "casual_override" if casual else "takeover"
    manifest.classification = classification
