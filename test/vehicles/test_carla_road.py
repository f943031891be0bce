"""Lanes and routes read from hand-written OpenDRIVE by CARLA's own map, offline."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("carla", reason="the carla package is an extra")

from support.opendrive import HEAD, SIGNS, road
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.scene import ControlKind, LightState, LineKind, RouteCommand
from takead_ros.maps.carla_map import Road, load_map, stop_points
from takead_ros.vehicles.carla.convert import light_on_route
from takead_ros.vehicles.carla.route import PlannedRoute, limit_ahead, plan_route, road_speeds

LANE = -1.75  # m, the lane's centre beside its reference line
STRAIGHT_ON = np.stack([np.arange(-55.0, 55.0), np.full(110, LANE)], 1)


def turning(left: bool) -> Any:
    """Waypoints from the west through the crossing to the north or south, on the right-hand lane's centre."""
    side, radius = (1.0, 11.75) if left else (-1.0, 8.25)
    angle = np.linspace(0.0, math.pi / 2.0, 16)
    arc = np.stack([-10.0 + radius * np.sin(angle), side * (10.0 - radius * np.cos(angle))], 1)
    entry = np.stack([np.arange(-55.0, -10.0), np.full(45, LANE)], 1)
    leave = np.arange(11.0, 55.0)
    return np.concatenate([entry, arc, np.stack([np.full(44, arc[-1, 0]), side * leave], 1)])


def planned(xodr: str, waypoints: Any) -> PlannedRoute:
    return plan_route(load_map("crossing", xodr), road_speeds(xodr), waypoints)


def test_lanes_lie_right_of_the_reference_line_in_ros_axes(straight_xodr: str) -> None:
    road = Road(load_map("straight", straight_xodr), road_speeds(straight_xodr))
    lines = road.near(50.0, 0.0, 200.0)
    centres = [line for line in lines if line.kind is LineKind.LANE_CENTER]
    along = [line for line in centres if line.points[-1, 0] > line.points[0, 0]]
    against = [line for line in centres if line.points[-1, 0] < line.points[0, 0]]
    assert along and against
    assert all(np.allclose(line.points[:, 1], LANE, atol=1e-3) for line in along)
    assert all(np.allclose(line.points[:, 1], -LANE, atol=1e-3) for line in against)
    assert [line.speed_limit for line in centres] == pytest.approx([50.0 / 3.6] * len(centres))
    assert all(line.width == pytest.approx(3.5) for line in centres)
    assert max(len(line.points) for line in lines) <= 20
    kinds = {line.kind for line in lines}
    assert {LineKind.BOUNDARY_BROKEN, LineKind.BOUNDARY_SOLID} <= kinds
    assert road.near(500.0, 500.0, 50.0) == ()


def test_the_route_marks_its_lane_only(straight_xodr: str) -> None:
    road = Road(load_map("straight", straight_xodr))
    road.mark_route(np.stack([np.arange(0.0, 100.0), np.full(100, LANE)], 1))
    marked = [line for line in road.near(50.0, 0.0, 200.0) if line.on_route]
    assert marked
    assert all(line.kind is LineKind.LANE_CENTER and np.allclose(line.points[:, 1], LANE) for line in marked)


def test_limits_and_signs_come_from_the_map(straight_xodr: str) -> None:
    route = planned(straight_xodr, np.stack([np.arange(2.0, 98.0), np.full(96, LANE)], 1))
    assert route.limits[0] == pytest.approx(50.0 / 3.6)
    assert route.limits[25] == pytest.approx(30.0 / 3.6)
    assert route.limits[-1] == pytest.approx(30.0 / 3.6)
    (stop,) = route.signs
    assert stop.kind is ControlKind.STOP_SIGN
    assert stop.x == pytest.approx(48.0, abs=0.5)
    assert stop.y == pytest.approx(LANE, abs=0.01)
    assert set(route.commands) == {RouteCommand.LANE_FOLLOW}


def test_a_speed_sign_is_in_kilometres_per_hour_whatever_its_unit_says(straight_xodr: str) -> None:
    """Town01's signs say mph; CARLA takes their value as km/h."""
    odd = straight_xodr.replace('value="30" unit="km/h"', 'value="30" unit="mph"')
    assert odd != straight_xodr
    route = planned(odd, np.stack([np.arange(2.0, 98.0), np.full(96, LANE)], 1))
    assert route.limits[25] == pytest.approx(30.0 / 3.6)


def test_a_speed_sign_holds_on_the_next_road_until_another_comes() -> None:
    joined = '<{} elementType="road" elementId="{}" contactPoint="{}"/>'
    first = road(1, 50, 0, 0, 0, link=joined.format("successor", 2, "start"), signals=SIGNS)
    faster = '<speed max="90" unit="km/h"/>'
    second = road(2, 50, 50, 0, 0, link=joined.format("predecessor", 1, "end"), speed=faster)
    xodr = f"{HEAD}{first}{second}</OpenDRIVE>"
    route = planned(xodr, np.stack([np.arange(2.0, 98.0), np.full(96, LANE)], 1))
    assert np.isnan(route.limits[:15]).all() and route.limits[20:] == pytest.approx(30.0 / 3.6)
    lanes = Road(load_map("joined", xodr), road_speeds(xodr))
    lanes.mark_route(route.points, route.limits)
    centres = [line for line in lanes.near(75.0, 0.0, 20.0) if line.kind is LineKind.LANE_CENTER]
    assert {(line.on_route, round(line.speed_limit * 3.6)) for line in centres} == {(True, 30), (False, 90)}
    lanes.mark_route(np.zeros((0, 2)))
    assert all(line.speed_limit == pytest.approx(25.0) for line in lanes.near(75.0, 0.0, 20.0) if line.speed_limit)


def test_a_lower_limit_is_told_ahead(straight_xodr: str) -> None:
    """50 km/h until the sign of 30 km/h, 18 m along the route: so much less that 2 m/s^2 are enough from anywhere."""
    route = planned(straight_xodr, np.stack([np.arange(2.0, 98.0), np.full(96, LANE)], 1))
    told = [limit_ahead(route, s) for s in np.arange(0.0, 40.0)]
    assert told[0] == pytest.approx(math.sqrt((30.0 / 3.6) ** 2 + 4.0 * 18.0), abs=0.2)
    assert told[0] < 50.0 / 3.6 and told[25:] == pytest.approx([30.0 / 3.6] * 15)
    speeds = np.array(told[:18])
    assert (speeds[:-1] ** 2 - speeds[1:] ** 2).max() <= 2.0 * 2.0 * 1.0 + 1e-6
    unknown = replace(route, limits=np.full(len(route.points), np.nan))
    assert limit_ahead(unknown, 3.0) is None


def test_a_light_beside_the_piece_of_route_is_not_put_on_its_end() -> None:
    path = np.stack([np.arange(0.0, 60.0), np.zeros(60)], 1)

    def told(x: float) -> Any:
        return light_on_route(30, LightState.RED, np.array([[x, 0.0, 0.0]]), path, 10.0, 2.4)

    assert told(-60.0) is None and told(-3.0) is None and told(100.0) is None
    assert told(40.0).distance == pytest.approx(40.0 - 10.0 - 2.4)


def test_signs_do_not_concern_the_opposite_lane(straight_xodr: str) -> None:
    route = planned(straight_xodr, np.stack([np.arange(98.0, 2.0, -1.0), np.full(96, -LANE)], 1))
    assert route.signs == ()
    assert route.limits == pytest.approx(50.0 / 3.6)


@pytest.mark.parametrize(
    ("waypoints", "command"),
    [
        (STRAIGHT_ON, RouteCommand.STRAIGHT),
        (turning(left=True), RouteCommand.LEFT),
        (turning(left=False), RouteCommand.RIGHT),
    ],
)
def test_the_turn_is_announced_20_m_before_and_ends_with_the_junction(
    crossing_xodr: str, waypoints: Any, command: RouteCommand
) -> None:
    route = planned(crossing_xodr, waypoints)
    told = np.flatnonzero(route.commands == int(command))
    assert set(route.commands) == {RouteCommand.LANE_FOLLOW, command}
    assert (np.diff(told) == 1).all()
    assert route.points[told[0], 0] == pytest.approx(-30.0, abs=2.0)
    end = route.points[told[-1]]
    assert np.hypot(*end) == pytest.approx(10.0, abs=2.5)


def test_miles_per_hour_hold_on_into_the_junction(crossing_xodr: str) -> None:
    assert planned(crossing_xodr, STRAIGHT_ON).limits == pytest.approx(30.0 * 0.44704)


@pytest.mark.parametrize("points", [np.zeros((0, 2)), np.array([[0.0, 0.0]]), np.array([[0.0, 0.0], [4.0, 0.0]])])
def test_a_route_that_is_none_is_refused(straight_xodr: str, points: Any) -> None:
    with pytest.raises(TakeadError, match="expected 10 m to 100 km"):
        planned(straight_xodr, points)


def test_stop_points_are_where_the_lane_meets_the_junction(crossing_xodr: str) -> None:
    stops = stop_points(load_map("crossing", crossing_xodr), -14.0, LANE, 0.0, 3.0, 3.0)
    assert len(stops) == 1
    assert stops[0] == pytest.approx([-10.0, LANE, 0.0], abs=0.6)


def test_text_that_is_no_map_is_refused() -> None:
    with pytest.raises(TakeadError, match="expected OpenDRIVE text"):
        load_map("nonsense", "this is not XML")
