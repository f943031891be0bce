"""Plane geometry by its properties, against shapely and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import LineString, Point, Polygon

from takead_ros.domain import geometry

metres = st.floats(-500.0, 500.0)
angles = st.floats(-20.0, 20.0)
sizes = st.floats(0.3, 15.0)
boxes = st.tuples(st.floats(-8.0, 8.0), st.floats(-8.0, 8.0), angles, sizes, sizes)


@given(metres, metres, angles, metres, metres)
def test_frames_are_inverse_and_keep_distances(x: float, y: float, yaw: float, px: float, py: float) -> None:
    point = np.array([px, py])
    local = geometry.to_local(point, x, y, yaw)
    assert geometry.to_outer(local, x, y, yaw) == pytest.approx(point, abs=1e-9)
    assert np.hypot(*local) == pytest.approx(np.hypot(px - x, py - y), abs=1e-9)


def test_a_point_to_the_left_has_positive_y() -> None:
    assert geometry.to_local(np.array([0.0, 1.0]), 0.0, 0.0, 0.0) == pytest.approx([0.0, 1.0])
    assert geometry.to_local(np.array([-1.0, 0.0]), 0.0, 0.0, np.pi / 2) == pytest.approx([0.0, 1.0])


@given(angles)
def test_wrapped_angles_point_the_same_way(angle: float) -> None:
    wrapped = float(geometry.wrap_angle(angle))
    assert -np.pi <= wrapped <= np.pi
    assert (np.cos(wrapped), np.sin(wrapped)) == pytest.approx((np.cos(angle), np.sin(angle)), abs=1e-9)


@given(boxes, boxes)
def test_overlap_is_symmetric_and_shapelys(first: tuple[float, ...], second: tuple[float, ...]) -> None:
    a, b = (geometry.box_corners(*(np.float64(value) for value in box)) for box in (first, second))
    assert bool(geometry.boxes_overlap(a, b)) == bool(geometry.boxes_overlap(b, a))
    shared = Polygon(a).intersection(Polygon(b)).area
    apart = Polygon(a).distance(Polygon(b))
    if shared > 1e-6:
        assert bool(geometry.boxes_overlap(a, b))
    if apart > 1e-6:
        assert not bool(geometry.boxes_overlap(a, b))


@given(st.floats(-5.0, 30.0), st.floats(-5.0, 15.0))
def test_projection_is_shapelys(x: float, y: float) -> None:
    line = np.array([[0.0, 0.0], [10.0, 0.0], [20.0, 6.0]])
    along, lateral, heading = geometry.project(line, x, y)
    shape, point = LineString(line), Point(x, y)
    assert along == pytest.approx(shape.project(point), abs=1e-6)
    assert abs(lateral) <= shape.distance(point) + 1e-6
    assert heading == pytest.approx(0.0 if along < 10.0 else np.arctan2(6.0, 10.0), abs=1e-6) or along == 10.0


def test_projection_counts_the_left_as_positive() -> None:
    line = np.array([[0.0, 0.0], [10.0, 0.0]])
    assert geometry.project(line, 4.0, 2.0) == pytest.approx((4.0, 2.0, 0.0))
    assert geometry.project(line, 4.0, -2.0) == pytest.approx((4.0, -2.0, 0.0))


@given(st.floats(-0.6, 0.6).filter(lambda angle: abs(angle) > 0.02), st.floats(1.0, 20.0))
def test_a_held_wheel_drives_a_circle_of_the_bicycles_radius(steering: float, speed: float) -> None:
    states = geometry.bicycle_rollout(0.0, 0.0, 0.0, speed, np.full(200, steering), np.zeros(200), 2.7, 0.01)
    slip = np.arctan(0.5 * np.tan(steering))
    radius = 0.5 * 2.7 / np.sin(slip)
    centre = np.array([-np.sin(slip), np.cos(slip)]) * radius
    assert np.hypot(*(states[:, :2] - centre).T) == pytest.approx(np.full(200, abs(radius)), rel=1e-3)
    assert np.sign(states[-1, 2]) == np.sign(steering)


def test_braking_ends_at_standstill() -> None:
    states = geometry.bicycle_rollout(0.0, 0.0, 0.0, 10.0, np.zeros(400), np.full(400, -5.0), 2.7, 0.01)
    assert states[-1, 3] == 0.0
    assert states[-1, 0] == pytest.approx(10.0**2 / (2.0 * 5.0), rel=1e-2)
