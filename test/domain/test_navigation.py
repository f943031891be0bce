"""Following a reference path: where the ego is on it, what lies ahead, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest

from takead_ros.domain.errors import TakeadError
from takead_ros.domain.navigation import Navigation, turn_command
from takead_ros.domain.scene import RouteCommand

LENGTH = 200


def straight(start: float = 10.0, goal: float = 150.0) -> Navigation:
    points = np.stack([np.arange(LENGTH, dtype=float), np.zeros(LENGTH)], axis=1)
    commands = np.full(LENGTH, int(RouteCommand.LANE_FOLLOW))
    commands[60:80] = int(RouteCommand.LEFT)
    return Navigation(points, commands, start, goal, 13.9)


def drive(navigation: Navigation, x: float) -> None:
    """On along the path to ``x`` m, looked at every 10 m."""
    for place in np.append(np.arange(navigation.s, x, 10.0), x):
        navigation.update(float(place), 0.0, 0.0)


@pytest.mark.parametrize(
    ("degrees", "command"),
    [
        (0.0, RouteCommand.STRAIGHT),
        (19.9, RouteCommand.STRAIGHT),
        (-19.9, RouteCommand.STRAIGHT),
        (20.1, RouteCommand.LEFT),
        (-20.1, RouteCommand.RIGHT),
        (90.0, RouteCommand.LEFT),
    ],
)
def test_a_turn_is_one_beyond_twenty_degrees(degrees: float, command: RouteCommand) -> None:
    assert turn_command(math.radians(degrees)) is command


def test_the_ego_is_found_beside_the_path_with_its_sides_and_its_turn() -> None:
    navigation = straight()
    navigation.update(22.3, 1.5, 0.2)
    assert (navigation.s, navigation.lateral, navigation.heading_error) == pytest.approx((22.3, 1.5, 0.2))
    navigation.update(24.0, -0.75, 2.0 * math.pi - 0.1)
    assert (navigation.s, navigation.lateral, navigation.heading_error) == pytest.approx((24.0, -0.75, -0.1))


def test_the_route_ahead_has_its_targets_their_commands_and_what_remains() -> None:
    navigation = straight()
    drive(navigation, 50.0)
    route = navigation.route()
    np.testing.assert_allclose(route.targets, [[65.0, 0.0], [80.0, 0.0], [95.0, 0.0]])
    assert route.commands == (RouteCommand.LEFT, RouteCommand.LANE_FOLLOW, RouteCommand.LANE_FOLLOW)
    assert (route.path[0, 0], route.path[-1, 0]) == (40.0, 150.0)
    assert (route.remaining, route.completion, route.speed_limit) == pytest.approx((100.0, 40.0 / 140.0, 13.9))


def test_who_goes_back_has_completed_no_less() -> None:
    navigation = straight()
    drive(navigation, 60.0)
    navigation.update(45.0, 0.0, 0.0)
    route = navigation.route()
    assert (route.remaining, route.completion) == pytest.approx((105.0, 50.0 / 140.0))


def test_beyond_the_goal_nothing_remains() -> None:
    navigation = straight()
    drive(navigation, 170.0)
    assert (navigation.route().remaining, navigation.route().completion) == (0.0, 1.0)


def test_a_goal_lies_before_the_end_of_the_path_and_behind_the_start() -> None:
    assert straight(goal=500.0).goal == LENGTH - 1 - 5.0
    assert straight(start=50.0, goal=20.0).goal == 51.0


def test_a_route_that_crosses_itself_keeps_its_order() -> None:
    """A figure of eight: at the crossing the ego is on the leg that it drives, not on the nearer other one."""
    at = np.linspace(0.0, 2.0 * np.pi, 800)
    points = np.stack([60.0 * np.sin(at), 40.0 * np.sin(2.0 * at)], axis=1)
    navigation = Navigation(points, np.zeros(len(points), dtype=np.int64), 0.0, 1e9, None)
    places = []
    for x, y in points[: len(points) - 20 : 4]:
        navigation.update(float(x) + 0.2, float(y) - 0.2, 0.0)
        places.append(navigation.s)
    assert np.all(np.diff(places) > 0.0)
    middle = len(points) // 2  # where it crosses itself, and where it began
    assert np.hypot(*points[middle]) < 1.0
    assert places[middle // 4] == pytest.approx(0.5 * float(navigation.path.arc[-1]), abs=2.0)


@pytest.mark.parametrize("pose", [(math.nan, 0.0, 0.0), (0.0, math.inf, 0.0), (0.0, 0.0, math.nan)])
def test_a_pose_that_is_not_finite_is_refused_and_changes_nothing(pose: tuple[float, float, float]) -> None:
    navigation = straight()
    navigation.update(30.0, 0.5, 0.1)
    with pytest.raises(TakeadError, match="expected finite numbers"):
        navigation.update(*pose)
    assert (navigation.s, navigation.lateral, navigation.furthest) == pytest.approx((30.0, 0.5, 30.0))


def test_the_distance_from_the_path_is_to_its_nearest_point() -> None:
    assert straight().distance_from_path(30.0, 4.0) == pytest.approx(4.0)
