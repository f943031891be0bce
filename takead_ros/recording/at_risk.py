"""How far messages have got on their way to the disk, and how long each was at risk. Pure: no thread, no clock."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple


class _Mark(NamedTuple):
    number: int  # of the last message of a batch
    stamp: int  # its receive stamp, ns
    at: float  # when the batch was handed over, s of a steady clock


class AtRisk:
    """Messages are numbered in the order in which they are handed over.

    A message is at risk from the moment when it is handed over (for the seconds before a trigger: from the trigger on)
    until it is settled: fsynced, or counted as lost. ``longest``: the longest time that any was at risk, in s.
    """

    def __init__(self) -> None:
        self.handed = 0
        self.longest = 0.0
        self._open: deque[_Mark] = deque()

    def hand(self, count: int, stamp: int, now: float) -> int:
        """``count`` more messages, the last one of ``stamp`` ns, at ``now`` s; returns the last one's number."""
        self.handed += count
        self._open.append(_Mark(self.handed, stamp, now))
        return self.handed

    def settle(self, number: int, now: float) -> None:
        """Every message up to ``number`` is settled at ``now`` s."""
        while self._open and self._open[0].number <= number:
            self.longest = max(self.longest, now - self._open.popleft().at)

    def settled_before(self, stamp: int) -> bool:
        """Whether no message older than ``stamp`` ns is at risk."""
        return not self._open or self._open[0].stamp >= stamp

    def oldest(self, now: float) -> float:
        """For how long the oldest unsettled message has been at risk at ``now`` s; 0 where there is none."""
        return max(0.0, now - self._open[0].at) if self._open else 0.0
