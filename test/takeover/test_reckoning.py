"""Where the minimum-risk manoeuvre is and where it steers: dead reckoning, the path in the map, pure pursuit."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from support.mrm_road import P, braking, motion, straight
from support.scenery import objects
from takead_ros.domain.driving import Plan
from takead_ros.domain.geometry import bicycle_rollout, points_at, project, to_outer
from takead_ros.takeover import mrm
from takead_ros.takeover.mrm import PathPose, PlanPath


def test_reckoning_is_the_kinematic_bicycle() -> None:
    start = motion(1.0, 2.0, 0.3, 8.0)
    now, steer, accel = start, 0.2, -2.0
    for _ in range(40):
        now = now.reckoned(steer, accel, 0.05)
    expected = bicycle_rollout(1.0, 2.0, 0.3, 8.0, np.full(40, steer), np.full(40, accel), 2.7, 0.05)[-1]
    assert (now.x, now.y, now.yaw, now.speed) == pytest.approx(tuple(expected))
    assert start.reckoned(0.1, -9.0, 5.0).speed == 0.0
    assert (now.length, now.width, now.wheelbase, now.full_lock) == (4.6, 1.9, 2.7, pytest.approx(0.698, abs=1e-3))


def test_the_path_is_placed_in_the_map() -> None:
    path = PlanPath.of(
        Plan(np.array([10.0, 20.0]), np.array([0.0, 0.0]), np.zeros(2), np.zeros(2)), 5.0, 1.0, math.pi / 2
    )
    assert path.x == pytest.approx((5.0, 5.0, 5.0)) and path.y == pytest.approx((1.0, 11.0, 21.0))
    assert path.arc == pytest.approx((0.0, 10.0, 20.0))
    place = path.place(4.0, 6.0)
    assert (place.along, place.lateral, place.heading) == pytest.approx((5.0, 1.0, math.pi / 2))


def test_places_on_a_path_are_those_of_the_common_projection() -> None:
    rng = np.random.default_rng(7)
    x, y = np.cumsum(rng.uniform(0.5, 6.0, 12)), np.cumsum(rng.uniform(-2.0, 2.0, 12))
    path, points = PlanPath.through(x.tolist(), y.tolist()), np.column_stack((x, y))
    for px, py in ((a + b) / 2.0 + rng.uniform(-0.2, 0.2, 2) for a, b in itertools.pairwise(points)):
        place = path.place(px, py)
        assert (place.along, place.lateral, place.heading) == pytest.approx(project(points, px, py))
    for along in (*path.arc, *rng.uniform(0.0, path.arc[-1], 50)):
        assert path.at(along) == pytest.approx(tuple(points_at(points, np.array(along))))


def test_a_path_goes_straight_on_beyond_its_end() -> None:
    path = PlanPath.through((0.0, 3.0), (0.0, 4.0)).prolonged(P.mrm_sight_m)
    assert (path.x[-1], path.y[-1], path.arc[-1]) == pytest.approx((39.0, 52.0, 65.0))
    assert path.x[:-1] == (0.0, 3.0) and path.y[:-1] == (0.0, 4.0) and path.arc[:-1] == (0.0, 5.0)


def test_a_plan_that_stands_is_a_path_without_a_direction() -> None:
    path = PlanPath.of(Plan(np.zeros(8), np.zeros(8), np.zeros(8), np.zeros(8)), 3.0, 4.0, 0.5)
    assert path.arc == (0.0,) * 9 and path.prolonged(P.mrm_sight_m).arc == (0.0,) * 10
    ego = motion(3.0, 4.0, speed=0.4)
    assert path.place(ego.x, ego.y) == PathPose(0.0, 0.0, 0.0)
    assert mrm.steering(path, ego, 0.321, P) == 0.321


@pytest.mark.parametrize(
    ("x", "y", "speed", "held"),
    [(0.0, 0.0, 10.0, False), (0.0, 3.1, 10.0, True), (0.0, -3.1, 10.0, True), (0.0, -2.9, 10.0, False),
     (54.5, 0.0, 10.0, True), (53.5, 0.0, 10.0, False), (56.5, 0.0, 1.0, False), (57.5, 0.0, 1.0, True),
     (47.5, 0.0, 30.0, False), (48.5, 0.0, 30.0, True)],
)  # fmt: skip
def test_steering_holds_the_wheel_where_the_path_says_nothing(x: float, y: float, speed: float, held: bool) -> None:
    ego = motion(x, y, speed=speed)
    angle = mrm.steering(straight(), ego, 0.123, P)
    assert (angle == 0.123) == held
    if not held:
        assert math.copysign(1.0, angle) == (math.copysign(1.0, -y) if y else 1.0)


def test_pure_pursuit_hits_its_point() -> None:
    path, ego = straight(), motion(0.0, 1.0)
    angle = mrm.steering(path, ego, 0.0, P)
    # constant steering from here on leads through the point 6 m on along the path
    way = bicycle_rollout(0.0, 1.0, 0.0, 10.0, np.full(2000, angle), np.zeros(2000), 2.7, 0.0005)
    slip = math.atan(0.5 * math.tan(angle))
    assert np.hypot(way[:, 0] - 6.0, way[:, 1]).min() < 6.1 * abs(math.sin(slip)) + 0.05
    assert mrm.steering(path, motion(0.0, -1.0), 0.0, P) == pytest.approx(-angle)


def test_steering_stays_within_full_lock() -> None:
    path = PlanPath.of(Plan(np.array([0.5, 0.5]), np.array([3.0, 9.0]), np.zeros(2), np.zeros(2)), 0.0, 0.0, 0.0)
    ego = motion(speed=1.0)
    assert mrm.steering(path, ego, 0.0, P) == pytest.approx(ego.full_lock)


def test_ragged_input_is_refused() -> None:
    near = replace(objects({"x": 20.0, "y": 0.0}), vx=np.zeros(2))
    with pytest.raises(ValueError, match="zip"):
        braking(None, motion(), near, 0.0, P)
    with pytest.raises(ValueError, match="zip"):
        PlanPath.through((0.0, 1.0), (0.0,))
    with pytest.raises(ValueError, match="zip"):
        PlanPath.of(Plan(np.zeros(3), np.zeros(2), np.zeros(3), np.zeros(3)), 0.0, 0.0, 0.0)


def test_a_plan_is_placed_like_any_local_points() -> None:
    plan = Plan(np.array([3.0, 8.0]), np.array([1.0, -2.0]), np.zeros(2), np.zeros(2))
    path = PlanPath.of(plan, 5.0, 1.0, 0.8)
    expected = to_outer(np.array([[0.0, 0.0], [3.0, 1.0], [8.0, -2.0]]), 5.0, 1.0, 0.8)
    assert np.column_stack((path.x, path.y)) == pytest.approx(expected)


def test_places_at_the_ends_and_at_a_corner() -> None:
    path = PlanPath.through((0.0, 10.0, 10.0), (0.0, 0.0, 10.0))
    assert path.place(-5.0, 1.0) == PathPose(0.0, 1.0, 0.0)
    assert path.place(9.0, 30.0) == PathPose(20.0, 1.0, math.pi / 2)
    assert path.place(20.0, -10.0) == PathPose(10.0, -10.0, 0.0)  # as near to both pieces: the first one counts
    slanted = PlanPath.through((0.0, 10.0, 13.0), (0.0, 0.0, 4.0)).prolonged(P.mrm_sight_m)
    assert (slanted.x[-1], slanted.y[-1]) == pytest.approx((49.0, 52.0))
    longer = path.prolonged(P.mrm_sight_m)
    assert (longer.x[-1], longer.y[-1]) == pytest.approx((10.0, 70.0)) and longer.arc[-1] == pytest.approx(80.0)


@pytest.mark.parametrize(("x", "y", "held"), [(0.0, 3.0, False), (0.0, -3.0, False), (54.0, 0.0, False)])
def test_the_wheel_follows_up_to_the_very_limit(x: float, y: float, held: bool) -> None:
    assert (mrm.steering(straight(), motion(x, y), 0.123, P) == 0.123) == held


@pytest.mark.parametrize(
    ("path", "ego", "aim"),
    [
        (((0.0, 60.0), (0.0, 0.0)), (0.0, 2.0, 10.0), (6.0, -2.0)),
        (((0.0, 2.0, 1.0), (0.0, 0.0, 0.1)), (0.0, 0.0, 1.0), (2.0 - 1.0 / 1.01**0.5, 0.1 / 1.01**0.5)),
    ],
)
def test_pure_pursuit_by_its_formula(path: Any, ego: tuple[float, float, float], aim: tuple[float, float]) -> None:
    """Curvature of the circle through the aim, 2 y / d^2; the second aim is nearer than the lookahead."""
    curvature = 2.0 * aim[1] / (aim[0] ** 2 + aim[1] ** 2)
    expected = math.atan(2.0 * math.tan(math.asin(0.5 * 2.7 * curvature)))
    angle = mrm.steering(PlanPath.through(*path), motion(ego[0], ego[1], speed=ego[2]), 0.0, P)
    assert angle == pytest.approx(expected)
