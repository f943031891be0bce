"""Screening of inputs: what is rejected and why, what it does to the source, and the two ages."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from support.scenery import human, objects, output, request, scene
from takead_ros.domain.driving import DriveCommand, DriverStatus, Plan, Source, TakeoverRequest, Trigger
from takead_ros.domain.scene import ControlKind, LightState, LineKind, Polyline, TrafficControl
from takead_ros.domain.units import SECOND
from takead_ros.takeover import inputs as module
from takead_ros.takeover.inputs import Inputs, Now, Received, ScreenedInput, ScreenedInputs, redate, screen
from takead_ros.takeover.parameters import ArbiterParameters

P = ArbiterParameters()
NOW = Now(100 * SECOND, 7 * SECOND)


def as_received(value: Any, stamp: int = NOW.ros, steady: int = NOW.steady) -> Received[Any]:
    return Received(value, stamp, steady)


def driver(**changes: Any) -> Received[Any]:
    return as_received(replace(output(NOW.ros), **changes))


def plan(**changes: Any) -> Plan:
    base = output(0).plan
    return replace(base, **changes)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({}, ""),
        ({"status": DriverStatus.NO_MODEL}, "status"),
        ({"steering_angle": math.nan}, "not_finite"),
        ({"acceleration": math.inf}, "not_finite"),
        ({"plan": plan(x=np.full(8, np.nan))}, "not_finite"),
        ({"plan": plan(speed=np.full(8, np.nan))}, "not_finite"),
        ({"plan": plan(yaw=np.zeros(7))}, "malformed"),
        ({"plan": plan(x=np.zeros(0), y=np.zeros(0), yaw=np.zeros(0), speed=np.zeros(0))}, "malformed"),
        ({"plan": plan(x=np.ones(1), y=np.ones(1), yaw=np.ones(1), speed=np.ones(1))}, ""),
        ({"steering_angle": 0.9}, ""),
        ({"steering_angle": -0.91}, "out_of_range"),
        ({"acceleration": 15.0}, ""),
        ({"acceleration": -15.1}, "out_of_range"),
        ({"plan": plan(y=np.full(8, 400.0))}, ""),
        ({"plan": plan(y=np.full(8, -400.1))}, "out_of_range"),
        ({"plan": plan(x=np.full(8, 400.1))}, "out_of_range"),
    ],
)
def test_driver_outputs(changes: dict[str, Any], fault: str) -> None:
    assert module.check_driver(driver(**changes), None, P) == fault


@pytest.mark.parametrize(
    ("steering", "elapsed", "fault"),
    [(0.6, SECOND // 10, ""), (0.61, SECOND // 10, "jump"), (-0.61, SECOND // 2, "jump"), (0.61, SECOND // 2 + 1, "")],
)
def test_a_jump_of_the_steering(steering: float, elapsed: int, fault: str) -> None:
    before = as_received(output(NOW.ros - elapsed), NOW.ros - elapsed)
    assert module.check_driver(driver(steering_angle=steering), before, P) == fault
    failed = as_received(replace(before.value, status=DriverStatus.ERROR), before.stamp)
    assert module.check_driver(driver(steering_angle=steering), failed, P) == ""


@pytest.mark.parametrize(
    ("ego", "fault"),
    [
        *[({name: math.nan}, "not_finite") for name in ("x", "y", "yaw", "speed", "steering_angle", "wheelbase",
                                                        "max_steering_angle", "length", "width")],
        ({"speed": 72.0}, ""), ({"speed": -72.1}, "out_of_range"), ({"wheelbase": 0.5}, "out_of_range"),
        ({"wheelbase": 15.0}, "out_of_range"), ({"wheelbase": 14.9}, ""), ({"max_steering_angle": 0.0}, "out_of_range"),
        ({"wheelbase": 0.6}, ""), ({"max_steering_angle": 0.1}, ""),
        ({"x": 1e7}, ""), ({"x": -1.1e7}, "out_of_range"), ({"y": 1e7}, ""), ({"y": 1.1e7}, "out_of_range"),
        ({"steering_angle": -0.9}, ""), ({"steering_angle": -0.91}, "out_of_range"),
        ({"length": 0.1}, ""), ({"length": 0.0}, "out_of_range"), ({"width": 0.1}, ""),
        ({"width": 0.0}, "out_of_range"),
    ],
)  # fmt: skip
def test_scenes(ego: dict[str, float], fault: str) -> None:
    assert module.check_values(as_received(scene(NOW.ros, **ego)), None, P) == fault
    assert module.check_scene(as_received(scene(NOW.ros, **ego)), None, P) == fault


@pytest.mark.parametrize("name", ["lateral_offset", "heading_error", "path"])
def test_a_broken_route(name: str) -> None:
    good = scene(NOW.ros)
    value: Any = np.full((3, 2), np.nan) if name == "path" else math.nan
    assert module.check_values(as_received(replace(good, route=replace(good.route, **{name: value}))), None, P) == (
        "not_finite"
    )


@pytest.mark.parametrize("name", ["x", "y", "yaw", "vx", "vy", "length", "width", "visibility"])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_broken_object(name: str, value: float) -> None:
    near = objects({"x": 5.0, "y": 1.0}, {"x": 9.0, "y": 2.0, name: value})
    assert module.check_values(as_received(scene(NOW.ros, near=near)), None, P) == "not_finite"
    assert module.check_values(as_received(scene(NOW.ros, near=near.select(np.array([0])))), None, P) == ""


def test_a_jump_of_the_ego() -> None:
    before = as_received(scene(NOW.ros - SECOND // 10, x=0.0), NOW.ros - SECOND // 10)
    assert module.check_values(as_received(scene(NOW.ros, x=8.6)), before, P) == ""
    assert module.check_values(as_received(scene(NOW.ros, x=8.7)), before, P) == "jump"
    assert module.check_values(as_received(scene(NOW.ros, y=-8.7)), before, P) == "jump"
    later = as_received(before.value, NOW.ros + SECOND)
    assert module.check_values(as_received(scene(NOW.ros, x=5.0)), later, P) == ""
    assert module.check_values(as_received(scene(NOW.ros, x=5.1)), later, P) == "jump"


def test_a_move_is_the_difference_of_two_places() -> None:
    before = as_received(scene(NOW.ros - SECOND // 10, x=-70.0, y=90.0), NOW.ros - SECOND // 10)
    assert module.check_values(as_received(scene(NOW.ros, x=-69.0, y=90.0)), before, P) == ""


def test_an_age_is_never_negative() -> None:
    ahead = module.ScreenedInput(as_received(output(0), NOW.ros + 5))
    assert ahead.age(module.Now(NOW.ros, NOW.steady - 7)) == 0.0
    assert module.ScreenedInput().age(NOW) == math.inf


def test_a_frozen_picture() -> None:
    old = as_received(scene(NOW.ros - 1), NOW.ros - 1)
    assert module.check_scene(as_received(scene(NOW.ros)), old, P) == "frozen"
    assert module.check_values(as_received(scene(NOW.ros)), old, P) == ""
    for moved in ({"x": 1e-6}, {"y": 1e-6}, {"yaw": 1e-6}):
        assert module.check_scene(as_received(scene(NOW.ros, **moved)), old, P) == ""
    assert module.check_scene(as_received(scene(NOW.ros, speed=0.5)), old, P) == ""
    assert module.check_scene(as_received(scene(NOW.ros)), as_received(scene(0, speed=0.5), NOW.ros - 1), P) == ""
    assert module.check_scene(as_received(scene(NOW.ros)), as_received(scene(0), NOW.ros), P) == ""
    assert (
        module.check_scene(as_received(scene(NOW.ros, speed=0.51)), as_received(scene(0, speed=0.51), 0), P) == "frozen"
    )
    assert module.check_scene(as_received(scene(NOW.ros, x=99.0)), old, P) == "jump"


@pytest.mark.parametrize(
    ("command", "fault"),
    [
        (human(0, 0.9, 15.0), ""), (human(0, -0.91), "out_of_range"), (human(0, None, 15.1), "out_of_range"),
        (human(0, math.nan), "not_finite"), (human(0, None, math.nan), "not_finite"),
        (DriveCommand(0, 0.0, 0.0, Source.POLICY, Source.NONE), "malformed"),
        (DriveCommand(0, 0.0, 0.0, Source.NONE, Source.MRM), "malformed"), (human(0), ""),
    ],
)  # fmt: skip
def test_human_commands(command: DriveCommand, fault: str) -> None:
    before = as_received(human(0, -0.9, -15.0))
    assert module.check_human(as_received(command), before, P) == fault


def test_requests() -> None:
    assert module.check_request(as_received(request(0)), None, P) == ""
    assert module.check_request(as_received(TakeoverRequest(0, Trigger.STUCK, 0.1, None)), None, P) == ""
    assert module.check_request(as_received(TakeoverRequest(0, Trigger.STUCK, math.nan, None)), None, P) == "not_finite"
    assert module.check_request(as_received(TakeoverRequest(0, Trigger.STUCK, 0.1, math.inf)), None, P) == "not_finite"


def good(new: Any, before: Any, p: Any) -> str:
    return ""


@pytest.mark.parametrize(
    ("age", "fault"),
    [(0, ""), (SECOND // 5, ""), (SECOND // 5 + 1, "late"), (-SECOND // 50, ""), (-SECOND // 50 - 1, "future")],
)
def test_age_at_arrival(age: int, fault: str) -> None:
    source = screen(ScreenedInput(), as_received("new", NOW.ros - age), NOW, good, 0.2, False, P)
    assert source.fault == fault and source.rejected == bool(fault)
    assert (source.accepted is None) == bool(fault) and source.seen is not None


def test_a_message_is_counted_once() -> None:
    message = as_received("old", 0)
    once = screen(ScreenedInput(), message, NOW, good, 0.2, False, P)
    assert screen(once, message, NOW, good, 0.2, False, P) is once and once.rejected == 1
    assert screen(once, None, NOW, good, 0.2, False, P) is once
    assert screen(once, as_received("older", 0), NOW, good, 0.2, False, P).rejected == 2


def test_a_stamp_that_does_not_advance() -> None:
    first = screen(ScreenedInput(), as_received("a"), NOW, good, 0.2, False, P)
    again = screen(first, as_received("b"), NOW, good, 0.2, False, P)
    assert again.fault == "not_advancing" and again.accepted is first.accepted and again.rejected == 1
    repeated = screen(first, as_received("b"), NOW, good, 0.2, True, P)
    assert repeated.fault == "" and repeated.accepted is not None and repeated.accepted.value == "b"
    newer = screen(again, as_received("c", NOW.ros + 1), NOW, good, 0.2, False, P)
    assert newer.fault == "" and newer.rejected == 1


@pytest.mark.parametrize(
    ("fault", "withdrawn"),
    [
        ("not_finite", True),
        ("out_of_range", True),
        ("malformed", True),
        ("status", True),
        ("jump", False),
        ("frozen", False),
    ],
)
def test_a_broken_driver_is_withdrawn_a_single_jump_is_not(fault: str, withdrawn: bool) -> None:
    first = screen(ScreenedInput(), as_received("a"), NOW, good, 0.2, False, P)
    then = screen(first, as_received("b", NOW.ros + 1), NOW, lambda *_: fault, 0.2, False, P)
    assert then.fault == fault and (then.accepted is None) == withdrawn


def test_fitness_by_both_clocks() -> None:
    source = ScreenedInput(accepted=as_received("a"))

    def why(ros: int, steady: int) -> str:
        return source.why_unfit(Now(NOW.ros + ros, NOW.steady + steady), 0.2, 0.3, 0.02)

    assert why(0, 0) == "" and why(SECOND // 5, 0) == "" and why(SECOND // 5 + 1, 0) == "stale"
    assert why(0, 3 * SECOND // 10) == "" and why(0, 3 * SECOND // 10 + 1) == "silent"
    assert why(-SECOND // 50, 0) == "" and why(-SECOND // 50 - 1, 0) == "future"
    assert ScreenedInput().why_unfit(NOW, 0.2, 0.3, 0.02) == "missing"
    assert ScreenedInput(fault="status").why_unfit(NOW, 0.2, 0.3, 0.02) == "status"


def test_age_is_what_the_worse_clock_says() -> None:
    source = ScreenedInput(accepted=as_received("a"))
    assert source.age(Now(NOW.ros + SECOND, NOW.steady)) == 1.0
    assert source.age(Now(NOW.ros, NOW.steady + 2 * SECOND)) == 2.0
    assert source.age(Now(NOW.ros - SECOND, NOW.steady)) == 0.0
    assert ScreenedInput().age(NOW) == math.inf


def test_redating() -> None:
    source = ScreenedInput(as_received("a"), as_received("a"), "jump", 3)
    moved = redate(source, -SECOND)
    assert moved.accepted is not None and moved.accepted.stamp == NOW.ros - SECOND
    assert (moved.seen, moved.fault, moved.rejected) == (source.seen, "jump", 3)
    empty: ScreenedInput[str] = ScreenedInput()
    assert redate(empty, SECOND) is empty


def test_every_input_has_its_own_check_and_limit() -> None:
    def screened(age_ns: int, engaged: bool = True) -> ScreenedInputs:
        stamp = NOW.ros - age_ns
        inputs = Inputs(
            as_received(scene(stamp), stamp),
            as_received(output(stamp), stamp),
            as_received(output(stamp), stamp),
            as_received(human(stamp), stamp),
            as_received(request(stamp), stamp),
        )
        p = ArbiterParameters(
            scene_max_age_s=0.1, policy_max_age_s=0.2, expert_max_age_s=0.3, human_max_age_s=0.4, request_max_age_s=0.5
        )
        return ScreenedInputs().screened(inputs, NOW, engaged, p)

    for tenths in range(6):
        got = screened(tenths * SECOND // 10 + 1)
        late = [t.fault for t in (got.scene, got.policy, got.expert, got.human, got.request)]
        assert late == ["late" if tenths >= limit else "" for limit in (1, 2, 3, 4, 5)]
    first = screened(0)
    again = ScreenedInputs(first.scene, first.policy, first.expert, first.human, first.request)
    bad = Inputs(*(as_received(None) for _ in range(5)))
    assert bad.ask is module.Ask.NOTHING
    second = Inputs(
        as_received(scene(NOW.ros)),
        as_received(output(NOW.ros)),
        as_received(output(NOW.ros)),
        as_received(human(NOW.ros)),
        as_received(request(NOW.ros)),
    )
    faults = again.screened(second, NOW, True, P)
    assert [t.fault for t in (faults.scene, faults.policy, faults.expert)] == ["not_advancing"] * 3
    assert [t.fault for t in (faults.human, faults.request)] == ["", ""]
    moved = first.redated(5)
    for name in ("scene", "policy", "expert", "human", "request"):
        assert getattr(moved, name).accepted.stamp == NOW.ros + 5
    frozen = Inputs(scene=as_received(scene(NOW.ros + 1), NOW.ros + 1))
    assert first.screened(frozen, NOW, True, P).scene.fault == "frozen"
    assert first.screened(frozen, NOW, False, P).scene.fault == ""


@pytest.mark.parametrize(
    ("part", "values", "words"),
    [("ego", {"x": 1e7}, ""), ("ego", {"x": -1.01e7}, "ego.x reaches 1.01e+07, expected at most 1e+07"),
     ("ego", {"speed": math.nan}, "ego.speed is not finite, expected a number"),
     ("ego", {"steering_angle": -math.inf}, "ego.steering_angle is not finite, expected a number"),
     ("ego", {"wheelbase": 0.5}, "ego.wheelbase is 0.5 m, expected 0.5 to 15.0"),
     ("ego", {"wheelbase": 15.0}, "ego.wheelbase is 15.0 m, expected 0.5 to 15.0"), ("ego", {"wheelbase": 0.51}, ""),
     ("ego", {"wheelbase": 14.9}, ""),
     ("ego", {"length": 0.0}, "ego.length is 0.0, expected more than 0"), ("ego", {"length": 0.1}, ""),
     ("ego", {"width": -1.0}, "ego.width is -1.0, expected more than 0"), ("ego", {"width": 0.5}, ""),
     ("ego", {"width": 0.0}, "ego.width is 0.0, expected more than 0"),
     ("ego", {"max_steering_angle": 0.0}, "ego.max_steering_angle is 0.0, expected more than 0"),
     ("route", {"lateral_offset": math.nan}, "route.lateral_offset is not finite, expected a number"),
     ("route", {"heading_error": math.inf}, "route.heading_error is not finite, expected a number"),
     ("route", {"path": np.full((3, 2), 2e7)}, "route.path reaches 2e+07, expected at most 1e+07"),
     ("route", {"path": np.zeros((1, 2))}, "route.path has 1 points, expected at least 2"),
     ("route", {"path": np.zeros((2, 2))}, ""), ("route", {"path": np.full((2, 2), 1e7)}, ""),
     ("route", {"speed_limit": math.nan}, "route.speed_limit is not finite, expected a number"),
     ("route", {"speed_limit": None}, ""), ("route", {"speed_limit": 0.0}, ""),
     ("route", {"speed_limit": 2e7}, "route.speed_limit reaches 2e+07, expected at most 1e+07"),
     ("route", {"remaining": math.nan}, "route.remaining is not finite, expected a number"),
     ("objects", {"vx": np.array([math.nan])}, "objects.vx is not finite, expected a number"),
     ("objects", {"id": np.array([2**40])}, "")],
)  # fmt: skip
def test_the_first_number_that_cannot_be_reckoned_with_is_named(part: str, values: dict[str, Any], words: str) -> None:
    now = scene(0, near=objects({"x": 20.0, "y": 1.0}))
    now = replace(now, **{part: replace(getattr(now, part), **values)})
    assert module.unsound(now, True) == module.unsound(now, False) == words


def test_controls_and_lines_are_reckoned_with_as_well() -> None:
    line = Polyline(7, LineKind.LANE_CENTER, np.array([[0.0, 0.0], [math.nan, 0.0]]), False, 14.0, 3.5)
    good = replace(line, points=np.zeros((2, 2)))
    now = replace(scene(0), polylines=(good, line))
    assert module.unsound(now, True) == "polylines[1].points is not finite, expected a number"
    assert module.unsound(now, False) == ""
    light = TrafficControl(3, ControlKind.TRAFFIC_LIGHT, LightState.RED, 20.0, 0.0, 0.0, 15.0)
    for name in ("x", "y", "yaw", "distance"):
        bad = replace(scene(0), controls=(light, replace(light, **{name: math.inf})))
        for lines in (True, False):
            assert module.unsound(bad, lines) == f"controls[1].{name} is not finite, expected a number"
