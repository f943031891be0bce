"""Threads between the recorder and the disk: driving never waits for it, and what cannot be kept is counted.

A message passes three stations: the queue, where the caller puts it; the operating system, to which the writing thread
hands a chunk at a time (from there a kill cannot take it); the disk, on which a second thread puts it by fsync (from
there a power cut cannot take it). Writing never waits for an fsync.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from takead_ros.recording.at_risk import Ledger
from takead_ros.recording.clip import MANIFEST_FILE, ClipManifest, TopicCount
from takead_ros.recording.ring import Received
from takead_ros.recording.writer import ClipWriter, Topic, begin_clip, write_durably

QUEUE_OVERHEAD = 100  # bytes that a queued message costs beside its payload
# Shares of the flush interval: what may gather before it goes to the operating system (in recorded time or by the
# wall clock, whichever is sooner), and how often the thread looks. The rest of the interval is left for the fsync.
GATHER, POLL = 0.4, 0.1
Counts = dict[str, int]  # messages by topic


@dataclass
class Status:
    """What became of the messages so far. ``failure``: why the disk refuses (empty while it does not); ``failed``: why
    it did at first (empty where it never did); ``written``: in clips that are closed, or cut off by the disk."""

    failure: str = ""
    failed: str = ""
    failures: int = 0
    bytes_written: int = 0
    written: Counts = field(default_factory=dict)
    lost_queue: Counts = field(default_factory=dict)
    lost_disk: Counts = field(default_factory=dict)
    clips: list[Path] = field(default_factory=list)

    @property
    def lost(self) -> int:
        """Messages that came and are in no clip."""
        return sum(self.lost_queue.values()) + sum(self.lost_disk.values())


@dataclass
class _Job:
    """A clip on its way through the threads. ``base``: the number of the last message before it. ``path``: its folder,
    once there is one. ``writer``: None before it is opened, and once the disk has refused. ``kept``: what then was in
    the file already. ``refused``: why an fsync failed."""

    manifest: ClipManifest
    base: int
    path: Path | None = None
    writer: ClipWriter | None = None
    kept: Counts = field(default_factory=dict)
    refused: OSError | None = None
    lost_queue: Counts = field(default_factory=dict)
    lost_disk: Counts = field(default_factory=dict)


class BackgroundWriter:
    """Writes clips in threads of its own. At most ``queue_bytes`` wait; beyond that ``write`` drops and counts.

    With ``patient`` (the embedded run, whose time stands still meanwhile) ``write`` and ``tick`` wait for the disk
    instead: nothing is dropped, and nothing older than ``flush_seconds`` of recorded time is ever at risk.
    """

    def __init__(
        self, folder: Path, topics: Mapping[str, Topic], compression: str = "zstd", flush_seconds: float = 0.5,
        queue_bytes: int = 128 * 1024 * 1024, patient: bool = False,
    ) -> None:  # fmt: skip
        self.status = Status()
        self._ledger = Ledger()
        self._folder = folder
        self._topics = topics
        self._compression = compression
        self._flush_seconds, self._flush_ns = flush_seconds, int(flush_seconds * 1e9)
        self._limit = queue_bytes
        self._patient = patient
        # The deque and the two counts each have one writer, so that a message is handed over without a lock.
        self._items: deque[tuple[Any, ...]] = deque()  # functions to call with their arguments
        self._bytes_in = self._bytes_out = 0
        self._woken_for = 0  # receive stamp of the message for which the thread was last woken
        self._wake = threading.Condition()
        self._urgent = self._stopping = self._dead = False
        self._job: _Job | None = None  # the clip that new messages belong to
        self._current: _Job | None = None  # the one that the thread is writing
        self._disk = ThreadPoolExecutor(1, "clip syncer")
        self._syncing: Future[None] | None = None
        self._thread = threading.Thread(target=self._run, name="clip writer", daemon=True)
        self._thread.start()

    @property
    def queued_bytes(self) -> int:
        """Bytes that wait to be written."""
        return self._bytes_in - self._bytes_out

    @property
    def longest_at_risk(self) -> float:
        """The longest time in s that a message has waited for the disk; always 0 with ``patient``, where the recorded
        time is what counts."""
        return 0.0 if self._patient else max(self._ledger.longest, self._ledger.at_risk(time.monotonic()))

    def written(self) -> Counts:
        """Messages that are in a file, the open clip's included."""
        counts, job = dict(self.status.written), self._current
        writer = None if job is None else job.writer
        _add(counts, {} if writer is None else dict(writer.written))
        return counts

    def open(self, manifest: ClipManifest) -> None:
        """Begin a clip."""
        self._job = _Job(manifest, self._ledger.handed)
        self._put(self._open, self._job)

    def write(self, messages: list[Received]) -> None:
        """Hand over messages of the open clip."""
        job = self._job
        assert job is not None
        size = QUEUE_OVERHEAD * len(messages)
        for message in messages:
            size += len(message.data)
        if self._patient and self.queued_bytes + size > self._limit:
            self._wait(lambda: self.queued_bytes == 0)
        if self._dead or (not self._patient and self.queued_bytes + size > self._limit):
            lost = _counted(messages)
            _add(job.lost_queue, lost)
            _add(self.status.lost_queue, lost)
            return
        stamp = messages[-1].stamp
        number = self._ledger.hand(len(messages), stamp, time.monotonic())
        self._bytes_in += size
        due = not 0 <= stamp - self._woken_for < self._flush_ns * GATHER
        self._woken_for = stamp if due else self._woken_for
        self._put(self._write, job, messages, size, number, urgent=due or self.queued_bytes > self._limit // 8)

    def tick(self, now: int) -> None:
        """It is ``now`` ns of recorded time; with ``patient``, waits for what is older than the flush interval."""
        oldest = now - self._flush_ns
        if self._patient and not self._ledger.settled_before(oldest):
            self._wait(lambda: self._ledger.settled_before(oldest))

    def close(self, manifest: ClipManifest) -> None:
        """End the clip; ``manifest.topics`` holds what was received, the thread adds what was written and lost."""
        job, self._job = self._job, None
        assert job is not None
        self._put(self._close, job, manifest, urgent=True)

    def stop(self, timeout: float | None = None) -> bool:
        """Finish what is queued and end the threads; False where they are still busy after ``timeout`` s."""
        with self._wake:
            self._stopping = self._urgent = True
            self._wake.notify_all()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _put(self, *item: Any, urgent: bool = False) -> None:
        self._items.append(item)
        # The thread polls; waking it for every small message would only make the two fight for the interpreter.
        if urgent and not self._urgent:
            with self._wake:
                self._urgent = True
                self._wake.notify_all()

    def _wait(self, done: Callable[[], bool]) -> None:
        """Wait for the threads; they flush whenever somebody does."""
        with self._wake:
            self._urgent = True
            self._wake.notify_all()
            self._wake.wait_for(lambda: self._dead or done())

    def _run(self) -> None:
        try:
            self._serve()
            self._disk.submit(lambda: None).result()
            self._drain()  # what the disk refused at the very end
            self._disk.shutdown()
        finally:
            with self._wake:
                self._dead = True
                self._wake.notify_all()

    def _serve(self) -> None:
        since: float | None = None  # when the thread first saw something that is not flushed yet
        while True:
            with self._wake:
                urgent = self._wake.wait_for(lambda: self._urgent, timeout=self._flush_seconds * POLL)
                self._urgent = False
                stopping = self._stopping
            self._drain()
            job, writer = self._current, None if self._current is None else self._current.writer
            if job is not None and writer is not None and writer.flushed < writer.count:
                now = time.monotonic()
                since = now if since is None else since
                if now - since >= self._flush_seconds * (GATHER - POLL) or (urgent and self._patient):
                    self._guarded(job, writer.flush)
                    since = None
            else:
                since = None
            self._sync(job)
            if self.queued_bytes == 0:
                with self._wake:
                    self._wake.notify_all()
            if stopping and not self._items:
                return

    def _drain(self) -> None:
        while self._items:
            act, *arguments = self._items.popleft()
            act(*arguments)

    def _open(self, job: _Job) -> None:
        def create() -> None:
            gather = self._flush_seconds * GATHER
            job.writer = begin_clip(self._folder, job.manifest, self._topics, self._compression, gather)
            job.path = job.writer.path

        self._current = job
        if self._guarded(job, create):
            self.status.failure = ""

    def _write(self, job: _Job, messages: list[Received], size: int, number: int) -> None:
        writer, taken = job.writer, 0
        if writer is not None:
            first = writer.count == 0
            try:
                for message in messages:
                    taken += 1
                    self.status.bytes_written += len(message.data)
                    writer.write(message)
                if first:
                    writer.flush()  # the seconds before the trigger have waited long enough
            except OSError as problem:
                self._fail(job, problem)
        if job.writer is None:
            self._lose(job, _counted(messages[taken:]))
            self._settle(number)
        self._sync(job)
        self._bytes_out += size

    def _close(self, job: _Job, manifest: ClipManifest) -> None:
        writer = job.writer
        if writer is not None:
            self._count(job, manifest, writer.written)
            manifest.state = "complete"
            if self._guarded(job, lambda: writer.finish(manifest)):
                self._disk.submit(self._put_away, job, writer, manifest)
        if job.writer is None:
            self._leave_word(job, manifest)
        self._current = None

    def _sync(self, job: _Job | None) -> None:
        """Have what was flushed put on the disk; one order that waits covers everything up to its beginning."""
        waiting = self._syncing is not None and not self._syncing.running() and not self._syncing.done()
        if job is not None and job.writer is not None and job.writer.synced < job.writer.flushed and not waiting:
            self._syncing = self._disk.submit(self._put_on_disk, job, job.writer)

    def _put_on_disk(self, job: _Job, writer: ClipWriter) -> None:
        """In the syncing thread."""
        try:
            writer.sync()
        except OSError as problem:
            job.refused = problem
            self._put(self._fail, job, problem, None, True, urgent=True)
        else:
            self._settle(job.base + writer.synced)

    def _put_away(self, job: _Job, writer: ClipWriter, manifest: ClipManifest) -> None:
        """In the syncing thread."""
        try:
            if job.refused is not None:
                raise job.refused  # an fsync that succeeds after one that failed proves nothing
            self.status.clips.append(writer.close(manifest))
        except OSError as problem:
            self._put(self._fail, job, problem, manifest, True, urgent=True)
        else:
            _add(self.status.written, writer.written)
            self._settle(job.base + writer.count)

    def _settle(self, number: int) -> None:
        self._ledger.settle(number, time.monotonic())
        with self._wake:
            self._wake.notify_all()

    def _guarded(self, job: _Job, act: Callable[[], None]) -> bool:
        """Do something with the disk; False where it failed."""
        try:
            act()
        except OSError as problem:
            self._fail(job, problem)
            return False
        return True

    def _fail(
        self, job: _Job, problem: OSError, manifest: ClipManifest | None = None, synced: bool = False
    ) -> None:  # fmt: skip
        """The disk refuses: the clip is left as it is, and the failure is told. ``manifest``: of a clip that had ended.
        ``synced``: only what was synced can be relied on."""
        self.status.failure = f"{problem.filename or job.path or self._folder}: {problem.strerror or problem}"
        self.status.failed = self.status.failed or self.status.failure
        self.status.failures += 1
        writer, job.writer = job.writer, None
        if writer is not None:
            missing = writer.missing(synced)
            job.kept = {topic: count - missing.get(topic, 0) for topic, count in writer.written.items()}
            _add(self.status.written, job.kept)
            self._lose(job, missing)
            self._settle(job.base + writer.count)
            self._disk.submit(writer.abandon)
        if manifest is not None:
            self._leave_word(job, manifest)

    def _lose(self, job: _Job, lost: Counts) -> None:
        _add(job.lost_disk, lost)
        _add(self.status.lost_disk, lost)

    def _count(self, job: _Job, manifest: ClipManifest, written: Counts) -> None:
        """Say in ``manifest`` how each topic fared; it holds what was received."""
        received = {topic: count.received for topic, count in manifest.topics.items()}
        for topic in sorted({*received, *written, *job.lost_queue, *job.lost_disk}):
            count = manifest.topics.setdefault(topic, TopicCount(type=self._topics[topic].type))
            count.written = written.get(topic, 0)
            count.lost_queue, count.lost_disk = job.lost_queue.get(topic, 0), job.lost_disk.get(topic, 0)
            had = count.written + count.lost_queue + count.lost_disk
            count.lost_ring = max(0, count.received - had)
            count.received = max(count.received, had)

    def _leave_word(self, job: _Job, manifest: ClipManifest) -> None:
        """Tell the folder of a clip that the disk refused what is missing, where there is room for that by now."""
        if job.path is None:
            return
        self._count(job, manifest, job.kept)
        manifest.clip_id, manifest.state = job.manifest.clip_id, "recording"
        manifest.closed_by = f"the disk: {self.status.failed}"
        try:
            write_durably(job.path / MANIFEST_FILE, manifest.to_json())
        except OSError as problem:
            self.status.failure = self.status.failure or f"{problem.filename}: {problem.strerror}"


def _counted(messages: list[Received]) -> Counts:
    counts: Counts = {}
    for message in messages:
        counts[message.topic] = counts.get(message.topic, 0) + 1
    return counts


def _add(counts: Counts, more: Counts) -> None:
    for topic, count in more.items():
        counts[topic] = counts.get(topic, 0) + count
