"""A stand-in for a drive: serialized messages on every topic of the ego, with takeovers where asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from takead_ros.domain.driving import (
    ArbiterMode,
    Cause,
    DriveCommand,
    DriverOutput,
    EventKind,
    Plan,
    Source,
    TakeoverEvent,
    TakeoverRequest,
    Trigger,
)
from takead_ros.domain.scene import (
    ControlKind,
    EgoState,
    LightState,
    LineKind,
    Objects,
    Polyline,
    Route,
    RouteCommand,
    Scene,
    TrafficControl,
)
from takead_ros.domain.units import SECOND
from takead_ros.messages import codec, convert, interfaces
from takead_ros.recording.bag_metadata import BagTopic
from takead_ros.recording.clip import ClipManifest, Provenance
from takead_ros.recording.open_clip import SessionConfig
from takead_ros.recording.recorder import Recorder
from takead_ros.recording.ring import SerializedMessage
from takead_ros.recording.writer import begin_clip

TICK = SECOND // 20
NAMESPACE = "/takead"
TOPICS = {
    one.full_name(NAMESPACE): BagTopic(one.type, one.qos.reliable, one.qos.latched, one.qos.depth)
    for one in (*interfaces.RECORDED, interfaces.CLIP_LABEL)
}
CONFIG = SessionConfig(
    latched={"/takead/arbiter/state": 1},
    periods_s={
        "/takead/scene": 0.05,
        "/takead/policy/output": 0.1,
        "/takead/expert/output": 0.1,
    },
)
PROVENANCE = Provenance(suite="unit", scenario="lead_brake", seed=7, model_sha256="ab" * 32, version="0.0.0")


@dataclass(frozen=True)
class Takeover:
    """Seconds from the run's beginning: start, handback, end."""

    start: float
    handback: float
    end: float
    who: Source = Source.EXPERT
    trigger: Trigger = Trigger.COLLISION_PREDICTED
    severity: float = 0.5
    requested: bool = True


def scene(stamp: int, lines: int = 6) -> Scene:
    rng = np.random.default_rng(stamp % 2**32)
    count = 4
    objects = Objects(
        np.arange(1, count + 1), np.ones(count, dtype=np.int64), *(rng.normal(size=count) for _ in range(8))
    )
    polylines = tuple(
        Polyline(i, LineKind.LANE_CENTER, rng.normal(size=(30, 2)), i == 0, 13.9, 3.5) for i in range(lines)
    )
    commands = (RouteCommand.LANE_FOLLOW, RouteCommand.LEFT, RouteCommand.STRAIGHT)
    route = Route(rng.normal(size=(110, 2)), rng.normal(size=(3, 2)), commands, 0.1, -0.02, 80.0, 0.4, 13.9)
    control = TrafficControl(3, ControlKind.TRAFFIC_LIGHT, LightState.RED, 1.0, 2.0, 0.3, 25.0)
    return Scene(stamp, EgoState(stamp / SECOND, 0.0, 0.0, 8.0), objects, polylines, route, (control,))


def driver(stamp: int, source: str) -> DriverOutput:
    rng = np.random.default_rng((stamp % 2**32, len(source)))
    plan = Plan(*(rng.normal(size=8) for _ in range(4)))
    cause = Cause("lead", 2, True, "braking for car 2") if source == "expert" else Cause()
    return DriverOutput(
        stamp,
        source,
        plan,
        rng.normal(size=(6, 8, 2)),
        rng.normal(size=6),
        np.arange(8.0),
        np.full(8, 0.125),
        0.01,
        -0.5,
        0.02,
        -0.4,
        model_sha256="" if source == "expert" else "ab" * 32,
        cause=cause,
    )


def run(seconds: float, takeovers: tuple[Takeover, ...] = (), begin: int = 0) -> Iterator[SerializedMessage]:
    """The messages of a drive of ``seconds`` s from host time ``begin`` ns, as they arrive."""
    mode = ArbiterMode.POLICY
    yield _state(begin, mode)
    for tick in range(round(seconds * 20)):
        now = begin + tick * TICK
        yield SerializedMessage("/takead/scene", now, codec.serialize(convert.scene_to_msg(scene(now))))
        if tick % 2 == 0:
            for source in ("policy", "expert"):
                data = codec.serialize(convert.driver_to_msg(driver(now, source)))
                yield SerializedMessage(f"/takead/{source}/output", now, data)
        for number, takeover in enumerate(takeovers, start=1):
            moments = ((takeover.start, 0), (takeover.handback, 1), (takeover.end, 2))
            for seconds_in, kind in moments:
                if tick == round(seconds_in * 20):
                    if kind == 0 and takeover.requested:
                        request = TakeoverRequest(now, takeover.trigger, takeover.severity, 1.2, 2, "car 2 ahead")
                        data = codec.serialize(convert.request_to_msg(request))
                        yield SerializedMessage("/takead/takeover/request", now, data)
                    yield event(now, EventKind(kind), number, takeover)
                    mode = (ArbiterMode.EXPERT, ArbiterMode.HANDBACK, ArbiterMode.POLICY)[kind]
                    yield _state(now, mode)
        who = Source.POLICY if mode is ArbiterMode.POLICY else Source.EXPERT
        command = DriveCommand(now, 0.01, -0.3, who, who, 0.0, 0.0, reason="ok", model_sha256="ab" * 32)
        yield SerializedMessage("/takead/command", now, codec.serialize(convert.command_to_msg(command)))


def event(now: int, kind: EventKind, number: int, takeover: Takeover) -> SerializedMessage:
    content = TakeoverEvent(now, kind, number, takeover.who, takeover.trigger, takeover.severity, 1.2, "test")
    return SerializedMessage("/takead/takeover/event", now, codec.serialize(convert.event_to_msg(content)))


def _state(now: int, mode: ArbiterMode) -> SerializedMessage:
    report = convert.ArbiterReport(now, mode, Source.POLICY, Source.POLICY)
    return SerializedMessage("/takead/arbiter/state", now, codec.serialize(convert.arbiter_to_msg(report)))


@dataclass
class DirectSink:
    """Writes clips at once, in the caller's thread."""

    folder: Path
    compression: str = "zstd"
    clips: list[Path] = field(default_factory=list)

    def open(self, manifest: ClipManifest) -> None:
        self.writer = begin_clip(self.folder, manifest, TOPICS, self.compression)

    def write(self, messages: list[SerializedMessage]) -> None:
        for message in messages:
            self.writer.write(message)
        if self.writer.synced < self.writer.flushed:
            self.writer.sync()

    def tick(self, now: int) -> None:
        """Nothing waits here."""

    def close(self, manifest: ClipManifest) -> None:
        for topic, count in self.writer.written.items():
            if topic in manifest.topics:
                manifest.topics[topic].written = count
        manifest.state = "complete"
        self.clips.append(self.writer.close(manifest))


def record(folder: Path, messages: Iterator[SerializedMessage], config: SessionConfig = CONFIG) -> list[Path]:
    """Drive the recorder over ``messages``; the clips it made."""
    sink = DirectSink(folder)
    recorder = Recorder(config, TOPICS, PROVENANCE, sink)
    last = 0
    for message in messages:
        recorder.receive(*message)
        last = message.stamp
    recorder.finish(last)
    return sink.clips
