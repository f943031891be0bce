"""Lights and signs at stop lines on the route."""

from __future__ import annotations

from takead_ros.domain.geometry import Path
from takead_ros.domain.scene import ControlKind, LightState, TrafficControl
from takead_ros.domain.stop_signs import stands_before
from takead_ros.scenarios import traffic
from takead_ros.scenarios.spec import Control, When

VISIBLE = 60.0  # m ahead at which a light or sign is made out
CLEARANCE = 2.0  # s before the ego's light turns green at which that of crossing traffic is red again
PASSED = -10.0  # m behind at which it is forgotten


class Signals:
    """The controls of an episode on the reference path; lights change as their script says, and a stop sign is served
    (green) once the ego has stood before it."""

    def __init__(self, controls: tuple[Control, ...], path: Path) -> None:
        self._controls = controls
        self._places = [path.at(control.s) for control in controls]
        self._states: list[LightState] = [control.state for control in controls]
        self._next = [0] * len(controls)
        self._since = [0.0] * len(controls)

    def advance(self, time: float, ego_s: float, ego_speed: float, ego_front: float) -> None:
        """To ``time`` s; the ego is ``ego_s`` m along the path, its front ``ego_front`` m ahead of that."""
        for i, control in enumerate(self._controls):
            gap = control.s - ego_s - ego_front
            if control.kind is ControlKind.STOP_SIGN and stands_before(gap, ego_speed):
                self._states[i] = LightState.GREEN
            while self._next[i] < len(control.changes) and traffic.phase_is_due(
                control.changes[self._next[i]], control.s, self._since[i], time, gap, ego_speed, ego_s
            ):
                self._states[i] = control.changes[self._next[i]].state
                self._since[i] = time
                self._next[i] += 1

    def green(self, with_ego: bool, time: float, index: int | None = None) -> bool:
        """Whether the light of others is green at ``time`` s: of those who have theirs together with the ego, or of
        those who cross. Theirs ends before the ego's turns green, if that is set.

        ``index``: of the ego's light there among the controls; by default the first that decides."""
        for i in range(len(self._controls)) if index is None else (index,):
            control = self._controls[i]
            if control.kind is not ControlKind.TRAFFIC_LIGHT:
                continue
            if with_ego or self._states[i] is not LightState.RED:
                return (self._states[i] is LightState.GREEN) == with_ego
            change = control.changes[self._next[i]] if self._next[i] < len(control.changes) else None
            if change is not None and change.when is When.SINCE:
                return time - self._since[i] < change.value - CLEARANCE
        return True

    def around(self, ego_s: float, ego_front: float) -> tuple[TrafficControl, ...]:
        """The controls that concern the ego here, nearest first."""
        found = []
        for i, (control, (x, y, yaw)) in enumerate(zip(self._controls, self._places, strict=True)):
            distance = control.s - ego_s - ego_front
            if PASSED <= distance <= VISIBLE:
                found.append(TrafficControl(i + 1, control.kind, self._states[i], x, y, yaw, distance))
        return tuple(sorted(found, key=lambda control: control.distance))
