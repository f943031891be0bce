"""Whether a driver's output may be used, and whether its plan jumps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from support.scenery import TICK, output
from takead_ros.domain.driving import Plan
from takead_ros.domain.units import SECOND
from takead_ros.takeover import plans, prediction
from takead_ros.takeover.parameters import MonitorParameters
from takead_ros.takeover.view_kernels import strays

P = MonitorParameters()


def rows(*pairs: tuple[float, float], speed: float = 10.0, dt: float = 0.5) -> Plan:
    """A plan through points."""
    x, y = np.array(pairs).T
    return Plan(x, y, np.zeros(len(x)), np.full(len(x), speed), dt)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [({"steering_angle": 0.9}, ""), ({"steering_angle": -0.9}, ""), ({"acceleration": 15.0}, ""),
     ({"acceleration": -15.0}, ""), ({"acceleration": -15.1}, "out_of_range"),
     ({"plan": rows((5.0, 0.0), (400.0, -400.0))}, ""), ({"plan": rows((5.0, 0.0), (10.0, 0.0), speed=75.0)}, ""),
     ({"plan": rows((5.0, 0.0), (10.0, 0.0), speed=-75.1)}, "out_of_range"),
     ({"plan": rows((5.0, 0.0), (10.0, 0.0), dt=0.05)}, ""), ({"plan": rows((5.0, 0.0), (10.0, 0.0), dt=2.0)}, ""),
     ({"plan": rows((5.0, 0.0), (10.0, 0.0), dt=0.049)}, "malformed"),
     ({"plan": rows((5.0, 0.0), (10.0, 0.0), dt=2.01)}, "malformed"), ({"plan": rows((5.0, 0.0))}, "malformed"),
     ({"plan": replace(rows((5.0, 0.0), (10.0, 0.0)), y=np.zeros(3))}, "malformed"),
     ({"plan": replace(rows((5.0, 0.0), (10.0, 0.0)), yaw=np.zeros(3))}, "malformed"),
     ({"plan": replace(rows((5.0, 0.0), (10.0, 0.0)), speed=np.zeros(3))}, "malformed"),
     *(({"plan": replace(rows((5.0, 0.0), (10.0, 0.0)), **{name: np.array([1.0, np.nan])})}, "not_finite")
       for name in ("x", "y", "yaw", "speed"))],
)  # fmt: skip
def test_which_outputs_may_be_used(changes: dict[str, Any], fault: str) -> None:
    assert plans.fault(replace(output(0), **changes), P) == fault


def made(stamp: int, plan: Plan, pose: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> plans.Driver:
    return plans.Driver(replace(output(stamp), plan=plan), prediction.Trace.of(plan, pose, float(plan.speed[0])))


def ray(speed: float, aside: float = 0.0) -> Plan:
    """Straight on, ``aside`` m to the left a second ahead and later."""
    t = 0.5 * np.arange(1, 9)
    return Plan(speed * t, np.minimum(aside * t, aside), np.zeros(8), np.full(8, speed))


@pytest.mark.parametrize("yaw", [0.0, 0.7, 2.5, -1.9])
@pytest.mark.parametrize(
    ("speed", "aside", "fault"),
    [(10.0, 1.45, ""), (10.0, 1.55, "plan_jump"), (10.0, -1.45, ""), (10.0, -1.55, "plan_jump"),
     (4.1, 0.0, ""), (3.9, 0.0, "plan_jump"), (17.9, 0.0, ""), (18.1, 0.0, "plan_jump")],
)  # fmt: skip
def test_a_jump_is_beside_the_last_plan_or_along_it(speed: float, aside: float, fault: str, yaw: float) -> None:
    """The last plan was to be 11 m on by then, at 10 m/s; 7 m less or more is a jump, and 1.5 m beside it."""
    pose = (3.0, -2.0, yaw)
    before, new = made(0, ray(10.0), pose), made(2 * TICK, ray(speed, aside), pose)
    assert plans.jump(new, before, P) == fault


def test_plans_far_apart_in_time_are_not_compared() -> None:
    old, new = ray(10.0), ray(10.0, 5.0)
    second = 20 * TICK
    for elapsed, fault in ((0, ""), (-TICK, ""), (1, "plan_jump"), (second - 1, "plan_jump"), (second, "")):
        assert plans.jump(made(elapsed, new), made(0, old), P) == fault
    none = replace(made(TICK, new), trace=None)
    assert plans.jump(none, made(0, old), P) == plans.jump(made(TICK, new), replace(none, trace=None), P) == ""


@pytest.mark.parametrize(
    ("trace", "fault", "usable"),
    [(True, "", True), (True, "plan_jump", True), (True, "malformed", False), (False, "", False),
     (False, "plan_jump", False)],
)  # fmt: skip
def test_a_jumping_plan_is_unhealthy_but_can_be_judged(trace: bool, fault: str, usable: bool) -> None:
    one = made(0, ray(10.0))
    assert replace(one, trace=one.trace if trace else None, fault=fault).usable() == usable


def test_a_jump_is_more_than_the_limit_and_not_the_limit() -> None:
    before, new = made(0, ray(10.0)), made(TICK, ray(12.0, 1.0))
    assert before.trace is not None and new.trace is not None
    sideways, along = strays(new.trace.rows, before.trace.rows, P.plan_jump_at_s, TICK / SECOND)
    assert sideways > 0.5 and along > 0.5
    at = P.model_copy(update={"plan_jump_m": sideways, "plan_jump_along_m": along})
    assert plans.jump(new, before, at) == ""
    for name, value in (("plan_jump_m", sideways), ("plan_jump_along_m", along)):
        less = at.model_copy(update={name: np.nextafter(value, 0.0)})
        assert plans.jump(new, before, less) == "plan_jump"
