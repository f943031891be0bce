"""The triggers about other road users, at the edge of every threshold, against hand-made views and plain arithmetic."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from support.collision_views import P, contact, driver, straight, view
from support.scenery import objects, scene
from takead_ros.domain.scene import ControlKind, FloatArray, LightState, LineKind, Objects, Polyline, TrafficControl
from takead_ros.takeover import collisions, prediction
from takead_ros.takeover.parameters import MonitorParameters
from takead_ros.takeover.view import Finding, View, ahead_s, in_reach, rolled


def test_what_is_found_of_a_contact() -> None:
    found = contact({"x": 20.0, "y": 0.0}, 1.6)  # 15.45 m and 0.2 m of margin at 10 m/s, in steps of 0.2 s
    assert found.object_id == 1 and found.text == "contact with object 1 in 1.6 s"
    assert found.severity == pytest.approx(1.0 - 0.5 * 1.6 / 2.0)


def test_the_margin_is_on_every_side() -> None:
    contact({"x": 20.0, "y": 2.09}, 1.6)
    contact({"x": 20.0, "y": -2.09}, 1.6)
    contact({"x": 20.0, "y": 2.11}, None)
    contact({"x": 18.76, "y": 0.0}, 1.6)
    contact({"x": 18.74, "y": 0.0}, 1.4)


@pytest.mark.parametrize(
    ("acceleration", "expert", "enters"),
    [(0.0, -1.01, True), (0.0, -0.99, False), (-1.0, -2.01, True), (-1.0, -1.99, False)],
)
def test_the_expert_brakes_harder(acceleration: float, expert: float, enters: bool) -> None:
    contact({"x": 20.0, "y": 0.0}, 1.6 if enters else None, acceleration=acceleration, expert=expert)


@pytest.mark.parametrize(("speed", "enters"), [(8.0, True), (9.0, False), (10.0, False)])
def test_or_meets_it_later(speed: float, enters: bool) -> None:
    """At 8 m/s the contact is at 2.0 s instead of 1.6 s, at 9 m/s at 1.8 s: 0.3 s later is better."""
    now = view(objects({"x": 20.0, "y": 0.0}))
    peer = driver("expert", speed)
    if speed < 10.0:
        times = ahead_s(P)
        way = np.interp(np.concatenate(([0.0], times)), peer.trace.t, peer.trace.arc) if peer.trace else times
        assert way[-1] == pytest.approx(2.0 * speed, abs=0.01)
    found = collisions.collision(now._replace(expert=peer), P)
    assert found.enter == enters


def test_the_first_of_several_contacts_counts() -> None:
    found = collisions.collision(view(objects({"x": 22.0, "y": 0.0}, {"x": 16.0, "y": 0.0}, {"x": 60.0, "y": 9.0})), P)
    assert found.object_id == 2 and found.time_to_event == pytest.approx(1.2)


def stop_sign(x: float, **changes: Any) -> TrafficControl:
    return replace(TrafficControl(7, ControlKind.STOP_SIGN, LightState.UNKNOWN, x, 0.0, 0.0, x - 2.3), **changes)


def line(
    *controls: TrafficControl, expert: FloatArray | None = None, path: FloatArray | None = None
) -> tuple[float, int] | None:
    """Which line is found to be run, s until then and its number."""
    now = replace(scene(0), controls=controls)
    stands = np.zeros((10, 3)) if expert is None else expert
    peer = driver("expert", 0.0, -8.0)
    own = view(Objects.empty())._replace(scene=now, expert=peer, path=straight() if path is None else path)
    found = collisions.collision(own, P) if expert is None else _with(own, stands)
    return (float(found.time_to_event or 0.0), int(found.text.split()[2])) if found.enter else None


def _with(own: View, stands: FloatArray) -> Finding:
    peer = own.expert
    assert peer is not None
    speed = float(np.hypot(stands[-1, 0], stands[-1, 1])) / 2.0
    return collisions.collision(own._replace(expert=driver("expert", speed)), P)


def test_a_line_is_run_once_the_front_is_beyond_it() -> None:
    assert line(stop_sign(19.9)) == (pytest.approx(1.8), 7)  # 17.6 m and 0.3 m at 10 m/s
    assert line(stop_sign(20.1)) == (pytest.approx(2.0), 7)
    assert line(stop_sign(22.1)) is None
    found = collisions.collision(
        view(Objects.empty(), expert=-8.0, controls=(stop_sign(19.9),))._replace(expert=driver("expert", 0.0, -8.0)), P
    )
    assert found.severity == pytest.approx(0.9 - 0.4 * 1.8 / 2.0) and found.object_id == 0 and found.leave is False
    assert found.text == "stop line 7 would be run in 1.8 s"


def test_a_line_that_the_expert_runs_as_well_is_none() -> None:
    assert line(stop_sign(12.0), expert=straight(10.0)) is None
    assert line(stop_sign(19.9), expert=straight(5.0)) == (pytest.approx(1.8), 7)


def test_lines_are_seen_across_their_own_direction() -> None:
    """A line to the right of a left turn counts along its own direction."""
    up = np.stack([np.zeros(10), 2.0 * np.arange(1.0, 11.0), np.full(10, math.pi / 2)], axis=1)
    turned = stop_sign(0.0, y=11.9, yaw=math.pi / 2, distance=9.6)
    assert line(turned, path=up) == (pytest.approx(1.0), 7)
    assert line(replace(turned, y=24.0), path=up) is None


def test_the_first_closed_line_counts() -> None:
    green = stop_sign(5.0, id=1, kind=ControlKind.TRAFFIC_LIGHT, state=LightState.GREEN)
    hidden, passed = stop_sign(6.0, id=2, visible=False), stop_sign(7.0, id=3, distance=-0.1)
    red = stop_sign(9.0, id=4, kind=ControlKind.TRAFFIC_LIGHT, state=LightState.RED, distance=0.0)
    assert line(green, hidden, passed, red, stop_sign(15.0)) == (pytest.approx(0.8), 4)
    assert line(green, hidden, passed) is None


def test_without_an_expert_no_line_is_judged() -> None:
    assert not collisions.collision(view(Objects.empty(), controls=(stop_sign(10.0),)), P).enter


@pytest.mark.parametrize(
    ("row", "near"),
    [({"x": 31.9, "y": 0.0}, True), ({"x": 32.0, "y": 0.0}, False), ({"x": 32.1, "y": 0.0}, False),
     ({"x": 31.9, "y": 5.0}, False), ({"x": -2.3, "y": 4.0}, False),
     ({"x": 41.9, "y": 0.0, "vx": -3.0, "vy": 4.0}, True), ({"x": 42.1, "y": 0.0, "vx": -3.0, "vy": 4.0}, False),
     ({"x": -2.2, "y": 4.0}, True), ({"x": -2.4, "y": 4.0}, False), ({"x": 10.0, "y": 0.0, "visibility": 0.0}, False),
     ({"x": 0.0, "y": -31.9}, True), ({"x": 0.0, "y": -32.1}, False)],
)  # fmt: skip
def test_what_is_in_reach(row: dict[str, float], near: bool) -> None:
    """2 s of the ego's 10 m/s and of the other's speed, and 12 m; nothing from behind the bumper, nothing hidden."""
    assert len(in_reach(scene(0, near=objects(row)), P)) == near
    turned = math.pi / 3
    cos, sin = math.cos(turned), math.sin(turned)
    vx, vy = row.get("vx", 0.0), row.get("vy", 0.0)
    moved = {
        **row,
        "x": 5.0 + cos * row["x"] - sin * row["y"],
        "y": -3.0 + sin * row["x"] + cos * row["y"],
        "vx": cos * vx - sin * vy,
        "vy": sin * vx + cos * vy,
    }
    now = scene(0, near=objects(moved), yaw=turned)
    now = replace(now, ego=replace(now.ego, x=5.0, y=-3.0))
    assert len(in_reach(now, P)) == near


def test_a_path_is_rolled_out_from_the_age_of_its_plan() -> None:
    now = scene(100_000_000, x=1.0)
    poses = rolled(now, driver(), P)
    assert poses[:, 0] == pytest.approx(1.0 + 10.0 * ahead_s(P), abs=1e-6)
    trace = driver().trace
    assert trace is not None
    late = prediction.pursue_trace(trace, 0.1, now.ego, ahead_s(P), P)
    np.testing.assert_array_equal(poses, late)


def bending(at: float, radius: float) -> prediction.CentreLines | None:
    """A lane that comes straight towards the ego and turns away to its left at ``at`` m."""
    angle = np.linspace(0.0, 1.5, 60)[1:]
    x = np.concatenate((np.arange(60.0, at, -0.5), at - radius * np.sin(angle)))
    y = np.concatenate((np.zeros(len(x) - len(angle)), radius * (1.0 - np.cos(angle))))
    return prediction.CentreLines.of(
        (Polyline(1, LineKind.LANE_CENTER, np.stack([x, y], axis=1), False, 14.0, 3.5),), None
    )


def test_others_keep_their_velocity_for_the_first_second_only() -> None:
    """An oncoming car whose lane turns away before it comes: straight on it would be met at 1.6 s, or at 0.9 s."""
    far = view(objects({"x": 36.0, "y": 0.0, "vx": -10.0, "yaw": math.pi}))._replace(lanes=bending(32.0, 8.0))
    soon = view(objects({"x": 22.0, "y": 0.0, "vx": -10.0, "yaw": math.pi}))._replace(lanes=bending(20.0, 5.0))
    for now in (far, soon):
        assert collisions.collision(now._replace(lanes=None), P).enter
    assert not collisions.collision(far, P).enter
    assert collisions.collision(far, MonitorParameters(straight_ahead_s=2.0)).enter
    found = collisions.collision(soon, P)
    assert found.enter and found.time_to_event == pytest.approx(1.0)
    assert not collisions.collision(soon, MonitorParameters(straight_ahead_s=0.8)).enter


def test_who_is_all_in_reach_is_handed_on_as_it_is() -> None:
    near = objects({"x": 20.0, "y": 1.0}, {"x": 30.0, "y": 1.0})
    assert in_reach(scene(0, near=near), P) is near
