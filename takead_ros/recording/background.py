"""A thread between the recorder and the disk: driving never waits for it, and what cannot be kept is counted."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from takead_ros.recording.clip import ClipManifest, TopicCount
from takead_ros.recording.ring import Received
from takead_ros.recording.writer import ClipWriter, Topic, begin_clip

QUEUE_OVERHEAD = 100  # bytes that a queued message costs beside its payload
# Shares of the flush interval: what may gather before a flush, and how often the thread looks. Together with the flush
# itself they must stay below 1, so that nothing is at risk for longer than the interval.
GATHER, POLL = 0.6, 0.15


@dataclass
class Status:
    """What became of the messages so far. ``failure``: why the disk refuses (empty while it does not); ``failed``: why
    it did at first (empty where it never did)."""

    failure: str = ""
    failed: str = ""
    failures: int = 0
    written: int = 0
    bytes_written: int = 0
    lost_queue: int = 0
    lost_disk: int = 0
    clips: list[Path] = field(default_factory=list)


@dataclass
class _Job:
    """A clip on its way through the thread; counts by topic."""

    manifest: ClipManifest
    lost_queue: dict[str, int] = field(default_factory=dict)


# What the thread is handed: a function to call, and the messages and bytes to call it with.
_Item = tuple[Callable[..., None], Any, Any]


class BackgroundWriter:
    """Writes clips in their own thread. At most ``queue_bytes`` wait; beyond that ``write`` drops and counts, or,
    with ``patient``, waits for the disk (the embedded run: nothing may be lost, and time stands still meanwhile).
    """

    def __init__(
        self, folder: Path, topics: Mapping[str, Topic], compression: str = "zstd", flush_seconds: float = 0.5,
        queue_bytes: int = 128 * 1024 * 1024, patient: bool = False,
    ) -> None:  # fmt: skip
        self.status = Status()
        self._folder = folder
        self._topics = topics
        self._compression = compression
        self._flush_seconds = flush_seconds
        self._limit = queue_bytes
        self._patient = patient
        # The deque and the two counts each have one writer, so that a message is handed over without a lock.
        self._items: deque[_Item] = deque()
        self._bytes_in = self._bytes_out = 0
        self._wake = threading.Condition()
        self._urgent = False
        self._stopping = False
        self._dead = False
        self._job: _Job | None = None  # the clip that new messages belong to
        self._writer: ClipWriter | None = None  # owned by the thread
        self._thread = threading.Thread(target=self._run, name="clip writer", daemon=True)
        self._thread.start()

    @property
    def queued_bytes(self) -> int:
        """Bytes that wait for the disk."""
        return self._bytes_in - self._bytes_out

    def open(self, manifest: ClipManifest) -> None:
        """Begin a clip."""
        job = self._job = _Job(manifest)
        self._put((self._open, job, None))

    def write(self, messages: list[Received]) -> None:
        """Hand over messages of the open clip."""
        job = self._job
        assert job is not None
        size = QUEUE_OVERHEAD * len(messages)
        for message in messages:
            size += len(message.data)
        if self.queued_bytes + size > self._limit or self._dead:
            if not self._patient or self._dead:
                _count(job.lost_queue, messages)
                self.status.lost_queue += len(messages)
                return
            with self._wake:
                self._urgent = True
                self._wake.notify_all()
                self._wake.wait_for(lambda: self.queued_bytes == 0 or self._dead)
        self._bytes_in += size
        self._put((self._write, messages, size), urgent=self.queued_bytes > self._limit // 8)

    def close(self, manifest: ClipManifest) -> None:
        """End the clip; ``manifest.topics`` holds what was received, the thread adds what was written and lost."""
        job = self._job
        assert job is not None
        self._job = None
        self._put((self._close, job, manifest), urgent=True)

    def stop(self, timeout: float | None = None) -> bool:
        """Finish what is queued and end the thread; False where it is still busy after ``timeout`` s."""
        with self._wake:
            self._stopping = self._urgent = True
            self._wake.notify_all()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _put(self, item: _Item, urgent: bool = False) -> None:
        self._items.append(item)
        # The thread polls; waking it for every small message would only make the two fight for the interpreter.
        if urgent and not self._urgent:
            with self._wake:
                self._urgent = True
                self._wake.notify_all()

    def _run(self) -> None:
        try:
            self._serve()
        finally:
            with self._wake:
                self._dead = True
                self._wake.notify_all()

    def _serve(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._urgent, timeout=self._flush_seconds * POLL)
                self._urgent = False
                stopping = self._stopping
            idle = not self._items
            while self._items:
                act, *arguments = self._items.popleft()
                act(*arguments)
            if self._writer is not None and idle:
                # Nothing more comes in for now: what is buffered would be at risk for longer than it should.
                self._guarded(self._writer.flush)
            if self.queued_bytes == 0:
                with self._wake:
                    self._wake.notify_all()
            if stopping and not self._items:
                return

    def _open(self, job: _Job, _: None) -> None:
        def create() -> None:
            self._writer = begin_clip(
                self._folder, job.manifest, self._topics, self._compression, self._flush_seconds * GATHER
            )  # fmt: skip

        self._writer = None
        if self._guarded(create):
            self.status.failure = ""

    def _write(self, messages: list[Received], size: int) -> None:
        kept = 0
        try:
            for message in messages if self._writer is not None else ():
                kept += 1
                self.status.written += 1
                self.status.bytes_written += len(message.data)
                self._writer.write(message)  # type: ignore[union-attr]
        except OSError as problem:
            self._fail(problem)
        self.status.lost_disk += len(messages) - kept
        self._bytes_out += size

    def _close(self, job: _Job, manifest: ClipManifest) -> None:
        writer = self._writer
        if writer is None:
            return
        received = {topic: count.received for topic, count in manifest.topics.items()}
        for topic in sorted({*received, *writer.written, *job.lost_queue}):
            count = manifest.topics.setdefault(topic, TopicCount(type=self._topics[topic].type))
            count.written = writer.written.get(topic, 0)
            count.lost_queue = job.lost_queue.get(topic, 0)
            count.lost_ring = max(0, count.received - count.written - count.lost_queue)
            count.received = max(count.received, count.written)
        manifest.state = "complete"

        def finish() -> None:
            self.status.clips.append(writer.close(manifest))

        if self._guarded(finish):
            self._writer = None

    def _guarded(self, act: Callable[[], None]) -> bool:
        """Do something with the disk; False where it failed."""
        try:
            act()
        except OSError as problem:
            self._fail(problem)
            return False
        return True

    def _fail(self, problem: OSError) -> None:
        """The disk refuses: the clip is left as it is, and the failure is told."""
        self.status.failure = f"{problem.filename or self._folder}: {problem.strerror or problem}"
        self.status.failed = self.status.failed or self.status.failure
        self.status.failures += 1
        if self._writer is not None:
            # What reached the buffer but not the disk is gone as well.
            self.status.lost_disk += self._writer.at_risk
            self.status.written -= self._writer.at_risk
            self._writer.abandon()
            self._writer = None


def _count(counts: dict[str, int], messages: list[Received]) -> None:
    for message in messages:
        counts[message.topic] = counts.get(message.topic, 0) + 1
