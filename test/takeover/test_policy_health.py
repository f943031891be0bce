"""What the monitor makes of what cannot be used: an unhealthy policy, a world that starts over, unsound scenes and
parameters."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from support.monitor_road import Road, control, first, lane
from support.scenery import TICK, objects, output, scene
from takead_ros.domain.driving import DriverOutput, DriverStatus, Plan, Trigger
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.parameters import changed, validated
from takead_ros.domain.scene import (
    ControlKind,
    LightState,
)
from takead_ros.domain.units import SECOND
from takead_ros.takeover import plans, prediction
from takead_ros.takeover.parameters import ArbiterParameters, MonitorParameters
from takead_ros.takeover.triggers import MonitorState, evaluate_triggers

P = MonitorParameters()


@pytest.mark.parametrize(
    ("broken", "text"),
    [({"status": DriverStatus.NOT_FINITE}, "status_not_finite"), ({"steering_angle": float("nan")}, "not_finite"),
     ({"acceleration": 16.0}, "out_of_range"), ({"steering_angle": -1.0}, "out_of_range"),
     ({"plan": Plan(np.zeros(1), np.zeros(1), np.zeros(1), np.zeros(1))}, "malformed"),
     ({"plan": Plan(np.zeros(8), np.zeros(8), np.zeros(8), np.full(8, 80.0))}, "out_of_range"),
     ({"plan": Plan(np.linspace(5, 401, 8), np.zeros(8), np.zeros(8), np.full(8, 10.0))}, "out_of_range"),
     ({"plan": Plan(np.zeros(8), np.linspace(5, -401, 8), np.zeros(8), np.full(8, 10.0))}, "out_of_range"),
     ({"plan": Plan(np.zeros(8), np.zeros(8), np.zeros(8), np.zeros(8), dt=0.0)}, "malformed"),
     ({"plan": Plan(np.zeros(8), np.zeros(8), np.zeros(8), np.zeros(8), dt=float("nan"))}, "malformed"),
     ({"plan": Plan(np.linspace(5, 40, 8), np.linspace(0.8, 6.4, 8), np.zeros(8), np.full(8, 10.0))}, "plan_jump")],
)  # fmt: skip
def test_an_unhealthy_policy(broken: dict[str, Any], text: str) -> None:
    road = Road()
    road.run(10)
    road.tick(policy=replace(output(0, speed=10.0), **broken))
    request = road.tick()
    assert (request.trigger, request.severity, request.text) == (Trigger.POLICY_UNHEALTHY, 1.0, text)
    got = road.run(16)
    assert first(got, Trigger.NONE) in (9, 10, 11, 12) if text != "plan_jump" else True


@pytest.mark.parametrize(("radius", "fault"), [(20.0, ""), (8.0, "plan_jump")])
def test_braking_in_the_same_bend_is_no_jump_but_another_way_is(radius: float, fault: str) -> None:
    """Seen with the shipped model: it brakes before it passes something in a bend, 2 m behind its last plan."""

    def bend(r: float, speed: float) -> Plan:
        s = np.cumsum(np.full(8, speed * 0.5))
        return Plan(r * np.sin(s / r), r * (1 - np.cos(s / r)), s / r, np.full(8, speed))

    def driver(stamp: int, plan: Plan) -> plans.Driver:
        made = replace(output(stamp), plan=plan)
        return plans.Driver(made, prediction.Trace.of(plan, (0.0, 0.0, 0.0), float(plan.speed[0])))

    before, new = driver(0, bend(20.0, 12.0)), driver(2 * TICK, bend(radius, 8.0))
    assert plans.jump(new, before, MonitorParameters()) == fault


def test_a_late_and_a_missing_policy() -> None:
    road = Road()
    road.run(10)
    got = road.run(10, policy=None)
    i = first(got, Trigger.POLICY_UNHEALTHY)
    assert got[i].text == "late" and i == 4
    road = Road()
    road.policy = None
    got = road.run(10, policy=None)
    assert got[first(got, Trigger.POLICY_UNHEALTHY)].text == "no policy output"
    assert first(got, Trigger.POLICY_UNHEALTHY) == 6


def test_a_world_that_starts_over() -> None:
    road = Road()
    road.run(10, policy=None)
    assert road.memory.alarms
    road.i = 0
    road.policy = road.expert = None
    assert road.tick().trigger is Trigger.NONE and road.memory.began == 0


def test_parameters_say_what_is_wrong() -> None:
    p = MonitorParameters()
    assert changed(p, {"ttc_s": 2.0}).ttc_s == 2.0
    for change, words in (
        ({"ttc_s": 9.0}, "ttc_s"), ({"ttc_s": 2.6}, "larger one"), ({"nonsense": 1}, "unknown"),
        ({"period_s": 0.1}, "start only"), ({"horizon_s": float("nan")}, "horizon_s"),
        ({"headway_s": 0.0}, "headway_s"), ({"disagreement_exit_share": 0.2}, "larger one"),
    ):  # fmt: skip
        with pytest.raises(TakeadError, match=words):
            changed(p, change)
    with pytest.raises(TakeadError, match="drivers"):
        validated(ArbiterParameters, {"drivers": ["human"]})
    for change in ({"mrm_emergency_deceleration_mps2": 9.5}, {"exit_steering_rad": 0.2}, {"mrm_deceleration_mps2": 5.0,
                   "mrm_emergency_deceleration_mps2": 4.0}, {"mrm_lookahead_min_m": 13.0}):  # fmt: skip
        with pytest.raises(TakeadError, match="must"):
            validated(ArbiterParameters, change)
    numbers = [f for f in ArbiterParameters.model_fields.values() if f.annotation is float]
    assert all(min(m.ge for m in f.metadata if hasattr(m, "ge")) > 0.0 for f in numbers)  # zero is never "off"


def test_an_answer_from_before_the_first_scene_is_none() -> None:
    """A policy says that its scene is missing until there is one; that is no reason for a takeover."""
    early = DriverOutput.failed(-1, "policy", DriverStatus.STALE_INPUT, "no scene received yet")
    memory = MonitorState()
    for i in range(5):
        request, memory = evaluate_triggers(scene(i * TICK, 0.5 * i), early, None, memory, P)
        assert request.trigger is Trigger.NONE
    request, memory = evaluate_triggers(scene(6 * TICK, 3.0), early, None, memory, P)
    assert request.trigger is Trigger.POLICY_UNHEALTHY and request.text == "no policy output"


def test_how_long_a_policy_is_waited_for_does_not_depend_on_the_clock() -> None:
    begin = 1_700_000_000 * SECOND
    memory, words = MonitorState(), []
    for i in range(8):
        request, memory = evaluate_triggers(scene(begin + i * TICK, 0.5 * i), None, None, memory, P)
        words.append(request.trigger)
    assert words == [Trigger.NONE] * 6 + [Trigger.POLICY_UNHEALTHY] * 2


def test_a_route_without_a_path_is_an_error() -> None:
    good = scene(0)
    with pytest.raises(TakeadError, match=r"route\.path has 1 points, expected at least 2"):
        evaluate_triggers(
            replace(good, route=replace(good.route, path=np.zeros((1, 2)))), output(0), None, MonitorState(), P
        )


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_scene_that_is_not_finite_is_an_error(value: float) -> None:
    """No comparison with it may pass for "nothing is wrong"."""
    good = scene(0, near=objects({"x": 30.0, "y": 0.0}))
    line = lane(0.0, np.arange(0.0, 20.0))
    broken = {
        "ego.speed": replace(good, ego=replace(good.ego, speed=value)),
        "ego.max_steering_angle": replace(good, ego=replace(good.ego, max_steering_angle=value)),
        "route.lateral_offset": replace(good, route=replace(good.route, lateral_offset=value)),
        "route.heading_error": replace(good, route=replace(good.route, heading_error=value)),
        "route.remaining": replace(good, route=replace(good.route, remaining=value)),
        "route.speed_limit": replace(good, route=replace(good.route, speed_limit=value)),
        "route.path": replace(good, route=replace(good.route, path=np.array([[0.0, 0.0], [value, 0.0]]))),
        "objects.vx": replace(good, objects=replace(good.objects, vx=np.array([value]))),
        r"controls\[0\].distance": replace(
            good, controls=(control(ControlKind.STOP_SIGN, LightState.UNKNOWN, distance=value),)
        ),
        r"polylines\[0\].points": replace(good, polylines=(replace(line, points=np.full((3, 2), value)),)),
    }
    for name, now in broken.items():
        with pytest.raises(TakeadError, match=f"scene at 0 ns: {name} is not finite"):
            evaluate_triggers(now, output(0), None, MonitorState(), P)


@pytest.mark.parametrize(
    ("change", "words"),
    [({"wheelbase": 0.0}, r"ego.wheelbase is 0.0 m, expected 0.5 to 15.0"), ({"wheelbase": 15.0}, "ego.wheelbase"),
     ({"max_steering_angle": 0.0}, "ego.max_steering_angle is 0.0, expected more than 0"),
     ({"length": 0.0}, "ego.length is 0.0"), ({"width": -1.0}, "ego.width is -1.0"),
     ({"x": 1.1e7}, r"ego.x reaches 1.1e\+07, expected at most 1e\+07")],
)  # fmt: skip
def test_a_vehicle_that_cannot_be_is_an_error(change: dict[str, float], words: str) -> None:
    good = scene(0)
    with pytest.raises(TakeadError, match=f"scene at 0 ns: {words}"):
        evaluate_triggers(replace(good, ego=replace(good.ego, **change)), output(0), None, MonitorState(), P)
