"""The disengagement recorder as a node: serialized messages in as they come, one clip per takeover out."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from takead_ros import __version__
from takead_ros.domain.driving import EventKind, Source, TakeoverEvent, Trigger
from takead_ros.domain.errors import TakeadError
from takead_ros.files import writable_folder
from takead_ros.host import qos, wiring
from takead_ros.host.api import Clock, NodeHandle
from takead_ros.messages import codec, convert, interfaces, types
from takead_ros.messages import ros_types as installed
from takead_ros.recording.background import BackgroundWriter
from takead_ros.recording.clip import Provenance
from takead_ros.recording.mcap_chunks import COMPRESSIONS
from takead_ros.recording.recorder import Recorder
from takead_ros.recording.session import SessionConfig
from takead_ros.recording.writer import Topic

LATCHED_DEPTH = 100  # messages of a latched topic that are repeated at a clip's head (/tf_static has many senders)
QUEUE_DEPTH = 100  # of a further topic, which may carry pictures
OWN_QUEUE_DEPTH = 1000  # of a small one: seconds in which the process does not get a processor
_MODES = ("clips", "all")

_PARAMETERS: list[tuple[str, Any]] = [
    ("directory", "clips"), ("mode", "clips"), ("topics", [""]), ("scene_period", 0.05),
    ("pre_seconds", 5.0), ("post_seconds", 2.0), ("start_transition_seconds", 0.5), ("max_clip_seconds", 300.0),
    ("casual_seconds", 3.0), ("ring_seconds", 7.0), ("ring_megabytes", 256), ("queue_megabytes", 128),
    ("flush_seconds", 0.5), ("compression", "zstd"), ("wait_for_disk", False),
    ("model_sha256", ""), ("version", __version__), ("created", ""), ("provenance", "{}"),
]  # fmt: skip


class RecorderNode:
    """Records every topic that ``messages.interfaces`` marks and those of ``topics``; serves ``recorder/bookmark``.

    Parameters: ``directory``; ``mode`` (``clips``: one clip for each takeover; ``all``: the whole run in one bag, every
    frame labelled ``demonstration``); ``topics`` (more, each ``/name:package/msg/Type[:latched|:best_effort]``); the
    windows, bounds and intervals by their unit; ``scene_period`` s between scenes, by which a gap is told;
    ``compression`` (none, lz4, zstd); ``wait_for_disk`` (the embedded run: a slow disk halts the run instead of losing
    messages); ``model_sha256``, ``version``, ``created`` and ``provenance`` (a JSON object of whatever else is needed
    to rebuild the run) for the manifest. What is driven it learns from ``episode``; when another one begins, a clip of
    the last one ends.

    A disk that fails never stops the node: it is told in ``/diagnostics`` and counted. Raises TakeadError for a bad
    parameter.
    """

    NAME = "recorder_node"

    def __init__(self, node: NodeHandle, steady: Clock) -> None:
        self._node = node
        declared = node.declare_parameters("", _PARAMETERS)
        values = {name: p.value for (name, _), p in zip(_PARAMETERS, declared, strict=True)}
        self._check(values)
        base = node.get_namespace().rstrip("/")
        self._event_topic = interfaces.EVENT.full_name(base)
        label_topic = interfaces.CLIP_LABEL.full_name(base)
        self._topics: dict[str, Topic] = {label_topic: Topic(interfaces.CLIP_LABEL.type)}
        periods, latched = {}, {}
        self._own = {one.full_name(base) for one in interfaces.RECORDED}
        for one in interfaces.RECORDED:
            name = one.full_name(base)
            self._topics[name] = Topic(one.type, one.qos.reliable, one.qos.latched, 1)
            if one.stamped_period and one.period_s is not None:
                periods[name] = values["scene_period"] if one is interfaces.SCENE else one.period_s
            if one.qos.latched:
                latched[name] = one.qos.depth
        for name, topic in map(self._parse_topic, filter(None, values["topics"])):
            self._topics[name] = topic
            if topic.latched:
                latched[name] = LATCHED_DEPTH
        self._folder = Path(str(values["directory"])).expanduser()
        self._writer = BackgroundWriter(
            self._folder, self._topics, values["compression"], values["flush_seconds"],
            int(values["queue_megabytes"]) << 20, bool(values["wait_for_disk"]),
        )  # fmt: skip
        config = SessionConfig(
            pre=values["pre_seconds"], post=values["post_seconds"], start_transition=values["start_transition_seconds"],
            ring_seconds=values["ring_seconds"], ring_bytes=int(values["ring_megabytes"]) << 20,
            max_clip=values["max_clip_seconds"], casual_seconds=values["casual_seconds"],
            whole_run=values["mode"] == "all", scene_topic=interfaces.SCENE.full_name(base), label_topic=label_topic,
            latched=latched, periods=periods,
        )  # fmt: skip
        provenance = Provenance(
            model_sha256=values["model_sha256"], version=values["version"],
            namespace=node.get_namespace(), created=values["created"], parameters=json.loads(values["provenance"]),
        )  # fmt: skip
        self._recorder = Recorder(config, self._topics, provenance, self._writer)
        self._flush_seconds = float(values["flush_seconds"])
        self._undecodable = 0
        self._closed = False
        self._reported = ""
        try:
            writable_folder(self._folder)
        except TakeadError as problem:
            self._writer.warn(str(problem))
        for name, topic in self._topics.items():
            if name != config.label_topic:
                self._subscribe(name, topic)
        wiring.server(node, interfaces.BOOKMARK, self._on_bookmark)
        self._diagnostics = wiring.publisher(node, interfaces.DIAGNOSTICS)
        node.create_timer(0.1, self._on_tick)
        node.create_timer(1.0, self._report)

    @property
    def clips(self) -> list[Path]:
        """The clips closed so far."""
        return list(self._writer.status.clips)

    @property
    def failed(self) -> str:
        """Why the disk refused a clip; empty where it took all of them."""
        return self._writer.status.first_failure

    def close(self) -> None:
        """Finish the open clip and everything that is queued; to be called before the process ends."""
        if self._closed:
            return
        self._closed = True
        self._recorder.finish(self._now())
        if not self._writer.stop(timeout=30.0):
            self._node.get_logger().error(f"recorder: the disk of '{self._folder}' is still busy after 30 s; given up")
        status = self._writer.status
        if status.failure_count or status.lost_queue:
            self._node.get_logger().error(f"recorder: {self._trouble()}")

    def _check(self, values: dict[str, Any]) -> None:
        def expect(name: str, holds: bool, what: str) -> None:
            if not holds:
                raise TakeadError(f"{self.NAME}: parameter '{name}' = {values[name]!r}, expected {what}")

        expect("directory", bool(values["directory"]), "a folder")
        expect("mode", values["mode"] in _MODES, f"one of {', '.join(_MODES)}")
        expect("compression", values["compression"] in COMPRESSIONS, f"one of {', '.join(COMPRESSIONS)}")
        for name in ("pre_seconds", "post_seconds", "start_transition_seconds", "casual_seconds"):
            expect(name, values[name] >= 0.0, "seconds, at least 0")
        for name in ("scene_period", "max_clip_seconds", "flush_seconds", "ring_megabytes", "queue_megabytes"):
            expect(name, values[name] > 0, "more than 0")
        expect("ring_seconds", values["ring_seconds"] > values["pre_seconds"], "more than pre_seconds")
        try:
            extra = json.loads(values["provenance"])
        except ValueError:
            extra = None
        expect("provenance", isinstance(extra, dict), "a JSON object")

    def _parse_topic(self, text: str) -> tuple[str, Topic]:
        name, _, rest = text.partition(":")
        kind, _, flag = rest.partition(":")
        known = name.startswith("/") and kind.count("/") == 2 and flag in ("", "latched", "best_effort")
        if not known or not installed.known(kind):
            raise TakeadError(
                f"{self.NAME}: parameter 'topics': '{text}', expected /name:package/msg/Type with a known message "
                "type (under ROS 2: of a sourced package), and :latched or :best_effort behind it where it applies"
            )
        return name, Topic(kind, reliable=flag != "best_effort", latched=flag == "latched")

    def _subscribe(self, name: str, topic: Topic) -> None:
        profile = qos.QoSProfile(
            depth=OWN_QUEUE_DEPTH if name in self._own else QUEUE_DEPTH,
            reliability=qos.ReliabilityPolicy.RELIABLE if topic.reliable else qos.ReliabilityPolicy.BEST_EFFORT,
            durability=qos.DurabilityPolicy.TRANSIENT_LOCAL if topic.latched else qos.DurabilityPolicy.VOLATILE,
        )
        self._node.create_subscription(types.message(topic.type), name, self._receiver(name), profile, raw=True)

    def _receiver(self, topic: str) -> Callable[[bytes, dict[str, Any]], None]:
        now, receive = self._now, self._recorder.receive

        def take(data: bytes, info: dict[str, Any]) -> None:
            try:
                receive(topic, now(), data, info["publication_sequence_number"])
            except TakeadError as problem:
                self._undecodable += 1
                self._node.get_logger().error(f"recorder: {topic}: {problem}")

        return take

    def _on_tick(self) -> None:
        self._recorder.tick(self._now())

    def _on_bookmark(self, request: Any, response: Any) -> Any:
        now = self._now()
        event = TakeoverEvent(
            now, EventKind.BOOKMARK, 0, Source.HUMAN, Trigger.BOOKMARK, 0.0, None, request.label or "bookmark"
        )  # fmt: skip
        self._recorder.receive(self._event_topic, now, codec.serialize(convert.event_to_msg(event)))
        failure = self._writer.status.current_failure
        response.accepted, response.code = not failure, "disk" if failure else "ok"
        response.message = failure or f"bookmarked '{event.why}'"
        return response

    def _report(self) -> None:
        """Losses and failures, while they happen."""
        status, session = self._writer.status, self._recorder.session
        trouble = self._trouble()
        if trouble and trouble != self._reported:
            self._node.get_logger().error(f"recorder: {trouble}")
        self._reported = trouble
        level = types.DiagnosticStatus.OK
        if status.current_failure:
            level = types.DiagnosticStatus.ERROR
        elif trouble:
            level = types.DiagnosticStatus.WARN
        counts: dict[str, Any] = {
            "recording": session.recording,
            "clips": len(status.clips),
            "ring_messages": len(session.ring),
            "ring_bytes": session.ring.bytes,
            "ring_cut_by_bytes": session.ring.cut_by_bytes,
            "queued_bytes": self._writer.queued_bytes,
            "written": sum(status.written.values()),
            "lost_queue": sum(status.lost_queue.values()),
            "lost_disk": sum(status.lost_disk.values()),
            "longest_at_risk": f"{self._writer.longest_at_risk:.2f} s",
            "undecodable": self._undecodable,
            "clock_jumps": session.jumps,
        }
        for name, by_topic in (
            ("received", session.received), ("written", status.written), ("lost_gap", session.gaps),
            ("lost_queue", status.lost_queue), ("lost_disk", status.lost_disk),
        ):  # fmt: skip
            counts |= {f"{name} {topic}": count for topic, count in by_topic.items()}
        report = types.DiagnosticStatus(
            level=level, name=f"{self._node.get_namespace()}/{self.NAME}", hardware_id="takead",
            message=trouble or ("recording a clip" if session.recording else "ready"),
            values=[types.KeyValue(key=key, value=str(value)) for key, value in counts.items()],
        )  # fmt: skip
        header = convert.header_to_msg(self._now(), "")
        self._diagnostics.publish(types.DiagnosticArray(header=header, status=[report]))

    def _trouble(self) -> str:
        """What is wrong, in words; empty where nothing is."""
        status, ring = self._writer.status, self._recorder.session.ring
        parts = []
        if status.current_failure:
            parts.append(f"not recording: {status.current_failure} ({sum(status.lost_disk.values())} messages lost)")
        if status.lost_queue:
            parts.append(f"the disk is too slow: {sum(status.lost_queue.values())} messages lost")
        if self._writer.longest_at_risk > self._flush_seconds:
            parts.append(f"messages waited up to {self._writer.longest_at_risk:.2f} s for the disk (flush_seconds)")
        if ring.cut_by_bytes:
            parts.append(f"ring_megabytes cut the ring short of ring_seconds by {ring.cut_by_bytes} messages so far")
        if self._undecodable:
            parts.append(f"{self._undecodable} events or requests could not be decoded")
        return "; ".join(parts)

    def _now(self) -> int:
        return int(self._node.get_clock().now().nanoseconds)
