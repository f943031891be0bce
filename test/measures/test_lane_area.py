"""The compiled question whether points lie on a lane, against its definition: the distance to every segment."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from takead_ros.domain.scene import FloatArray, LineKind, Polyline
from takead_ros.measures.pdm import LaneArea
from takead_ros.measures.pdm.area import TOLERANCE


def lanes(random: np.random.Generator, count: int) -> list[Polyline]:
    found = []
    for i in range(count):
        turn = np.cumsum(random.normal(0.0, 0.15, 20)) + random.uniform(-3.0, 3.0)
        steps = 2.0 * np.stack([np.cos(turn), np.sin(turn)], axis=1)
        points = random.uniform(-40.0, 40.0, 2) + np.cumsum(steps, axis=0)
        found.append(Polyline(i, LineKind.LANE_CENTER, points, width=float(random.uniform(2.5, 4.5))))
    return found


def defined(lines: list[Polyline], points: FloatArray) -> FloatArray:
    """m (N,) that points (N, 2) lie within the nearest lane's edge."""
    slack = np.full(len(points), -np.inf)
    for line in lines:
        assert line.width is not None
        for start, step in zip(line.points[:-1], np.diff(line.points, axis=0), strict=True):
            share = np.clip(((points - start) @ step) / (step @ step), 0.0, 1.0)
            away = np.linalg.norm(points - start - share[:, None] * step, axis=1)
            slack = np.maximum(slack, 0.5 * line.width - away)
    return slack


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), count=st.integers(1, 12), spread=st.sampled_from([1.0, 10.0, 60.0]))
def test_a_point_is_on_the_road_where_it_is_on_any_segment(seed: int, count: int, spread: float) -> None:
    random = np.random.default_rng(seed)
    lines = lanes(random, count)
    middle = lines[0].points[random.integers(20)]
    points = middle + random.normal(0.0, spread, (400, 2))
    slack = defined(lines, points)
    clear = np.abs(slack + TOLERANCE) > 1e-9  # on the very edge either answer is right
    found = LaneArea(lines).on_road(points.reshape(20, 20, 2))
    assert found.shape == (20, 20)
    np.testing.assert_array_equal(found.ravel()[clear], slack[clear] >= -TOLERANCE)
