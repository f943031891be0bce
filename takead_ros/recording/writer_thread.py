"""The thread that writes clips, and a second one that puts them on the disk by fsync, for which writing never waits."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from takead_ros.recording.accounting import Accounting, ClipCounts, Counts
from takead_ros.recording.bag_metadata import BagTopic
from takead_ros.recording.clip import MANIFEST_FILE, ClipManifest, TopicCount
from takead_ros.recording.ring import SerializedMessage
from takead_ros.recording.write_queue import WriteQueue, WriteTask
from takead_ros.recording.writer import ClipWriter, begin_clip, write_durably

# Shares of the flush interval: what may gather before it goes to the operating system (in recorded time or by the
# wall clock, whichever is sooner), and how often the thread looks. The rest of the interval is left for the fsync.
GATHER, POLL = 0.4, 0.1


@dataclass
class Job:
    """A clip on its way through the threads. ``path``: its folder, once there is one. ``writer``: None before it is
    opened, and once the disk has refused. ``in_file``: what was in the file then. ``sync_failure``: why an fsync
    failed."""

    manifest: ClipManifest
    counts: ClipCounts
    path: Path | None = None
    writer: ClipWriter | None = None
    in_file: Counts = field(default_factory=dict)
    sync_failure: OSError | None = None


class WriterThread:
    """Takes tasks from ``queue`` and enters in ``account`` what became of them. The methods ``open``, ``write`` and
    ``close`` are such tasks and run in the thread itself."""

    def __init__(
        self,
        folder: Path,
        topics: Mapping[str, BagTopic],
        compression: str,
        flush_seconds: float,
        hasty: bool,
        queue: WriteQueue,
        account: Accounting,
    ) -> None:
        self._folder = folder
        self._topics = topics
        self._compression = compression
        self._flush_seconds = flush_seconds
        self._hasty = hasty  # somebody who is urgent waits for the flush itself
        self._queue = queue
        self._account = account
        self._job: Job | None = None  # the one being written
        self._syncer = ThreadPoolExecutor(1, "clip syncer")
        self._syncing: Future[None] | None = None
        self._thread = threading.Thread(target=self._run, name="clip writer", daemon=True)
        self._thread.start()

    def join(self, timeout: float | None) -> bool:
        """Whether the thread ended within ``timeout`` s."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def open(self, job: Job) -> None:
        """Make the clip's folder and file."""

        def create() -> None:
            gather = self._flush_seconds * GATHER
            job.writer = begin_clip(self._folder, job.manifest, self._topics, self._compression, gather)
            job.path = job.writer.path

        self._job = job
        if self._attempt(job, create):
            self._account.works()

    def write(self, job: Job, messages: list[SerializedMessage], number: int) -> None:
        """Write messages, the last of which has ``number``."""
        writer, taken = job.writer, 0
        if writer is not None:
            first, size = writer.count == 0, 0
            try:
                for message in messages:
                    taken += 1
                    size += len(message.data)
                    writer.write(message)
                if first:
                    writer.flush()  # the seconds before the trigger have waited long enough
                self._account.wrote(job.counts, writer.written, size)
            except OSError as problem:
                self._fail(job, problem)
        if job.writer is None:
            self._account.lost_on_disk(job.counts, messages[taken:])
            self._settle(number)
        self._sync(job)

    def close(self, job: Job, manifest: ClipManifest) -> None:
        """End the clip: ``manifest.topics`` holds what was received."""
        writer = job.writer
        if writer is not None:
            self._complete(job, manifest, writer.written)
            manifest.state = "complete"
            if self._attempt(job, lambda: writer.finish(manifest)):
                self._syncer.submit(self._put_away, job, writer, manifest)
        if job.writer is None:
            self._leave_word(job, manifest)
        self._job = None

    def _run(self) -> None:
        try:
            self._serve()
            self._syncer.submit(lambda: None).result()
            self._queue.drain()  # what the disk refused at the very end
            self._syncer.shutdown()
        finally:
            self._queue.die()

    def _serve(self) -> None:
        since: float | None = None  # when the thread first saw something that is not flushed yet
        while True:
            urgent, stopping = self._queue.nap(self._flush_seconds * POLL)
            self._queue.drain()
            job, writer = self._job, None if self._job is None else self._job.writer
            if job is not None and writer is not None and writer.flushed < writer.count:
                now = time.monotonic()
                since = now if since is None else since
                if now - since >= self._flush_seconds * (GATHER - POLL) or (urgent and self._hasty):
                    self._attempt(job, writer.flush)
                    since = None
            else:
                since = None
            self._sync(job)
            if self._queue.bytes == 0:
                self._queue.tell()
            if stopping and self._queue.empty:
                return

    def _sync(self, job: Job | None) -> None:
        """Have what was flushed put on the disk; one order that waits covers everything up to its beginning."""
        waiting = self._syncing is not None and not self._syncing.running() and not self._syncing.done()
        if job is not None and job.writer is not None and job.writer.synced < job.writer.flushed and not waiting:
            self._syncing = self._syncer.submit(self._put_on_disk, job, job.writer)

    def _put_on_disk(self, job: Job, writer: ClipWriter) -> None:
        """In the syncing thread."""
        try:
            writer.sync()
        except OSError as problem:
            job.sync_failure = failure = problem
            self._queue.put(WriteTask(lambda: self._fail(job, failure, synced=True)), urgent=True)
        else:
            self._settle(job.counts.base + writer.synced)

    def _put_away(self, job: Job, writer: ClipWriter, manifest: ClipManifest) -> None:
        """In the syncing thread."""
        try:
            if job.sync_failure is not None:
                raise job.sync_failure  # an fsync that succeeds after one that failed proves nothing
            path = writer.close(manifest)
        except OSError as problem:
            failure = problem
            self._queue.put(WriteTask(lambda: self._fail(job, failure, manifest, synced=True)), urgent=True)
        else:
            self._account.end(job.counts, path)
            self._settle(job.counts.base + writer.count)

    def _settle(self, number: int) -> None:
        self._account.settle(number, time.monotonic())
        self._queue.tell()

    def _attempt(self, job: Job, act: Callable[[], None]) -> bool:
        """Do something with the disk; False where it failed."""
        try:
            act()
        except OSError as problem:
            self._fail(job, problem)
            return False
        return True

    def _fail(self, job: Job, problem: OSError, manifest: ClipManifest | None = None, synced: bool = False) -> None:
        """The disk refuses: the clip is left as it is, and the failure is told. ``manifest``: of a clip that had ended.
        ``synced``: only what was synced can be relied on."""
        self._account.failed(f"{problem.filename or job.path or self._folder}: {problem.strerror or problem}")
        writer, job.writer = job.writer, None
        if writer is not None:
            missing = writer.missing(synced)
            job.in_file = {topic: count - missing.get(topic, 0) for topic, count in writer.written.items()}
            self._account.cut_off(job.counts, job.in_file, missing)
            self._settle(job.counts.base + writer.count)
            self._syncer.submit(writer.abandon)
        if manifest is not None:
            self._leave_word(job, manifest)

    def _complete(self, job: Job, manifest: ClipManifest, written: Counts) -> None:
        """Say in ``manifest`` how each topic fared; it holds what was received."""
        lost_queue, lost_disk = self._account.losses(job.counts)
        for topic in sorted({*manifest.topics, *written, *lost_queue, *lost_disk}):
            count = manifest.topics.setdefault(topic, TopicCount(type=self._topics[topic].type))
            count.written = written.get(topic, 0)
            count.lost_queue, count.lost_disk = lost_queue.get(topic, 0), lost_disk.get(topic, 0)
            had = count.written + count.lost_queue + count.lost_disk
            count.lost_ring = max(0, count.received - had)
            count.received = max(count.received, had)

    def _leave_word(self, job: Job, manifest: ClipManifest) -> None:
        """Tell the folder of a clip that the disk refused what is missing, where there is room for that by now."""
        self._account.end(job.counts)
        if job.path is None:
            return
        self._complete(job, manifest, job.in_file)
        manifest.clip_id, manifest.state = job.manifest.clip_id, "recording"
        manifest.closed_by = f"the disk: {self._account.status().first_failure}"
        try:
            write_durably(job.path / MANIFEST_FILE, manifest.to_json())
        except OSError as problem:
            self._account.warned(f"{problem.filename}: {problem.strerror}")
