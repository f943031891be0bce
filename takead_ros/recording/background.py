"""Writes clips in the background: driving never waits for the disk, and what cannot be kept is counted.

A message passes three stations: the queue (``write_queue``), where the caller puts it; the operating system, to which
the writer thread (``writer_thread``) hands a chunk at a time (from there a kill cannot take it); the disk, on which a
second thread puts it by fsync (from there a power cut cannot take it). ``accounting`` knows where each one is.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from takead_ros.recording.accounting import Accounting, RecordingStatus
from takead_ros.recording.bag_metadata import BagTopic
from takead_ros.recording.clip import ClipManifest
from takead_ros.recording.ring import SerializedMessage
from takead_ros.recording.write_queue import WriteQueue, WriteTask
from takead_ros.recording.writer_thread import GATHER, Job, WriterThread

COMPRESSION: Literal["zstd"] = "zstd"  # of a bag's chunks
FLUSH_S = 0.5  # of recorded time at risk in a power cut
QUEUE_BYTES = 128 << 20  # that may wait for the disk
QUEUE_OVERHEAD = 100  # bytes that a queued message costs beside its payload


class BackgroundWriter:
    """Writes clips in threads of its own. At most ``queue_bytes`` wait; beyond that ``write`` drops and counts.

    With ``patient`` (the embedded run, whose time stands still meanwhile) ``write`` and ``tick`` wait for the disk
    instead: nothing is dropped, and nothing older than ``flush_seconds`` of recorded time is ever at risk.
    """

    def __init__(
        self,
        folder: Path,
        topics: Mapping[str, BagTopic],
        compression: str = COMPRESSION,
        flush_seconds: float = FLUSH_S,
        queue_bytes: int = QUEUE_BYTES,
        patient: bool = False,
    ) -> None:
        self._flush_ns = int(flush_seconds * 1e9)
        self._patient = patient
        self._account = Accounting()
        self._queue = WriteQueue(queue_bytes)
        self._thread = WriterThread(folder, topics, compression, flush_seconds, patient, self._queue, self._account)
        self._woken_for = 0  # receive stamp of the message for which the thread was last woken
        self._job: Job | None = None  # the clip that new messages belong to

    @property
    def status(self) -> RecordingStatus:
        """What became of the messages so far."""
        return self._account.status()

    @property
    def queued_bytes(self) -> int:
        """Bytes that wait to be written."""
        return self._queue.bytes

    @property
    def longest_at_risk(self) -> float:
        """The longest time in s that a message has waited for the disk; always 0 with ``patient``, where the recorded
        time is what counts."""
        return 0.0 if self._patient else self._account.longest_at_risk(time.monotonic())

    def settled_before(self, stamp: int) -> bool:
        """Whether every message older than ``stamp`` ns is on the disk, or counted as lost."""
        return self._account.settled_before(stamp)

    def warn(self, why: str) -> None:
        """Something stands in the way of recording, found before a clip was lost to it."""
        self._account.warned(why)

    def open(self, manifest: ClipManifest) -> None:
        """Begin a clip."""
        job = self._job = Job(manifest, self._account.begin())
        self._queue.put(WriteTask(lambda: self._thread.open(job)))

    def write(self, messages: list[SerializedMessage]) -> None:
        """Hand over messages of the open clip."""
        job = self._open_job()
        size = QUEUE_OVERHEAD * len(messages)
        for message in messages:
            size += len(message.data)
        queue = self._queue
        if self._patient and queue.bytes + size > queue.limit:
            queue.wait(lambda: queue.bytes == 0)
        if queue.dead or (not self._patient and queue.bytes + size > queue.limit):
            self._account.lost_in_queue(job.counts, messages)
            return
        stamp = messages[-1].stamp
        number = self._account.hand(len(messages), stamp, time.monotonic())
        due = not 0 <= stamp - self._woken_for < self._flush_ns * GATHER
        self._woken_for = stamp if due else self._woken_for
        urgent = due or queue.bytes + size > queue.limit // 8
        queue.put(WriteTask(lambda: self._thread.write(job, messages, number), size), urgent)

    def tick(self, now: int) -> None:
        """It is ``now`` ns of recorded time; with ``patient``, waits for what is older than the flush interval."""
        oldest = now - self._flush_ns
        if self._patient and not self._account.settled_before(oldest):
            self._queue.wait(lambda: self._account.settled_before(oldest))

    def close(self, manifest: ClipManifest) -> None:
        """End the clip; ``manifest.topics`` holds what was received, the thread adds what was written and lost."""
        job, self._job = self._open_job(), None
        self._queue.put(WriteTask(lambda: self._thread.close(job, manifest)), urgent=True)

    def stop(self, timeout: float | None = None) -> bool:
        """Finish what is queued and end the threads; False where they are still busy after ``timeout`` s."""
        self._queue.stop()
        return self._thread.join(timeout)

    def _open_job(self) -> Job:
        if self._job is None:
            raise RuntimeError("no clip is open: call open() before write() and close()")
        return self._job
