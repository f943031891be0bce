"""All nodes in one process, one thread and a simulated time: the same run twice is the same run.

Order is fixed: everything published is delivered, in the order of publishing, before the next timer fires; timers due
at the same time fire in the order of their creation. Nothing takes time but ``run_until`` and ``advance``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from takead_ros.domain.errors import TakeadError
from takead_ros.host import names
from takead_ros.host.bus import Bus, guarded
from takead_ros.host.lockstep_node import LockstepNode
from takead_ros.host.services import Services
from takead_ros.host.simulated_time import SimulatedClock, Timer


class LockstepHost:
    """Hosts nodes in simulated time, starting at ``start_ns``.

    ``clock`` is ROS time, which tests may stop or set; ``steady`` always runs on. ``check_mutation`` makes sure, by
    comparing CDR bytes, that no node changes a message that others share (slow; for tests).
    """

    def __init__(self, start_ns: int = 0, *, check_mutation: bool = False) -> None:
        self.clock = SimulatedClock(start_ns)
        self.steady = SimulatedClock(start_ns)
        self.bus = Bus(check_mutation)
        self.services = Services(self.bus)
        self._ros_offset = 0
        self._nodes: dict[str, LockstepNode] = {}
        self._timers: list[Timer] = []

    def create_node(
        self, name: str, namespace: str = "/takead", parameter_overrides: Mapping[str, Any] | None = None
    ) -> LockstepNode:
        """A node handle. Raises TakeadError for an invalid name or one that is in use."""
        node = LockstepNode(self, name, names.check_node_name(name, namespace), parameter_overrides or {})
        full = node.get_fully_qualified_name()
        if full in self._nodes:
            raise TakeadError(f"there is already a node '{full}'")
        self._nodes[full] = node
        return node

    # time ---------------------------------------------------------------------------------------------------------

    def run_until(self, ns: int) -> None:
        """Deliver and fire everything due until the steady clock stands at ``ns``, that moment included.

        Raises what a callback raises, naming the node and the topic, timer or service (CallbackError, TakeadError).
        """
        if ns < self.steady.nanoseconds:
            raise ValueError(f"cannot run until {ns} ns, it is {self.steady.nanoseconds} ns already")
        self.bus.drain()
        while (found := self._next_timer(ns)) is not None:
            timer, due = found
            self._set_steady(due)
            guarded(timer.owner, timer.call)
            self.bus.drain()
        self._set_steady(ns)

    def advance(self, ns: int) -> None:
        """``run_until`` that much later than now."""
        self.run_until(self.steady.nanoseconds + ns)

    def pause_ros_time(self) -> None:
        """Freeze ``clock``; its timers stop firing."""
        self.clock.paused = True

    def resume_ros_time(self) -> None:
        """Let ``clock`` run on from where it stands."""
        self.clock.paused = False
        self._ros_offset = self.clock.nanoseconds - self.steady.nanoseconds

    def jump_ros_time(self, ns: int) -> None:
        """Set ``clock`` forward (or, negative, back) by ``ns``."""
        self.clock.nanoseconds += ns
        self._ros_offset += ns
        for timer in self._timers:
            timer.clock_jumped()

    # used by the nodes --------------------------------------------------------------------------------------------

    def add_timer(self, timer: Timer) -> None:
        self._timers.append(timer)

    def remove_timer(self, timer: Timer) -> None:
        self._timers.remove(timer)

    def remove_node(self, node: LockstepNode) -> None:
        del self._nodes[node.get_fully_qualified_name()]

    def _next_timer(self, until: int) -> tuple[Timer, int] | None:
        """The timer due first, by ``until`` at the latest, and the steady time (ns) to fire it at.

        Among those due at the same time it is the oldest; a late one is due now.
        """
        now = self.steady.nanoseconds
        best, best_due = None, until + 1
        for timer in self._timers:
            if timer.is_canceled() or timer.clock.paused:
                continue
            due = max(now, timer.due if timer.clock is self.steady else timer.due - self._ros_offset)
            if due < best_due:
                best, best_due = timer, due
        return (best, best_due) if best else None

    def _set_steady(self, ns: int) -> None:
        self.steady.nanoseconds = ns
        if not self.clock.paused:
            self.clock.nanoseconds = ns + self._ros_offset
