"""What became of every message: what is written, lost, and still at risk. One lock for all threads."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from takead_ros.recording.at_risk import AtRisk
from takead_ros.recording.ring import SerializedMessage

Counts = dict[str, int]  # messages by topic


@dataclass(frozen=True)
class RecordingStatus:
    """What became of the messages so far, as of one moment.

    ``current_failure``: why the disk refuses now (empty while it does not); ``first_failure``: why it did at first
    (empty where it never did); ``written``: messages that are in a file, the open clip's included.
    """

    current_failure: str
    first_failure: str
    failure_count: int
    bytes_written: int
    written: Counts
    lost_queue: Counts
    lost_disk: Counts
    clips: tuple[Path, ...]

    @property
    def lost(self) -> int:
        """Messages that came and are in no clip."""
        return sum(self.lost_queue.values()) + sum(self.lost_disk.values())


@dataclass
class ClipCounts:
    """One clip's share; only ``Accounting`` changes it. ``base``: number of the last message before it."""

    base: int
    written: Counts = field(default_factory=dict)
    lost_queue: Counts = field(default_factory=dict)
    lost_disk: Counts = field(default_factory=dict)


class Accounting:
    """Keeps the account of all clips; every method may be called by any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._risk = AtRisk()
        self._over = ClipCounts(0)  # the sum of the clips that nothing more can happen to
        self._clips: list[ClipCounts] = []  # the others
        self._paths: list[Path] = []
        self._current_failure = self._first_failure = ""
        self._failure_count = self._bytes_written = 0

    def begin(self) -> ClipCounts:
        """The account of a new clip."""
        with self._lock:
            counts = ClipCounts(self._risk.handed)
            self._clips.append(counts)
            return counts

    def hand(self, count: int, stamp: int, now: float) -> int:
        """See ``AtRisk.hand``."""
        with self._lock:
            return self._risk.hand(count, stamp, now)

    def settle(self, number: int, now: float) -> None:
        """See ``AtRisk.settle``."""
        with self._lock:
            self._risk.settle(number, now)

    def settled_before(self, stamp: int) -> bool:
        """See ``AtRisk.settled_before``."""
        with self._lock:
            return self._risk.settled_before(stamp)

    def longest_at_risk(self, now: float) -> float:
        """The longest time in s that a message was, or at ``now`` s is, at risk."""
        with self._lock:
            return max(self._risk.longest, self._risk.oldest(now))

    def wrote(self, clip: ClipCounts, written: Counts, size: int = 0) -> None:
        """``clip`` now has ``written`` in its file, after ``size`` bytes more."""
        with self._lock:
            clip.written = dict(written)
            self._bytes_written += size

    def lost_in_queue(self, clip: ClipCounts, messages: Iterable[SerializedMessage]) -> None:
        """The queue had no room for ``messages``."""
        with self._lock:
            _count(clip.lost_queue, messages)

    def lost_on_disk(self, clip: ClipCounts, messages: Iterable[SerializedMessage]) -> None:
        """The disk refused ``messages`` before they were in the file."""
        with self._lock:
            _count(clip.lost_disk, messages)

    def cut_off(self, clip: ClipCounts, in_file: Counts, missing: Counts) -> None:
        """The disk refused: ``in_file`` is in the clip's file, ``missing`` was to be."""
        with self._lock:
            clip.written = dict(in_file)
            _add(clip.lost_disk, missing)

    def losses(self, clip: ClipCounts) -> tuple[Counts, Counts]:
        """What ``clip`` lost to the queue and to the disk."""
        with self._lock:
            return dict(clip.lost_queue), dict(clip.lost_disk)

    def end(self, clip: ClipCounts, path: Path | None = None) -> None:
        """Nothing more can happen to ``clip``; ``path``: where it is whole."""
        with self._lock:
            self._clips = [other for other in self._clips if other is not clip]
            _add_all(self._over, clip)
            if path is not None:
                self._paths.append(path)

    def failed(self, why: str) -> None:
        """The disk refuses."""
        with self._lock:
            self._current_failure = why
            self._first_failure = self._first_failure or why
            self._failure_count += 1

    def warned(self, why: str) -> None:
        """Something stands in the way before a clip is lost to it."""
        with self._lock:
            self._current_failure = self._current_failure or why

    def works(self) -> None:
        """The disk takes clips (again)."""
        with self._lock:
            self._current_failure = ""

    def status(self) -> RecordingStatus:
        """The whole account now."""
        with self._lock:
            total = ClipCounts(0)
            for clip in (self._over, *self._clips):
                _add_all(total, clip)
            return RecordingStatus(
                self._current_failure,
                self._first_failure,
                self._failure_count,
                self._bytes_written,
                total.written,
                total.lost_queue,
                total.lost_disk,
                tuple(self._paths),
            )


def _count(counts: Counts, messages: Iterable[SerializedMessage]) -> None:
    for message in messages:
        counts[message.topic] = counts.get(message.topic, 0) + 1


def _add(counts: Counts, more: Mapping[str, int]) -> None:
    for topic, count in more.items():
        counts[topic] = counts.get(topic, 0) + count


def _add_all(total: ClipCounts, clip: ClipCounts) -> None:
    _add(total.written, clip.written)
    _add(total.lost_queue, clip.lost_queue)
    _add(total.lost_disk, clip.lost_disk)
