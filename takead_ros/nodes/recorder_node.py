"""The disengagement recorder as a node: serialized messages in as they come, one clip per takeover out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from takead_ros.domain.driving import EventKind, Source, TakeoverEvent, Trigger
from takead_ros.domain.errors import TakeadError
from takead_ros.files import parse_json, writable_folder
from takead_ros.host import wiring
from takead_ros.host.api import Clock, NodeHandle
from takead_ros.messages import codec, convert, interfaces
from takead_ros.messages.interfaces import Interface
from takead_ros.nodes.diagnostics import PERIOD_S, Diagnostics
from takead_ros.nodes.parameters import Declared
from takead_ros.nodes.recorded_topics import what_to_record
from takead_ros.nodes.recorder_report import report, trouble
from takead_ros.nodes.settings import RecorderParameters
from takead_ros.recording.background import BackgroundWriter
from takead_ros.recording.clip import Provenance
from takead_ros.recording.recorder import Recorder

QUEUE_DEPTH = 1000  # of a topic of ours, all small: seconds in which the process does not get a processor
TICK_S = 0.1


class RecorderNode:
    """Records every topic that ``messages.interfaces`` marks and those of ``topics``; serves ``recorder/bookmark``.

    What is driven it learns from ``episode``; when another one begins, a clip of the last one ends. A disk that fails
    and a message that makes no sense never stop the node: they are told in ``/diagnostics`` and counted. Parameters:
    ``RecorderParameters``. Raises TakeadError for a bad one.
    """

    NAME = "recorder_node"
    MANAGED = True

    def __init__(self, node: NodeHandle, steady: Clock) -> None:
        self._node, self._clock, self._logger = node, node.get_clock(), node.get_logger()
        p = self._parameters = Declared(node, self.NAME, RecorderParameters).value
        further = [interfaces.parse_topic(text, "parameter 'topics'") for text in p.topics if text]
        self._namespace = node.get_namespace()
        config, topics = what_to_record(self._namespace, p, further)
        self._folder = Path(p.directory).expanduser()
        self._writer = BackgroundWriter(
            self._folder, topics, p.compression, p.flush_s, p.queue_mib << 20, p.wait_for_disk
        )
        provenance = Provenance(
            model_sha256=p.model_sha256,
            version=p.version,
            namespace=self._namespace,
            created=p.created,
            parameters=parse_json(p.provenance),
        )
        self._recorder = Recorder(config, topics, provenance, self._writer)
        self._undecodable, self._closed, self._reported = 0, False, ""
        try:
            writable_folder(self._folder)
        except TakeadError as problem:
            self._writer.warn(str(problem))
        for one in interfaces.RECORDED:
            self._subscribe(replace(one, qos=replace(one.qos, depth=QUEUE_DEPTH, deadline_s=None)))
        for one in further:
            self._subscribe(one)
        wiring.server(node, interfaces.BOOKMARK, self._on_bookmark)
        self._diagnostics = Diagnostics(node)
        node.create_timer(TICK_S, self._on_tick)
        node.create_timer(PERIOD_S, self._on_report)

    @property
    def clips(self) -> list[Path]:
        """The clips closed so far."""
        return list(self._writer.status.clips)

    @property
    def failed(self) -> str:
        """Why the disk refused a clip; empty where it took all of them."""
        return self._writer.status.first_failure

    def pause(self) -> None:
        """Finish the open clip: nothing more will come for a while."""
        self._recorder.pause()

    def close(self) -> None:
        """Finish the open clip and everything that is queued; to be called before the process ends."""
        if self._closed:
            return
        self._closed = True
        self._recorder.finish(self._now())
        if not self._writer.stop(timeout=30.0):
            self._logger.error(f"recorder: the disk of '{self._folder}' is still busy after 30 s; given up")
        status = self._writer.status
        if status.failure_count or status.lost_queue:
            self._logger.error(f"recorder: {self._trouble()}")

    def _subscribe(self, interface: Interface) -> None:
        topic = interface.full_name(self._namespace)
        wiring.subscription(self._node, interface, self._receiver(topic), raw=True)

    def _receiver(self, topic: str) -> Callable[[bytes, dict[str, Any]], None]:
        now, receive = self._now, self._recorder.receive

        def take(data: bytes, info: dict[str, Any]) -> None:
            try:
                receive(topic, now(), data, info.get("publication_sequence_number"))
            except TakeadError as problem:
                self._undecodable += 1
                self._logger.error(f"recorder: {topic}: {problem}")

        return take

    def _on_tick(self) -> None:
        self._recorder.tick(self._now())

    def _on_bookmark(self, request: Any, response: Any) -> Any:
        now, why = self._now(), request.label or "bookmark"
        event = TakeoverEvent(now, EventKind.BOOKMARK, 0, Source.HUMAN, Trigger.BOOKMARK, 0.0, None, why)
        topic = interfaces.EVENT.full_name(self._namespace)
        self._recorder.receive(topic, now, codec.serialize(convert.event_to_msg(event)))
        failure = self._writer.status.current_failure
        response.accepted, response.code = not failure, "disk" if failure else "ok"
        response.message = failure or f"bookmarked '{why}'"
        return response

    def _on_report(self) -> None:
        words = self._trouble()
        if words and words != self._reported:
            self._logger.error(f"recorder: {words}")
        self._reported = words
        part = report(self._writer, self._recorder.session, words, self._undecodable)
        self._diagnostics.publish(self._now(), part)

    def _trouble(self) -> str:
        return trouble(self._writer, self._recorder.session, self._parameters.flush_s, self._undecodable)

    def _now(self) -> int:
        return int(self._clock.now().nanoseconds)
