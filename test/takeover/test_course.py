"""The triggers about where the policy drives, at the edge of every threshold."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from support.scenery import scene
from support.views import driver, view
from takead_ros.domain.driving import Plan, Trigger
from takead_ros.domain.scene import FloatArray, LineKind, Polyline, Scene
from takead_ros.takeover import course
from takead_ros.takeover.parameters import MonitorParameters
from takead_ros.takeover.plans import Driver
from takead_ros.takeover.prediction import CentreLines
from takead_ros.takeover.view import Finding

P = MonitorParameters()


def off(offset: float, yaw: float) -> Scene:
    now = scene(0)
    return replace(now, route=replace(now.route, lateral_offset=offset, heading_error=yaw))


def ending(y: float) -> Driver:
    """A driver whose plan ends 40 m ahead, ``y`` m to the left."""
    plan = Plan(np.linspace(5, 40, 8), np.linspace(0.0, y, 8), np.zeros(8), np.full(8, 10.0))
    return driver(plan=plan)


@pytest.mark.parametrize(
    ("offset", "yaw", "enter", "leave"),
    [(2.6, 0.0, True, False), (-2.6, 0.0, True, False), (2.5, 0.0, False, False), (0.0, 1.1, True, False),
     (0.0, -1.1, True, False), (0.0, 1.0, False, False), (1.0, 0.0, False, False), (0.0, 0.4, False, False),
     (0.9, 0.39, False, True), (0.9, 0.5, False, False), (1.1, 0.1, False, False), (4.5, 0.0, True, False),
     (9.0, 0.0, True, False)],
)  # fmt: skip
def test_off_route(offset: float, yaw: float, enter: bool, leave: bool) -> None:
    found = course.off_route(view(off(offset, yaw), ending(4.0)), P)
    assert (found.trigger, found.enter, found.leave) == (Trigger.OFF_ROUTE, enter, leave)
    assert found.severity == pytest.approx(min(max(0.4 + 0.1 * (abs(offset) - 2.5), 0.4), 0.8))
    assert found.text == f"{abs(offset):.1f} m and {abs(yaw):.2f} rad off"
    assert found.time_to_event is None and found.object_id == 0


@pytest.mark.parametrize(("policy", "returns"), [(3.9, True), (4.1, False), (-3.9, True), (-4.1, False), (0.0, True)])
def test_a_policy_that_returns_as_the_expert_would(policy: float, returns: bool) -> None:
    """The expert means to end 3 m beside the route: it passes something."""
    for expert in (ending(3.0), ending(-3.0)):
        found = course.off_route(view(off(3.0, 0.0), ending(policy), expert), P)
        assert (found.enter, found.leave) == (not returns, returns)


@pytest.mark.parametrize("policy", [-4.1, -3.9, 0.0, 3.9, 4.1])
def test_a_return_is_judged_by_the_end_of_the_plan_however_the_map_lies(policy: float) -> None:
    """The same as above on a road turned by 0.7 rad, of plans that swing aside at their last step only."""
    cos, sin = math.cos(0.7), math.sin(0.7)
    now = off(3.0, 0.0)
    path = now.route.path @ np.array([[cos, sin], [-sin, cos]])
    now = replace(now, ego=replace(now.ego, yaw=0.7), route=replace(now.route, path=path))

    def swinging(y: float) -> Driver:
        plan = Plan(np.linspace(5, 40, 8), np.array([0.3, -6.0, 1.0, 0.0, 0.0, 0.0, -2.0, y]), np.zeros(8), np.ones(8))
        return driver(plan=plan)

    found = course.off_route(view(now, swinging(policy), swinging(3.0)), P)
    assert found.leave == (abs(policy) < 4.0)


@pytest.mark.parametrize(
    ("yaw", "returns"), [(0.0, False), (-math.pi / 2, True), (math.pi / 2, False), (math.pi, True)]
)
def test_a_plan_ends_where_the_ego_points(yaw: float, returns: bool) -> None:
    """The ego is 5 m beside the route, and its plan ends 10 m ahead of it and 2 m to its left: 7, 5, 15 or 3 m off."""
    plan = Plan(np.linspace(0.0, 10.0, 8), np.linspace(0.0, 2.0, 8), np.zeros(8), np.full(8, 1.0))
    still = Plan(np.zeros(8), np.zeros(8), np.zeros(8), np.zeros(8))
    now = off(5.0, yaw)
    now = replace(now, ego=replace(now.ego, x=7.0, y=5.0, yaw=yaw))
    found = course.off_route(view(now, driver(plan=plan), driver("expert", plan=still)), P)
    assert found.leave == returns


def cornered(away: float, radius: float = 8.0) -> Scene:
    """A route that goes straight for ``away`` m from the ego and then turns left by a right angle."""
    straight = np.column_stack((np.arange(-10.0, away), np.zeros(round(away) + 10)))
    angle = np.linspace(0.0, np.pi / 2, 13)[1:]
    bend = np.column_stack((away + radius * np.sin(angle), radius * (1.0 - np.cos(angle))))
    after = np.column_stack((np.full(40, away + radius), radius + np.arange(1.0, 41.0)))
    now = scene(0, speed=14.0)
    return replace(now, route=replace(now.route, path=np.vstack((straight, bend, after))))


def curvature(points: FloatArray, at: float, chord: float) -> float:
    """Turn of a polyline over ``chord`` m about ``at`` m of its arc, a metre; headings hold amid each piece."""
    arc, middle, yaw = [0.0], [], []
    for (x0, y0), (x1, y1) in pairwise(points):
        length = math.hypot(x1 - x0, y1 - y0)
        middle.append(arc[-1] + 0.5 * length)
        yaw.append(math.atan2(y1 - y0, x1 - x0))
        arc.append(arc[-1] + length)
    turn = np.interp(at + chord / 2, middle, np.unwrap(yaw)) - np.interp(at - chord / 2, middle, np.unwrap(yaw))
    return abs(float(turn)) / chord


@pytest.mark.parametrize("chord", [6.0, 4.0])
def test_the_bends_of_the_route(chord: float) -> None:
    now = cornered(30.0)
    p = MonitorParameters(bend_chord_m=chord)
    away, bend = course.bends(now, p)
    path = now.route.path
    arc = np.concatenate(([0.0], np.cumsum(np.hypot(*np.diff(path, axis=0).T))))
    np.testing.assert_allclose(away, (arc - 10.0)[arc > 10.0])
    np.testing.assert_allclose(bend, [curvature(path, s, chord) for s in arc[arc > 10.0]], atol=1e-12)
    mirrored = replace(now, route=replace(now.route, path=path * (1.0, -1.0)))
    np.testing.assert_allclose(course.bends(mirrored, p)[1], bend, atol=1e-12)
    aside = replace(now, ego=replace(now.ego, x=3.5, y=1.0))
    assert course.bends(aside, p)[0][0] == pytest.approx(0.5)
    three = replace(now, route=replace(now.route, path=path[10:13]))
    assert len(course.bends(three, p)[0]) == 2
    two = replace(now, route=replace(now.route, path=path[10:12]))
    assert [len(values) for values in course.bends(two, p)] == [0, 0]


def test_the_speed_that_is_planned_along_the_way() -> None:
    """The plan speeds up by 2 m/s^2 from 10 m/s; a scene 0.2 s later is 2 m on."""
    t = 0.5 * np.arange(1.0, 9.0)
    plan = Plan(10.0 * t + t * t, np.zeros(8), np.zeros(8), 10.0 + 2.0 * t)
    one = driver(plan=plan)
    away = np.array([float(plan.x[1]), float(plan.x[5]), 60.0])
    np.testing.assert_allclose(course.planned_speed(scene(0), one, away), [12.0, 16.0, 0.0], atol=1e-6)
    later = course.planned_speed(scene(200_000_000), one, away - (10.0 * 0.2 + 0.04))
    np.testing.assert_allclose(later[:2], [12.0, 16.0], atol=1e-3)
    assert course.planned_speed(scene(0), one, np.array([0.5])) == pytest.approx(
        [11.0]
    )  # before the first step: its speed


def bend_found(speed: float, away: float, plan: float, mine: float = 0.0, expert: float | None = -4.0) -> Finding:
    now = cornered(away)
    now = replace(now, ego=replace(now.ego, speed=speed))
    peer = None if expert is None else driver("expert", acceleration=expert)
    return course.bend_speed(view(now, driver(speed=plan, acceleration=mine), peer), P)


def test_what_is_found_of_a_bend() -> None:
    """Written out for 14 m/s, 30 m before a bend of 8 m."""
    now = cornered(30.0)
    found = bend_found(14.0, 30.0, 14.0)
    away, bend = course.bends(now, P)
    i = next(
        i
        for i in range(len(away))
        if 14.0**2 * bend[i] > 6.0 and (14.0**2 - 6.0 / max(bend[i], 1e-6)) / (2.0 * away[i]) > 2.0
    )
    assert found.trigger is Trigger.BEND_SPEED and (found.enter, found.leave) == (True, False)
    assert found.time_to_event == pytest.approx(away[i] / 14.0) and found.object_id == 0
    assert found.severity == pytest.approx(max(1.0 - 0.5 * away[i] / 14.0 / 2.0, 0.5))
    assert found.text == f"bend in {away[i]:.0f} m planned at 14.0 m/s, {196.0 * bend[i]:.1f} m/s2 sideways"
    near = bend_found(14.0, 8.0, 14.0)
    assert near.enter and 0.5 < near.severity < 1.0 and near.time_to_event is not None
    assert near.severity == pytest.approx(1.0 - 0.25 * near.time_to_event)


@pytest.mark.parametrize(
    ("speed", "away", "plan", "enter", "leave"),
    [(14.0, 20.0, 6.8, False, False), (14.0, 20.0, 7.1, True, False), (14.0, 20.0, 5.9, False, True),
     (14.0, 20.0, 6.1, False, False), (14.0, 44.0, 14.0, False, False), (14.0, 31.0, 14.0, True, False),
     (14.0, 200.0, 14.0, False, True)],
)  # fmt: skip
def test_how_fast_a_bend_may_be_planned(speed: float, away: float, plan: float, enter: bool, leave: bool) -> None:
    found = bend_found(speed, away, plan)
    assert (found.enter, found.leave) == (enter, leave)


def test_a_policy_that_brakes_for_the_bend_is_left_alone() -> None:
    due = 0.7 * (14.0**2 - 6.0 / course.bends(cornered(30.0), P)[1].max()) / 2.0  # about, times the distance
    for expert in (None, -9.0):
        assert bend_found(14.0, 30.0, 14.0, 0.0, expert).enter and bend_found(14.0, 30.0, 14.0, -1.2, expert).enter
        assert not bend_found(14.0, 30.0, 14.0, -due / 29.0, expert).enter
    assert bend_found(14.0, 30.0, 14.0, -1.0, -2.1).enter and not bend_found(14.0, 30.0, 14.0, -1.0, -1.9).enter
    assert not bend_found(14.0, 30.0, 14.0, 0.0, -1.0).enter
    assert bend_found(14.0, 30.0, 5.0) == Finding(Trigger.BEND_SPEED, False, True, 0.0)


def road(y: float, offset: float, *lines: Polyline, **parameters: Any) -> Finding:
    now = scene(0)
    now = replace(now, ego=replace(now.ego, x=4.0, y=y), route=replace(now.route, lateral_offset=offset))
    return course.road_left(view(now, lanes=CentreLines.of(lines, None)), MonitorParameters(**parameters))


def lane(y: float, width: float | None = 3.5) -> Polyline:
    return Polyline(1, LineKind.LANE_CENTER, np.column_stack((np.arange(41.0), np.full(41, y))), False, 14.0, width)


@pytest.mark.parametrize(
    ("y", "offset", "enter", "leave"),
    [(4.8, 6.1, True, False), (-4.8, -6.1, True, False), (4.75, 6.1, False, False), (4.8, 6.0, False, False),
     (2.8, 6.1, False, False), (2.75, 6.1, False, False), (2.7, 6.1, False, True)],
)  # fmt: skip
def test_off_the_road(y: float, offset: float, enter: bool, leave: bool) -> None:
    found = road(y, offset, lane(0.0))
    text = f"{abs(y) - 1.75:.1f} m off the road"
    assert found == Finding(Trigger.OFF_ROAD, enter, leave, 1.0, None, 0, text)


def test_off_the_road_is_measured_from_where_the_ego_is() -> None:
    for y in (40.0, -40.0):
        assert not road(y, 6.1, lane(y)).enter and road(y, 6.1, lane(-y)).enter


def test_the_nearest_edge_counts() -> None:
    assert road(4.8, 6.1, lane(0.0)).enter and not road(4.8, 6.1, lane(0.0), lane(-6.0), lane(9.0)).enter
    assert road(4.8, 6.1, lane(0.0, None)).enter and not road(4.8, 6.1, lane(0.0, 3.7)).enter
    assert not road(4.8, 6.1, lane(0.0, None), off_road_lane_m=3.7).enter
    assert road(0.0, 6.1).enter and road(0.0, 6.1).text == "4.3 m off the road"  # no lane: from the route alone
    assert not road(0.0, 6.1, off_road_m=4.4).enter and not road(0.0, 6.1, off_road_lane_m=6.0, off_road_m=3.2).enter


def test_a_plan_is_as_old_as_its_stamp_says() -> None:
    """Both made in the same moment, whatever the clock shows then."""
    slows = Plan(np.arange(5.0, 45.0, 5.0), np.zeros(8), np.zeros(8), np.linspace(10.0, 3.0, 8))
    away = np.array([2.0, 11.0, 27.0])
    speeds = [course.planned_speed(scene(t), driver(plan=slows, stamp=t), away) for t in (0, 7_000_000_000)]
    assert speeds[0] == pytest.approx(speeds[1]) and speeds[0][2] < speeds[0][1] < 10.0


def test_a_bend_that_begins_at_the_first_point_ahead_is_found() -> None:
    now = cornered(-1.0)
    now = replace(now, ego=replace(now.ego, speed=14.0))
    away, _ = course.bends(now, P)
    found = course.bend_speed(view(now, driver(speed=14.0), driver("expert", acceleration=-4.0)), P)
    assert found.enter and found.text.startswith(f"bend in {away[0]:.0f} m planned")
