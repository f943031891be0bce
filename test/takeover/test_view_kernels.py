"""The kernels of what triggers look at, each against a geometry that is known."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from shapely import LineString, Point

from support.scenery import objects, scene
from support.views import driver, view
from takead_ros.compiled import prepare
from takead_ros.domain.driving import Plan
from takead_ros.domain.scene import FloatArray, LineKind, Polyline
from takead_ros.takeover import collisions, course, prediction
from takead_ros.takeover import view_kernels as kernels
from takead_ros.takeover.parameters import MonitorParameters
from takead_ros.takeover.view import in_reach, rolled

prepare()
P = MonitorParameters()


def arcs(path: FloatArray) -> FloatArray:
    return np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(path, axis=0).T))])


def test_a_place_on_a_polyline_is_the_one_that_shapely_finds() -> None:
    random = np.random.default_rng(0)
    for _ in range(60):
        path = np.cumsum(random.normal(size=(random.integers(2, 7), 2)) * random.choice([0.3, 3.0]), axis=0)
        for x, y in random.normal(size=(10, 2)) * 6.0:
            along = kernels.place_on(path, arcs(path), float(x), float(y))
            there, nearest = LineString(path).interpolate(along), LineString(path).distance(Point(x, y))
            assert there.distance(Point(x, y)) == pytest.approx(nearest, abs=1e-9)


def test_of_two_places_as_near_the_first_counts_and_one_point_is_the_begin() -> None:
    square = np.array([[0.0, 0.0], [2.0, 0.0], [2.0, 2.0], [0.0, 2.0]])
    assert kernels.place_on(square, arcs(square), 1.0, 1.0) == 1.0
    assert kernels.place_on(square[:1], np.zeros(1), 5.0, 5.0) == 0.0
    twice = np.array([[0.0, 0.0], [0.0, 0.0], [4.0, 0.0]])  # a step without a length
    assert kernels.place_on(twice, arcs(twice), 3.0, 1.0) == 3.0


def test_a_circle_bends_evenly_also_where_its_heading_turns_over() -> None:
    angle = np.linspace(0.0, 1.9 * math.pi, 120)
    path = np.column_stack((20.0 * np.sin(angle), 20.0 * (1.0 - np.cos(angle))))
    away, curvature = kernels.bends_ahead(path, 0.0, 0.0, 4.0)
    assert len(away) == 119 and (np.diff(away) > 0.0).all()
    inside = (away > 3.0) & (away < away[-1] - 3.0)
    np.testing.assert_allclose(curvature[inside], 1.0 / 20.0, rtol=2e-3)


LINE = np.array([[0.0, 0.0, 0.0], [10.0, 0.0, 0.0], [20.0, 0.0, 0.0]])
EGO = np.array([0.0, 0.0, 0.0, 10.0, 4.0, 2.0])  # x y yaw speed length width


def gap(*others: tuple[float, ...], path: FloatArray = LINE[1:]) -> tuple[int, float, float, float]:
    """Of others as (x, y, yaw, vx, vy, length, width)."""
    columns = np.array(others).reshape(-1, 7).T.copy()
    return kernels.follow_gap(path.copy(), EGO, columns, 1.0, 2.0)


def test_nobody_is_ahead_of_nobody() -> None:
    assert gap() == (0, math.inf, 0.0, math.inf)


def test_who_is_met_first_of_several_and_the_first_of_equals() -> None:
    near, far = (15.0, 0.0, 0.0, 5.0, 0.0, 4.0, 2.0), (19.0, 0.0, 0.0, 5.0, 0.0, 4.0, 2.0)
    assert gap(near) == (0, pytest.approx(11.0 / 5.0), pytest.approx(25.0 / 22.0), pytest.approx(11.0))
    assert gap(far, near)[:2] == (1, pytest.approx(11.0 / 5.0))
    assert gap(near, far)[:2] == (0, pytest.approx(11.0 / 5.0)) and gap(near, near)[0] == 0
    beside = (15.0, 9.0, 0.0, 5.0, 0.0, 4.0, 2.0)  # never met: what it would take is told all the same
    assert gap(beside) == (0, math.inf, pytest.approx(25.0 / 22.0), math.inf)
    assert gap(beside, near)[:2] == (1, pytest.approx(11.0 / 5.0)) and gap(beside, near)[3] == pytest.approx(11.0)


@pytest.mark.parametrize(("y", "inside"), [(3.0, False), (2.9375, True)])  # 1 m from box to box is beside the corridor
def test_the_corridor_ends_at_its_edge(y: float, inside: bool) -> None:
    assert (gap((12.0, y, 0.0, 0.0, 0.0, 4.0, 2.0))[3] < math.inf) == inside


def test_between_two_poses_as_near_the_first_counts() -> None:
    """Its heading is that of the corridor: here the second one's would lay the other beside it."""
    turned = np.array([[10.0, 0.0, 0.0], [20.0, 0.0, math.pi / 2.0]])
    row, _, _, nearest = gap((15.0, 0.0, 0.0, 0.0, 0.0, 4.0, 2.0), path=turned)
    assert (row, nearest) == (0, pytest.approx(11.0))


def test_what_is_within_reach_is_told_by_row() -> None:
    x = np.array([20.0, 500.0, -20.0, 30.0, 40.0])
    zero, seen = np.zeros(5), np.array([1.0, 1.0, 1.0, 0.0, 0.5])
    rows = kernels.within(x, zero, zero, zero, seen, np.array([0.0, 0.0, 0.0, 10.0, 4.0]), 4.0, 10.0)
    assert rows.tolist() == [0, 4]


POINTS = np.array([10.0, 3.0, 40.0])


def too_fast(planned: float, curvature: float, speed: float = 4.0) -> tuple[int, bool, float, float]:
    """The first of three equal points, of which the second is the nearest."""
    return kernels.first_too_fast(POINTS, np.full(3, curvature), np.full(3, planned), speed, 2.0, 1.0, 2.0)


def test_a_bend_is_too_fast_beyond_every_limit_and_not_at_it() -> None:
    assert kernels.first_too_fast(*(np.zeros(0),) * 3, 9.0, 2.0, 1.0, 2.0) == (-1, True, 0.0, 0.0)
    assert too_fast(1.0, 1.0) == (-1, True, 0.0, 0.0)  # 1 m/s^2 sideways is calm
    assert too_fast(1.25, 1.0) == (-1, False, 0.0, 0.0)
    assert too_fast(2.0, 0.5, 40.0) == (-1, False, 0.0, 0.0)  # 2 m/s^2 is allowed, however fast the ego is
    assert too_fast(2.5, 0.5) == (
        -1,
        False,
        0.0,
        0.0,
    )  # 2 m/s^2 of braking is due 3 m ahead: no more
    assert too_fast(2.5, 0.5, 5.0) == (1, False, 2.5**2 * 0.5, (25.0 - 4.0) / 6.0)
    assert too_fast(2.5, 0.5, 9.0) == (0, False, 2.5**2 * 0.5, (81.0 - 4.0) / 20.0)


def trace(plan: tuple[tuple[float, ...], ...], speed: float = 10.0, yaw: float = 0.0) -> FloatArray:
    """Of a plan's rows (x, y, yaw, speed), half a second apart, made at (5, 7) and ``yaw``."""
    x, y, heading, pace = (np.array(column) for column in zip(*plan, strict=True))
    return kernels.lay_trace(x, y, heading, pace, 0.5, 5.0, 7.0, yaw, speed, 0.125)


def test_a_trace_goes_through_the_plans_poses_in_the_map() -> None:
    laid = trace(((5.0, 0.0, 0.0, 10.0), (10.0, 0.5, 0.2, 10.0), (15.0, 2.0, 0.3, 10.0)), yaw=math.pi / 2.0)
    assert laid.shape == (5, 13)  # from 0 to 1.5 s
    np.testing.assert_allclose(laid[kernels.TIME], 0.125 * np.arange(13))
    np.testing.assert_allclose(laid[:2, [0, 4, 8, 12]], [[5.0, 5.0, 4.5, 3.0], [7.0, 12.0, 17.0, 22.0]], atol=1e-12)
    np.testing.assert_allclose(laid[kernels.YAW, [0, 4, 8, 12]] - math.pi / 2.0, [0.0, 0.0, 0.2, 0.3], atol=1e-12)
    steps = np.hypot(*np.diff(laid[:2]))
    np.testing.assert_allclose(np.diff(laid[kernels.ARC]), steps, atol=1e-12)
    assert laid[kernels.ARC, 0] == 0.0


@pytest.mark.parametrize(("first", "second"), [(-2.5, -2.6), (2.9, -2.9), (-3.0, 3.0), (0.5, 0.5 + 4.0 * math.pi)])
def test_a_heading_takes_the_short_way_round(first: float, second: float) -> None:
    laid = trace(((5.0, 0.0, first, 10.0), (10.0, 0.0, second, 10.0)))
    assert laid[kernels.YAW, 4] == pytest.approx(first)
    assert laid[kernels.YAW, 8] == pytest.approx(first + math.remainder(second - first, 2.0 * math.pi))


def straight(y: float, yaw: float = 0.0) -> FloatArray:
    """A trace of 11 points, 1 m and 0.1 s apart."""
    at = np.arange(11.0)
    return np.stack([at, np.full(11, y), np.full(11, yaw), at, 0.1 * at])


def test_how_far_a_new_trace_strays_from_the_old_one() -> None:
    beside, along = kernels.strays(straight(-1.5), straight(-4.0), 0.5, 0.0)
    assert (beside, along) == (2.5, pytest.approx(0.0, abs=1e-12))
    beside, along = kernels.strays(straight(-1.5), straight(-4.0), 0.5, 0.2)  # the old one would be 2 m farther by then
    assert (beside, along) == (2.5, pytest.approx(2.0))
    far = straight(0.0)
    far[kernels.X] += 30.0  # the last place is the nearest: what is due is 5 m along, this is 35
    assert kernels.strays(far, straight(0.0), 0.5, 0.0) == (pytest.approx(0.0), pytest.approx(30.0))


def test_a_trace_beside_the_old_one_is_measured_at_the_nearest_place_of_it() -> None:
    north = straight(0.0, math.pi / 2.0)[[kernels.Y, kernels.X, kernels.YAW, kernels.ARC, kernels.TIME]]
    ahead = north.copy()
    ahead[kernels.X] -= 1.0
    beside, along = kernels.strays(ahead, north, 0.4, 0.0)  # at (-1, 4): beside the fifth place
    assert (beside, along) == (pytest.approx(1.0), pytest.approx(0.0, abs=1e-12))


def test_of_two_old_places_as_near_the_first_counts() -> None:
    old = np.array([[0.0, 2.0], [0.0, 0.0], [0.0, math.pi / 2.0], [0.0, 2.0], [0.0, 1.0]])
    new = np.array([[1.0, 1.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 1.0]])
    assert kernels.strays(new, old, 0.0, 0.0) == (0.0, 1.0)


def test_the_speed_that_a_plan_has_at_a_distance_and_none_beyond_its_end() -> None:
    laid = trace(((4.0, 0.0, 0.0, 8.0), (8.0, 0.0, 0.0, 6.0)), speed=8.0)
    end = float(laid[kernels.ARC, -1])
    found = kernels.speeds_planned(np.array([end, np.nextafter(end, 99.0)]), laid, np.array([8.0, 6.0]), 0.5, 0.0)
    assert found.tolist() == [6.0, 0.0]


LANE = Polyline(1, LineKind.LANE_CENTER, np.column_stack((np.arange(-20.0, 120.0), np.zeros(140))), True, 14.0, 3.5)


@pytest.mark.parametrize("kind", [np.float32, np.int64])
def test_numbers_of_another_width_are_looked_at_as_well(kind: Any) -> None:
    """Kernels take float64 only; a vehicle side may hand in others."""
    plain = objects({"x": 20.0, "y": 1.0, "vx": 8.0, "length": 5.0, "width": 2.0}, {"x": 900.0, "y": 0.0})
    names = ("x", "y", "yaw", "vx", "vy", "length", "width", "visibility")
    other = replace(plain, **{name: getattr(plain, name).astype(kind) for name in names})
    columns = (np.arange(5.0, 45.0, 5.0), np.zeros(8), np.zeros(8), np.full(8, 10.0))
    plan = Plan(*(column.astype(kind) for column in columns))
    found = []
    for seen, planned in ((plain, driver().output.plan), (other, plan)):
        now = replace(scene(0, near=seen), polylines=(LANE,))
        now = replace(now, route=replace(now.route, path=now.route.path.astype(kind if seen is other else float)))
        policy = driver(plan=planned)
        close = in_reach(now, P)
        seen_now = view(now, policy, driver("expert"), near=close, path=rolled(now, policy, P))
        ahead = np.arange(0.2, 2.0, 0.2)
        poses = prediction.constant_velocity(close, ahead)
        laned = prediction.lane_following(close, prediction.CentreLines.of((LANE,), None), poses, ahead, P)
        contact = prediction.first_contact(poses[0], (4.5, 1.9), laned, close, ahead)
        away, curvature = course.bends(now, P)
        speeds = course.planned_speed(now, policy, away)
        found.append([collisions.following(seen_now, P).enter, laned, contact, away, curvature, speeds])
    for one, another in zip(*found, strict=True):
        np.testing.assert_allclose(one, another, atol=1e-5)
