"""Traffic lights in their groups: one phase of a junction is green, then yellow, then all are red, then the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from takead_ros.simulators.carla_server.town_map import Signal

RED, YELLOW, GREEN, OFF, UNKNOWN = range(5)
GREEN_S, YELLOW_S, RED_S = 10.0, 3.0, 2.0  # CARLA's own


@dataclass
class _Group:
    phases: list[list[int]]  # lights of each phase, by their place among all lights
    now: int = 0
    state: int = GREEN
    since: float = 0.0


class Lights:
    """All lights of a map: ``states`` (L,), ``elapsed`` (L,) s in it, ``times`` (L, 3) s of green, yellow, red."""

    def __init__(self, signals: Sequence[Signal]) -> None:
        self.signals = tuple(signals)
        count = len(self.signals)
        self.states = np.full(count, RED, np.int64)
        self.elapsed = np.zeros(count)
        self.times = np.tile([GREEN_S, YELLOW_S, RED_S], (count, 1))
        self.frozen = False
        groups: dict[str, dict[str, list[int]]] = {}
        for i, signal in enumerate(self.signals):
            groups.setdefault(signal.group, {}).setdefault(signal.phase, []).append(i)
        self._groups = [_Group(list(phases.values())) for phases in groups.values()]
        self._group_of = {i: group for group in self._groups for phase in group.phases for i in phase}
        self.reset()

    def advance(self, dt: float) -> None:
        """By ``dt`` s."""
        if self.frozen:
            return
        self.elapsed += dt
        for group in self._groups:
            group.since += dt
            first = group.phases[group.now][0]
            if group.since + 1e-9 < self.times[first, (GREEN, YELLOW, RED).index(group.state)]:
                continue
            group.since = 0.0
            if group.state == GREEN:
                group.state = YELLOW
            elif group.state == YELLOW:
                group.state = RED
            else:
                group.now, group.state = (group.now + 1) % len(group.phases), GREEN
            for i in group.phases[group.now]:
                self.set_state(i, group.state)

    def reset(self, light: int | None = None) -> None:
        """Begin the cycle of one light's group, or of all, anew."""
        for group in self._groups if light is None else [self._group_of[light]]:
            group.now, group.state, group.since = 0, GREEN, 0.0
            for place, phase in enumerate(group.phases):
                for i in phase:
                    self.set_state(i, GREEN if place == 0 else RED)

    def set_state(self, light: int, state: int) -> None:
        """Until its group's next change."""
        self.states[light], self.elapsed[light] = state, 0.0

    def together(self, light: int) -> list[int]:
        """All lights of the group of ``light``."""
        return sorted(i for phase in self._group_of[light].phases for i in phase)

    def pole_index(self, light: int) -> int:
        """The light's place in its group."""
        return self.together(light).index(light)
