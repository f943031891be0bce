"""Line of sight on hand-made geometry."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from takead_ros.domain.visibility import RANGE, visibility

VAN, PERSON = (5.74, 2.3), (0.7, 0.7)


def seen(*bodies: tuple[float, float, float, float, float, bool], eye: tuple[float, float] = (0.0, 0.0)) -> list[float]:
    """Visibility of bodies (x, y, yaw, length, width, opaque)."""
    x, y, yaw, length, width, opaque = (np.array(column) for column in zip(*bodies, strict=True))
    return list(visibility(eye, x, y, yaw, length, width, opaque.astype(bool)))


def test_alone_in_the_open_is_in_full_view_all_around() -> None:
    for angle in np.linspace(0.0, 2.0 * np.pi, 9):
        assert seen((20.0 * np.cos(angle), 20.0 * np.sin(angle), 0.3, *PERSON, False)) == [1.0]


def test_a_van_hides_a_person_behind_it_and_not_beside_it() -> None:
    van = (15.0, 0.0, 0.0, *VAN, True)
    assert seen(van, (20.0, 0.0, 0.0, *PERSON, False))[1] == 0.0
    assert seen(van, (20.0, 6.0, 0.0, *PERSON, False))[1] == 1.0
    assert 0.0 < seen(van, (20.0, 1.9, 0.0, *PERSON, False))[1] < 1.0


def test_people_and_cones_hide_nothing() -> None:
    assert seen((10.0, 0.0, 0.0, *PERSON, False), (20.0, 0.0, 0.0, *PERSON, False)) == [1.0, 1.0]


def test_a_van_does_not_hide_itself() -> None:
    assert seen((15.0, 0.0, 0.7, *VAN, True)) == [1.0]


def test_beyond_the_range_nothing_is_seen() -> None:
    assert seen((RANGE + 1.0, 0.0, 0.0, *PERSON, False)) == [0.0]
    assert seen((RANGE - 1.0, 0.0, 0.0, *PERSON, False)) == [1.0]


def test_who_stands_before_a_van_is_seen() -> None:
    assert seen((15.0, 0.0, 0.0, *VAN, True), (10.0, 0.0, 0.0, *PERSON, False))[1] == 1.0


@settings(max_examples=60, deadline=None)
@given(turn=st.floats(-3.0, 3.0), shift_x=st.floats(-50.0, 50.0), shift_y=st.floats(-50.0, 50.0))
def test_turning_and_shifting_the_whole_picture_changes_nothing(turn: float, shift_x: float, shift_y: float) -> None:
    bodies = [(15.0, 0.5, 0.2, *VAN, True), (21.0, 1.4, 0.0, *PERSON, False), (12.0, -9.0, 1.0, *VAN, True)]
    cos, sin = np.cos(turn), np.sin(turn)
    moved = [
        (cos * x - sin * y + shift_x, sin * x + cos * y + shift_y, yaw + turn, *rest) for x, y, yaw, *rest in bodies
    ]
    assert seen(*moved, eye=(shift_x, shift_y)) == pytest.approx(seen(*bodies))
