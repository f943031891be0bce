"""The expert's kernels about the road: the route's grid, how far it reaches, lanes and their successors."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from takead_ros import compiled as jit
from takead_ros.expert import planner
from takead_ros.expert.arrays import (
    Ego,
    LaneGraph,
    RouteGrid,
)
from takead_ros.expert.kernels import courses, route
from takead_ros.expert.kernels.lanes import continued

pytestmark = pytest.mark.slow


EGO = Ego(0.0, 0.0, 0.0, 0.0, 0.0, 4.6, 1.9, 2.7)


@pytest.fixture(autouse=True, scope="module")
def _compiled() -> None:
    assert planner.plan is not None  # imports every kernel
    jit.prepare()


def winding(rng: np.random.Generator) -> np.ndarray:
    """A path (P, 2) m of about 250 m with bends, its points 0.5-4 m apart."""
    step = rng.uniform(0.5, 4.0, 120)
    yaw = np.cumsum(np.repeat(rng.normal(0.0, 0.03, 12), 10) * step) + rng.uniform(-3, 3)
    return np.cumsum(np.stack([step * np.cos(yaw), step * np.sin(yaw)], axis=1), axis=0)


@pytest.mark.parametrize("seed", range(12))
def test_the_grid_lies_on_the_path_and_places_are_the_nearest_points(seed: int) -> None:
    rng = np.random.default_rng(seed)
    path = winding(rng)
    ego = path[rng.integers(5, 60)] + rng.normal(0, 1, 2)
    x, y, yaw, curvature = route.grid(path, EGO._replace(x=ego[0], y=ego[1], yaw=0.7), 30, 120)
    cos, sin = np.cos(0.7), np.sin(0.7)
    line = shapely.LineString((path - ego) @ np.array([[cos, -sin], [sin, cos]]))
    here = line.project(shapely.Point(0.0, 0.0))
    for i in (0, 10, 29, 30, 31, 75, 150):
        at = here + i - 30
        if 0.0 <= at <= line.length:
            assert shapely.Point(x[i], y[i]).distance(line.interpolate(at)) < 1e-6
    assert np.abs(np.diff(yaw)).max() < np.pi / 2
    np.testing.assert_allclose(curvature[2:-2], (yaw[4:] - yaw[:-4]) / 4.0)

    px, py = rng.uniform(-60, 150, 300), rng.uniform(-80, 80, 300)
    along, offset, at = route.locate(RouteGrid(x, y, yaw, curvature, 30, 0.0, 0.0), px, py)
    away = np.hypot(x - px[:, None], y - py[:, None])
    np.testing.assert_allclose(away[np.arange(300), at], away.min(1), atol=1e-12)
    nearest = np.stack([x[at], y[at]], 1)
    there = (along - (at - 30))[:, None] * np.stack([np.cos(yaw[at]), np.sin(yaw[at])], 1)
    aside = offset[:, None] * np.stack([-np.sin(yaw[at]), np.cos(yaw[at])], 1)
    np.testing.assert_allclose(nearest + there + aside, np.stack([px, py], 1), atol=1e-9)


@pytest.mark.parametrize("path", [np.zeros((0, 2)), np.zeros((1, 2)), np.ones((5, 2))])
def test_a_path_without_length_gives_no_grid(path: np.ndarray) -> None:
    assert [len(values) for values in route.grid(path, EGO, 30, 120)] == [0] * 4


def test_the_band_is_where_the_edges_are() -> None:
    line = np.arange(-40.0, 140.0)
    edges = np.concatenate([np.stack([line, 0 * line - 2.0], 1), np.stack([line, 0 * line + 5.0], 1)])
    x, y, yaw, curvature = route.grid(np.stack([line, 0.0 * line], 1), EGO, 30, 120)
    right, left = route.band(RouteGrid(x, y, yaw, curvature, 30, 0.0, 0.0), EGO, edges)
    near = np.abs(x) < 75.0
    assert (right[near] == -2.0).all()
    assert (left[near] == 5.0).all()
    assert np.isinf(left[x > 90.0]).all()


@pytest.mark.parametrize("seed", range(8))
def test_lane_matching_takes_the_cheapest_point_that_fits(seed: int) -> None:
    rng = np.random.default_rng(seed)
    lane = np.concatenate([winding(rng) for _ in range(3)])
    yaw = rng.uniform(-3, 3, len(lane))
    own = np.flatnonzero(rng.random(len(lane)) < 0.8)
    at = rng.integers(0, len(lane), 60)
    px, py = lane[at, 0] + rng.normal(0, 1, 60), lane[at, 1] + rng.normal(0, 1, 60)
    heading, follows = yaw[at] + rng.normal(0, 0.5, 60), rng.random(60) < 0.9
    lane_x, lane_y = lane[:, 0].copy(), lane[:, 1].copy()
    ends = np.full(len(yaw), len(yaw) - 1)
    graph = LaneGraph(lane_x, lane_y, yaw, np.zeros(len(yaw)), ends, own, np.zeros((0, 2)), np.zeros((0, 2)))
    found = courses.match(graph, follows, px, py, heading)
    away = (lane_x[own] - px[:, None]) ** 2 + (lane_y[own] - py[:, None]) ** 2
    aligned = np.cos(yaw[own] - heading[:, None])
    best = (away + courses.TURN_COST * (1.0 - aligned)).argmin(1)
    rows = np.arange(60)
    fits = (away[rows, best] < courses.DISTANCE**2) & (aligned[rows, best] > np.cos(courses.HEADING)) & follows
    np.testing.assert_array_equal(found, np.where(fits, own[best], -1))


def lane_of(*points: tuple[float, float]) -> np.ndarray:
    """About 40 m long, its points 2 m apart."""
    return np.array([shapely.LineString(points).interpolate(at).coords[0] for at in np.arange(0.0, 40.1, 2.0)])


def chained(*lanes: np.ndarray) -> list[np.ndarray]:
    """Each of the ``lanes`` with all that follows on it, as points (P, 2) m."""
    starts = np.concatenate([[0], np.cumsum([len(lane) for lane in lanes])])
    x, y, yaw, arc, end, own = continued(np.concatenate(lanes), starts)
    points = np.stack([x, y], 1)
    np.testing.assert_array_equal(points[own], np.concatenate(lanes))
    inside = np.flatnonzero(end[1:] == end[:-1])
    step = points[inside + 1] - points[inside]
    np.testing.assert_allclose(np.diff(arc)[inside], np.hypot(*step.T), atol=1e-9)
    np.testing.assert_allclose(yaw[inside], np.arctan2(*step.T[::-1]), atol=1e-9)
    return [points[end == last] for last in np.unique(end)]


def test_lanes_go_on_over_their_straightest_successor_for_a_while() -> None:
    ahead = [lane_of((at, 0.0), (at + 40.0, 0.0)) for at in (0.0, 40.0, 80.0, 120.0, 160.0)]
    right = lane_of((40.0, 0.0), (60.0, -4.0), (80.0, -20.0))
    back = lane_of((80.0, 3.5), (0.0, 3.5))
    found = chained(right, *ahead, back)
    assert [len(points) for points in found] == [21, 81, 81, 61, 41, 21, 21]  # 110 m more, none to an oncoming lane
    np.testing.assert_array_equal(found[1], np.stack([np.arange(0.0, 161.0, 2.0), np.zeros(81)], 1))


def test_lanes_in_a_circle_do_not_go_round_for_ever() -> None:
    angle = np.linspace(0.0, 2.0 * np.pi, 41)
    ring = 9.0 * np.stack([np.cos(angle), np.sin(angle)], 1)
    assert [len(points) for points in chained(ring[:21], ring[20:])] == [41, 41]


def test_places_beside_a_lane_are_along_it_and_to_its_left() -> None:
    x = np.arange(0.0, 50.0, 5.0)
    lane = LaneGraph(
        3.0 + x * np.cos(0.4),
        -2.0 + x * np.sin(0.4),
        np.full(10, 0.4),
        x,
        np.full(10, 9),
        np.arange(10),
        np.zeros((0, 2)),
        np.zeros((0, 2)),
    )
    at = np.array([2, 5, -1])
    forward, aside = np.array([1.0, 3.0, 0.0]), np.array([0.7, -1.2, 0.0])
    px = lane.x[at] + forward * np.cos(0.4) - aside * np.sin(0.4)
    py = lane.y[at] + forward * np.sin(0.4) + aside * np.cos(0.4)
    vx, vy = 6.0 * np.cos(0.4) - 0.5 * np.sin(0.4), 6.0 * np.sin(0.4) + 0.5 * np.cos(0.4)
    here, offset, drift = courses.beside(lane, at, px, py, np.full(3, vx), np.full(3, vy))
    np.testing.assert_allclose(here, [11.0, 28.0, 0.0], atol=1e-12)
    np.testing.assert_allclose(offset, [0.7, -1.2, 0.0], atol=1e-12)
    np.testing.assert_allclose(drift, [0.5, 0.5, 0.0], atol=1e-12)
