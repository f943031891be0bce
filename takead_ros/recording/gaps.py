"""Messages that never came: holes in the publisher's own numbers, or else in the header stamps of a periodic topic."""

from __future__ import annotations

import struct
from collections.abc import Mapping


def header_stamp(data: bytes) -> int:
    """Header stamp (ns) of a serialized message whose first field is a ``std_msgs/Header``; -1 where too short."""
    if len(data) < 12:
        return -1
    seconds, nanoseconds = struct.unpack_from("<iI" if data[1] & 1 else ">iI", data, 4)
    return int(seconds) * 1_000_000_000 + int(nanoseconds)


class GapCounter:
    """``counts``: messages missing so far, by topic. ``periods``: ns between the header stamps of periodic topics.

    Where the middleware tells a publisher's sequence number (Fast DDS does, CycloneDDS does not), it counts on any
    topic. Numbers are each publisher's own and nothing says whose: once one goes back (a second publisher, or one that
    was started again) the topic's numbers mean nothing; it goes on by its stamps, and what they gave is taken back.
    """

    def __init__(self, periods: Mapping[str, int]) -> None:
        self.counts: dict[str, int] = {}
        self._periods = periods
        self._stamps: dict[str, int] = {}
        self._numbers: dict[str, int] = {}
        self._by_number: dict[str, int] = {}  # the part of ``counts`` that numbers gave
        self._mixed: set[str] = set()

    def count(self, topic: str, data: bytes, number: int | None) -> int:
        """How many messages are missing before this one; less than 0 takes back what was counted before."""
        missing = self._stamp_gap(topic, header_stamp(data)) if topic in self._periods else 0
        if number is not None and topic not in self._mixed:
            last = self._numbers.get(topic, number - 1)
            self._numbers[topic] = number
            if number > last:
                # A message that was lost on the way leaves both holes; one that was never sent only that in the stamps.
                more = max(0, number - last - 1 - missing)
                self._by_number[topic] = self._by_number.get(topic, 0) + more
            else:
                self._mixed.add(topic)
                more = -self._by_number.get(topic, 0)
            missing += more
        if missing:
            self.counts[topic] = self.counts.get(topic, 0) + missing
        return missing

    def forget_stamps(self) -> None:
        """The clock went back: stamps before and after that cannot be compared."""
        self._stamps.clear()

    def forget_all(self) -> None:
        """Nobody listened for a while: what was missed then is no loss."""
        self._stamps.clear()
        self._numbers.clear()

    def _stamp_gap(self, topic: str, stamp: int) -> int:
        last, period = self._stamps.get(topic, -1), self._periods[topic]
        self._stamps[topic] = stamp
        return round((stamp - last) / period) - 1 if last >= 0 and stamp - last > 1.5 * period else 0
