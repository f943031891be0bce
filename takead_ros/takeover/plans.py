"""A driver's output as the monitor uses it: judged, and placed in ``map``."""

from __future__ import annotations

import math
from dataclasses import dataclass

from takead_ros.domain.driving import DriverOutput, DriverStatus
from takead_ros.domain.units import SECOND
from takead_ros.takeover.parameters import MonitorParameters
from takead_ros.takeover.prediction import Trace
from takead_ros.takeover.view_kernels import strays

JUMP = "plan_jump"
SHORTEST_STEP_S, LONGEST_STEP_S = 0.05, 2.0  # of a plan


@dataclass(frozen=True, eq=False)
class Driver:
    """A driver's newest output with its path in ``map``; ``fault``: why it must not be used, or empty."""

    output: DriverOutput
    trace: Trace | None
    fault: str = ""

    def usable(self) -> bool:
        return self.trace is not None and self.fault in ("", JUMP)


def fault(output: DriverOutput, p: MonitorParameters) -> str:
    """Why an output must not be used, or empty."""
    if output.status is not DriverStatus.OK:
        return f"status_{output.status.name.lower()}"
    plan = output.plan
    even = 2 <= len(plan.x) == len(plan.y) == len(plan.yaw) == len(plan.speed)
    if not even or not SHORTEST_STEP_S <= plan.dt <= LONGEST_STEP_S:
        return "malformed"
    points, speeds = (*plan.x.tolist(), *plan.y.tolist()), plan.speed.tolist()
    values = (*points, *plan.yaw.tolist(), *speeds, output.steering_angle, output.acceleration)
    if not all(map(math.isfinite, values)):
        return "not_finite"
    out_of_range = (
        abs(output.steering_angle) > p.steering_range_rad
        or abs(output.acceleration) > p.acceleration_range_mps2
        or max(map(abs, speeds)) > p.speed_range_mps
        or max(map(abs, points)) > p.plan_range_m
    )
    return "out_of_range" if out_of_range else ""


def jump(new: Driver, before: Driver, p: MonitorParameters) -> str:
    """Whether two plans in a row are farther apart at the same moment than a change of mind explains: beside the old
    path, or along it beyond what braking instead of accelerating makes. Slower on the same bend is no way beside it."""
    if new.trace is None or before.trace is None:
        return ""
    elapsed = (new.output.stamp - before.output.stamp) / SECOND
    if not 0.0 < elapsed < p.plan_jump_at_s:
        return ""
    sideways, along = strays(new.trace.rows, before.trace.rows, p.plan_jump_at_s, elapsed)
    return JUMP if sideways > p.plan_jump_m or along > p.plan_jump_along_m else ""
