"""Where the ego and the others are predicted to be, against the same definitions written out point by point."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from support.scenery import objects
from takead_ros.domain.driving import Plan
from takead_ros.domain.geometry import box_corners, boxes_overlap, wrap_angle
from takead_ros.domain.scene import EgoState, FloatArray, LineKind, Polyline
from takead_ros.takeover import prediction
from takead_ros.takeover.parameters import MonitorParameters
from takead_ros.takeover.prediction import CentreLines, Trace

P = MonitorParameters()
AHEAD = prediction.times(2.0)


def line(number: int, points: Any, kind: LineKind = LineKind.LANE_CENTER, width: float | None = 3.5) -> Polyline:
    return Polyline(number, kind, np.array(points, dtype=float), False, 14.0, width)


def test_times() -> None:
    assert prediction.times(2.0) == pytest.approx(np.linspace(0.2, 2.0, 10))
    assert prediction.times(1.0) == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])


def test_constant_velocity() -> None:
    two = objects({"x": 1.0, "y": 2.0, "vx": 3.0, "vy": -4.0, "yaw": 0.5}, {"x": -1.0, "y": 0.0, "yaw": -2.0})
    poses = prediction.constant_velocity(two, np.array([0.5, 2.0]))
    expected = [[[2.5, 0.0, 0.5], [7.0, -6.0, 0.5]], [[-1.0, 0.0, -2.0], [-1.0, 0.0, -2.0]]]
    np.testing.assert_allclose(poses, expected)


def test_lanes_as_one_array() -> None:
    lines = (
        line(1, [[0, 0], [3, 4], [3, 10]]),
        line(2, [[9, 9], [9, 8]], LineKind.ROAD_EDGE),
        line(3, [[5, 5]]),
        line(4, [[1, 1], [-1, 1]], width=None),
    )
    lanes = CentreLines.of(lines, None)
    assert lanes is not None and lanes.source is lines
    np.testing.assert_array_equal(lanes.x, [0, 3, 3, 1, -1])
    np.testing.assert_array_equal(lanes.y, [0, 4, 10, 1, 1])
    np.testing.assert_allclose(lanes.yaw, [math.atan2(4, 3), math.pi / 2, math.pi / 2, math.pi, math.pi])
    np.testing.assert_array_equal(lanes.last, [2, 2, 2, 4, 4])
    np.testing.assert_allclose(lanes.arc[:3] - lanes.arc[0], [0.0, 5.0, 11.0])
    assert lanes.arc[4] - lanes.arc[3] == pytest.approx(2.0) and lanes.arc[3] >= lanes.arc[2]
    np.testing.assert_array_equal(lanes.half, [1.75, 1.75, 1.75, np.nan, np.nan])
    assert CentreLines.of(lines, lanes) is lanes and CentreLines.of(lines[1:3], lanes) is None


def hermite(t: float, at: FloatArray, value: FloatArray, slope: FloatArray) -> float:
    """The cubic through ``value`` with ``slope`` at the times ``at``, at time t."""
    i = min(int(t / (at[1] - at[0]) + 1e-9), len(at) - 2)
    h = at[i + 1] - at[i]
    u = (t - at[i]) / h
    return float(
        (2 * u**3 - 3 * u**2 + 1) * value[i]
        + (u**3 - 2 * u**2 + u) * h * slope[i]
        + (-2 * u**3 + 3 * u**2) * value[i + 1]
        + (u**3 - u**2) * h * slope[i + 1]
    )


@pytest.mark.parametrize("dt", [0.5, 0.4])
@pytest.mark.parametrize("speed", [6.0, -1.0])
def test_a_trace_is_the_cubic_through_the_plan(dt: float, speed: float) -> None:
    t = dt * np.arange(1.0, 9.0)
    yaw = 0.12 * t + 3.0  # passes pi
    plan = Plan(4.0 * t + 0.3 * t**2, 0.4 * t**2, wrap_angle(yaw), 4.0 + 0.5 * t, dt)
    trace = Trace.of(plan, (3.0, -2.0, 0.7), speed)
    at = np.concatenate(([0.0], t))
    x, y = np.concatenate(([0.0], plan.x)), np.concatenate(([0.0], plan.y))
    heading = np.concatenate(([0.0], plan.yaw))
    heading[1:] = np.unwrap(heading)[1:] if abs(heading[1]) < math.pi else heading[1:]
    v = np.concatenate(([max(speed, 0.0)], plan.speed))
    most = 3.0 / dt * np.hypot(np.diff(x), np.diff(y))
    v[1:], v[:-1] = np.minimum(v[1:], most), np.minimum(v[:-1], most)
    points = np.array(
        [(hermite(s, at, x, v * np.cos(heading)), hermite(s, at, y, v * np.sin(heading))) for s in trace.t]
    )
    np.testing.assert_allclose(trace.t, np.arange(0.0, 8 * dt + 1e-9, 0.1), atol=1e-12)
    np.testing.assert_allclose(trace.x, 3.0 + math.cos(0.7) * points[:, 0] - math.sin(0.7) * points[:, 1], atol=1e-9)
    np.testing.assert_allclose(trace.y, -2.0 + math.sin(0.7) * points[:, 0] + math.cos(0.7) * points[:, 1], atol=1e-9)
    np.testing.assert_allclose(trace.yaw, 0.7 + np.interp(trace.t, at, heading), atol=1e-9)
    arc = np.concatenate(([0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))))
    np.testing.assert_allclose(trace.arc, arc, atol=1e-9)


def test_a_plan_that_stops_far_ahead_never_runs_back() -> None:
    """Its speeds promise more way than there is between its poses, and they do so away from the origin."""
    places = np.array([5.0, 9.0, 9.3, 9.4, 9.4])
    for turn in (0.0, 1.2, -0.9):  # of the plan's straight path against the ego's own heading
        plan = Plan(math.cos(turn) * places, math.sin(turn) * places, np.full(5, turn), np.full(5, 10.0))
        for yaw in (0.0, 2.0):
            trace = prediction.Trace.of(plan, (3.0, -2.0, yaw), 0.0 if turn else 10.0)
            along = np.cos(yaw + turn) * (trace.x - 3.0) + np.sin(yaw + turn) * (trace.y + 2.0)
            late = trace.t > 1.0  # the first bit turns into the plan's direction
            assert (np.diff(along[late]) > -1e-9).all() and along[-1] == pytest.approx(9.4)


@pytest.mark.parametrize("turn", [3.2, 3.6, 4.6, 6.2, -3.2, -4.6])
def test_a_heading_goes_the_short_way_round(turn: float) -> None:
    """A plan's yaw may be given on either side of the half circle."""
    short = turn - 2.0 * np.pi * np.sign(turn)
    plan = Plan(np.array([5.0, 10.0]), np.zeros(2), np.array([0.0, turn]), np.full(2, 10.0))
    trace = prediction.Trace.of(plan, (0.0, 0.0, 0.0), 10.0)
    assert trace.yaw[-1] == pytest.approx(short) and np.abs(trace.yaw).max() <= abs(short) + 1e-9


def test_a_plan_that_stands_makes_no_way_whatever_its_speeds_say() -> None:
    trace = Trace.of(Plan(np.zeros(8), np.zeros(8), np.zeros(8), np.full(8, 5.0)), (1.0, 2.0, 0.3), 5.0)
    assert np.ptp(trace.x) == np.ptp(trace.y) == 0.0 and trace.arc[-1] == 0.0


def pursued(trace: Trace, age_s: float, ego: EgoState, ahead: FloatArray) -> list[tuple[float, float, float]]:
    """The roll-out, step by step: braking and acceleration within what is possible, pure pursuit of the trace."""
    v = max(ego.speed, 0.0)
    begin = float(np.interp(age_s, trace.t, trace.arc))
    ways = [begin]
    for s in ahead:
        until = min(s, v / 9.0)
        shortest, longest = v * until - 0.5 * 9.0 * until**2, v * s + 0.5 * 4.0 * s**2
        wanted = float(np.interp(age_s + s, trace.t, trace.arc)) - begin
        ways.append(begin + max(min(wanted, longest), shortest))
    x, y, yaw, poses = ego.x, ego.y, ego.yaw, []
    most = math.atan(0.5 * math.tan(ego.max_steering_angle))
    for here, there in pairwise(ways):
        step = there - here
        aim = here + max(3.0 * step, 3.0)
        beyond = max(aim - float(trace.arc[-1]), 0.0)
        aim_x = float(np.interp(aim, trace.arc, trace.x)) + beyond * math.cos(trace.yaw[-1])
        aim_y = float(np.interp(aim, trace.arc, trace.y)) + beyond * math.sin(trace.yaw[-1])
        dx, dy = aim_x - x, aim_y - y
        left, on = -math.sin(yaw) * dx + math.cos(yaw) * dy, math.cos(yaw) * dx + math.sin(yaw) * dy
        slip = math.atan(left / max(on + (dx**2 + dy**2) / ego.wheelbase, 0.5))
        slip = max(min(slip, most), -most)
        turn = step * math.sin(slip) / (0.5 * ego.wheelbase)
        x += step * math.cos(yaw + slip + 0.5 * turn)
        y += step * math.sin(yaw + slip + 0.5 * turn)
        yaw += turn
        poses.append((x, y, yaw))
    return poses


def bent(speed: float, bend: float, gain: float = 0.0) -> Plan:
    """A plan of ``bend`` 1/m, beginning at ``speed`` m/s and faster by ``gain`` m/s^2."""
    t = 0.5 * np.arange(1.0, 9.0)
    s = speed * t + 0.5 * gain * t * t
    turn = bend * s
    x, y = (np.sin(turn) / bend, (1.0 - np.cos(turn)) / bend) if bend else (s, 0.0 * s)
    return Plan(x, y, turn, speed + gain * t)


@pytest.mark.parametrize(
    ("plan", "ego"),
    [(bent(10.0, 0.03), {"speed": 10.0}), (bent(10.0, -0.05), {"speed": 9.0, "y": 1.0, "yaw": -0.2}),
     (bent(4.0, 0.2), {"speed": 4.0, "yaw": 0.4}), (bent(15.0, 0.0), {"speed": 5.0}),
     (bent(3.0, 0.0), {"speed": 14.0, "y": -0.7}), (bent(8.0, 0.0, -1.5), {"speed": 8.0, "yaw": 1.2}),
     (bent(6.0, 0.0), {"speed": -1.0}), (bent(12.0, 0.02, 2.0), {"speed": 12.0, "x": 1.0, "y": 0.5}),
     (bent(5.0, -0.3), {"speed": 5.0, "y": 2.0, "max_steering_angle": 0.3})],
)  # fmt: skip
@pytest.mark.parametrize("age", [0.0, 0.17, 2.6])
def test_a_roll_out_is_pursuit_within_what_the_vehicle_can_do(plan: Plan, ego: dict[str, float], age: float) -> None:
    pose = (3.0, -2.0, 0.7)
    cos, sin = math.cos(0.7), math.sin(0.7)
    x, y, yaw = ego.get("x", 0.0), ego.get("y", 0.0), ego.get("yaw", 0.0)
    own = replace(EgoState(0.0, 0.0, 0.0, 0.0), **ego)
    own = replace(own, x=3.0 + cos * x - sin * y, y=-2.0 + sin * x + cos * y, yaw=0.7 + yaw)
    trace = Trace.of(plan, pose, max(own.speed, 0.0))
    np.testing.assert_allclose(
        prediction.pursue_trace(trace, age, own, AHEAD, P), pursued(trace, age, own, AHEAD), atol=1e-9
    )


def followed(row: dict[str, float], lanes: CentreLines, ahead: FloatArray) -> FloatArray | None:
    """The lane following of one vehicle, written out; None: it follows none."""
    x, y, vx, vy = row["x"], row["y"], row.get("vx", 0.0), row.get("vy", 0.0)
    speed, course = math.hypot(vx, vy), math.atan2(vy, vx)
    if speed <= 1.0 or row.get("kind") == 3.0:
        return None
    costs = [
        (lanes.x[q] - x) ** 2 + (lanes.y[q] - y) ** 2 + 30.0 * (1.0 - math.cos(lanes.yaw[q] - course))
        for q in range(len(lanes.x))
    ]
    q = int(np.argmin(costs))
    away = math.hypot(lanes.x[q] - x, lanes.y[q] - y)
    if away >= 2.5 or math.cos(lanes.yaw[q] - course) <= math.cos(0.6):
        return None
    at, dx, dy = lanes.yaw[q], x - lanes.x[q], y - lanes.y[q]
    offset, on = math.cos(at) * dy - math.sin(at) * dx, math.cos(at) * dx + math.sin(at) * dy
    poses = []
    for t in ahead:
        there = lanes.arc[q] + on + speed * math.cos(course - at) * t
        j = q
        while j < lanes.last[q] and lanes.arc[j + 1] <= there:
            j += 1
        beyond, side = there - lanes.arc[j], offset + speed * math.sin(course - at) * min(t, 2.0)
        heading = lanes.yaw[j]
        poses.append(
            (
                lanes.x[j] + beyond * math.cos(heading) - side * math.sin(heading),
                lanes.y[j] + beyond * math.sin(heading) + side * math.cos(heading),
                row.get("yaw", 0.0) + float(wrap_angle(heading - at)),
            )
        )
    return np.array(poses)


CURVED = [[20.0 * math.sin(a), 20.0 * (1.0 - math.cos(a))] for a in np.linspace(0.0, 3.6, 40)]  # past half a turn
NETWORK = (
    line(1, [[x, 0.0] for x in range(-60, 61, 3)]),
    line(2, CURVED),
    line(3, [[x, 3.5] for x in range(60, -61, -3)]),
)


@pytest.mark.parametrize(
    "row",
    [{"x": 1.2, "y": 0.4, "vx": 10.0, "vy": 0.5, "yaw": 0.1}, {"x": -21.0, "y": -2.4, "vx": 8.0},
     {"x": -21.0, "y": -2.6, "vx": 8.0}, {"x": 0.5, "y": 3.3, "vx": -9.0, "vy": 0.4, "yaw": 3.0},
     {"x": 14.0, "y": 5.0, "vx": 7.0, "vy": 7.0, "yaw": 0.8}, {"x": 19.0, "y": 26.0, "vx": -2.0, "vy": 9.0, "yaw": 1.7},
     {"x": 3.0, "y": 0.0, "vx": 1.01}, {"x": 3.0, "y": 0.0, "vx": 1.0}, {"x": 3.0, "y": 0.0, "vx": 5.0, "kind": 3.0},
     {"x": -30.0, "y": 0.0, "vx": 8.0, "vy": 5.4}, {"x": -30.0, "y": 0.0, "vx": 8.0, "vy": 5.6},
     {"x": 57.0, "y": 0.5, "vx": 12.0}, {"x": -2.0, "y": 39.5, "vx": -9.0, "vy": -1.0, "yaw": -3.0},
     {"x": -40.0, "y": 1.75, "vx": -6.0}, {"x": 3.0, "y": -2.0, "vx": 6.0, "vy": -0.5}],
)  # fmt: skip
def test_vehicles_on_a_lane_follow_it(row: dict[str, float]) -> None:
    lanes = CentreLines.of(NETWORK, None)
    assert lanes is not None
    ahead = prediction.times(3.0)
    other = {"x": 500.0, "y": 500.0, "vx": 3.0}  # on no lane
    near = objects(other, row)
    straight = prediction.constant_velocity(near, ahead)
    poses = prediction.lane_following(near, lanes, straight, ahead, P)
    expected = followed(row, lanes, ahead)
    np.testing.assert_array_equal(poses[0], straight[0])
    np.testing.assert_allclose(poses[1], straight[1] if expected is None else expected, atol=1e-9)
    assert (poses is straight) == (expected is None)


def test_some_do_follow_and_some_do_not() -> None:
    """So that the test above compares both ways."""
    lanes = CentreLines.of(NETWORK, None)
    assert lanes is not None
    assert followed({"x": -21.0, "y": -2.4, "vx": 8.0}, lanes, AHEAD) is not None
    assert followed({"x": -21.0, "y": -2.6, "vx": 8.0}, lanes, AHEAD) is None
    assert followed({"x": -30.0, "y": 0.0, "vx": 8.0, "vy": 5.6}, lanes, AHEAD) is None
    assert prediction.lane_following(objects({"x": 0.0, "y": 0.0, "vx": 9.0}), None, AHEAD, AHEAD, P) is AHEAD


@pytest.mark.parametrize("seed", range(12))
def test_the_first_contact_is_that_of_the_boxes(seed: int) -> None:
    rng = np.random.default_rng(seed)
    near = objects(
        *(
            {
                "x": rng.uniform(-4, 25),
                "y": rng.uniform(-8, 8),
                "yaw": rng.uniform(-3, 3),
                "vx": rng.uniform(-6, 6),
                "vy": rng.uniform(-3, 3),
                "length": rng.uniform(0.5, 9),
                "width": rng.uniform(0.5, 2.5),
            }
            for _ in range(12)
        )
    )
    ego = np.stack([8.0 * AHEAD, 0.5 * AHEAD**2, 0.1 * AHEAD], axis=1)
    poses = prediction.constant_velocity(near, AHEAD)
    first = prediction.first_contact(ego, (4.6, 1.9), poses, near, AHEAD)
    for n in range(len(near)):
        size = float(near.length[n]), float(near.width[n])
        hits = [
            bool(boxes_overlap(box_corners(*ego[t], 4.6, 1.9)[None], box_corners(*poses[n, t], *size)[None])[0])
            for t in range(len(AHEAD))
        ]
        assert first[n] == (AHEAD[hits.index(True)] if any(hits) else np.inf), n
    assert seed != 0 or (np.isfinite(first).any() and np.isinf(first).any())


def test_a_car_on_the_very_corner_of_a_lane_takes_the_way_on() -> None:
    """After exactly the length of the first piece it heads as the second one does."""
    lanes = CentreLines.of((line(1, [[0, 0], [10, 0], [10, 10], [10, 30]]),), None)
    car, ahead = objects({"x": 0.0, "y": 0.0, "vx": 10.0}), np.array([0.5, 1.0, 1.5])
    poses = prediction.lane_following(car, lanes, prediction.constant_velocity(car, ahead), ahead, P)
    np.testing.assert_allclose(
        poses[0], [[5.0, 0.0, 0.0], [10.0, 0.0, math.pi / 2], [10.0, 5.0, math.pi / 2]], atol=1e-9
    )


def test_objects_may_be_whole_numbers() -> None:
    """As a perception may give them: the kernels take floats."""
    lanes = CentreLines.of((line(1, [[0, 0], [50, 0]]),), None)
    car = objects({"x": 12.0, "y": 0.0, "vx": 2.0, "length": 4.0, "width": 2.0})
    whole = replace(car, **{name: getattr(car, name).astype(int) for name in ("x", "y", "yaw", "length", "width")})
    ego = np.column_stack((10.0 * AHEAD, np.zeros(len(AHEAD)), np.zeros(len(AHEAD))))
    for given in (car, whole):
        poses = prediction.lane_following(given, lanes, prediction.constant_velocity(given, AHEAD), AHEAD, P)
        when = prediction.first_contact(ego, (4.5, 2.0), poses, given, AHEAD)
        np.testing.assert_allclose(when, [1.0])
