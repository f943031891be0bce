"""Lights and signs: which line is closed for the ego, and where it has to yield."""

from __future__ import annotations

import numpy as np

from takead_ros.domain.scene import ControlKind, LightState, Scene
from takead_ros.expert.parameters import ExpertParameters
from takead_ros.expert.situation import ClosedLine

_STOOD_MPS = 0.15  # slower, the ego has stopped at a sign
_STOOD_M = 2.0  # before the place to stop at
_YELLOW_MPS2 = 3.5  # braking harder than that for a yellow light is not asked for


def read_controls(
    scene: Scene, stopped_at: frozenset[int], parameters: ExpertParameters
) -> tuple[ClosedLine | None, float, frozenset[int]]:
    """(nearest closed stop line or None, distance m to the nearest yield line or inf, stop signs that are dealt with).

    A line that the ego can no longer stop at counts as open; a stop sign that it stood at counts as a yield line.
    """
    ego, p = scene.ego, parameters
    dealt = set(stopped_at)
    nearest: ClosedLine | None = None
    yield_line = np.inf
    for control in scene.controls:
        if control.distance < -1.0 or not (control.visible or p.privileged):
            continue
        room = max(control.distance, 0.05)
        needed = ego.speed**2 / (2.0 * room)
        if control.kind == ControlKind.TRAFFIC_LIGHT:
            if control.state == LightState.GREEN:
                continue
            can = needed < (_YELLOW_MPS2 if control.state == LightState.YELLOW else 0.9 * p.max_deceleration_mps2)
            if not can:
                continue
            kind = "red_light" if control.state == LightState.RED else "yellow_light"
        elif control.kind == ControlKind.STOP_SIGN:
            if ego.speed < _STOOD_MPS and control.distance < p.stop_line_gap_m + _STOOD_M:
                dealt.add(control.id)
            if control.id in dealt:
                yield_line = min(yield_line, control.distance)
                continue
            if needed > 0.9 * p.max_deceleration_mps2:
                continue
            kind = "stop_sign"
        else:
            yield_line = min(yield_line, control.distance)
            continue
        line = control.distance + 0.5 * ego.length
        if nearest is None or line < nearest.line:
            nearest = ClosedLine(line, line - p.stop_line_gap_m, kind, control.id, control.visible)
    return nearest, float(yield_line), frozenset(dealt)
