"""Line of sight on hand-made geometry."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from takead_ros.domain.scene import ObjectKind, Objects
from takead_ros.domain.visibility import RANGE, in_view, visibility

VAN, PERSON = (5.74, 2.3), (0.7, 0.7)
Body = tuple[float, float, float, float, float, ObjectKind]
TRUCK, WALKER = ObjectKind.TRUCK, ObjectKind.PEDESTRIAN


def objects(*bodies: Body) -> Objects:
    """Standing objects from x, y, yaw, length, width, kind."""
    x, y, yaw, length, width = np.array([body[:5] for body in bodies]).T
    none, kinds = np.zeros(len(bodies)), np.array([int(body[5]) for body in bodies])
    return Objects(np.arange(1, len(bodies) + 1), kinds, x, y, yaw, none, none, length, width, none)


def seen(*bodies: Body, eye: tuple[float, float] = (0.0, 0.0)) -> list[float]:
    """Visibility of bodies."""
    return list(visibility(objects(*bodies), *eye))


@pytest.mark.parametrize("kind", list(ObjectKind))
def test_who_hides_what_is_behind(kind: ObjectKind) -> None:
    hides = kind in (ObjectKind.CAR, ObjectKind.TRUCK, ObjectKind.EMERGENCY_VEHICLE)
    assert seen((15.0, 0.0, 0.0, *VAN, kind), (20.0, 0.0, 0.0, *PERSON, WALKER))[1] == (0.0 if hides else 1.0)


def test_in_view_leaves_out_what_is_beyond_the_range() -> None:
    van, hidden = (15.0, 0.0, 0.0, *VAN, TRUCK), (20.0, 0.0, 0.0, *PERSON, WALKER)
    far = (RANGE + 0.1, 5.0, 0.0, *VAN, TRUCK)
    near = in_view(objects(far, van, hidden), 0.0, 0.0)
    assert near.id.tolist() == [2, 3] and near.visibility.tolist()[1] == 0.0
    assert len(in_view(Objects.empty(), 0.0, 0.0)) == 0


def test_alone_in_the_open_is_in_full_view_all_around() -> None:
    for angle in np.linspace(0.0, 2.0 * np.pi, 9):
        assert seen((20.0 * np.cos(angle), 20.0 * np.sin(angle), 0.3, *PERSON, WALKER)) == [1.0]


def test_a_van_hides_a_person_behind_it_and_not_beside_it() -> None:
    van = (15.0, 0.0, 0.0, *VAN, TRUCK)
    assert seen(van, (20.0, 0.0, 0.0, *PERSON, WALKER))[1] == 0.0
    assert seen(van, (20.0, 6.0, 0.0, *PERSON, WALKER))[1] == 1.0
    assert 0.0 < seen(van, (20.0, 1.9, 0.0, *PERSON, WALKER))[1] < 1.0


def test_a_van_does_not_hide_itself() -> None:
    assert seen((15.0, 0.0, 0.7, *VAN, TRUCK)) == [1.0]


def test_beyond_the_range_nothing_is_seen() -> None:
    assert seen((RANGE + 1.0, 0.0, 0.0, *PERSON, WALKER)) == [0.0]
    assert seen((RANGE - 1.0, 0.0, 0.0, *PERSON, WALKER)) == [1.0]


def test_who_stands_before_a_van_is_seen() -> None:
    assert seen((15.0, 0.0, 0.0, *VAN, TRUCK), (10.0, 0.0, 0.0, *PERSON, WALKER))[1] == 1.0


@settings(max_examples=60, deadline=None)
@given(turn=st.floats(-3.0, 3.0), shift_x=st.floats(-50.0, 50.0), shift_y=st.floats(-50.0, 50.0))
def test_turning_and_shifting_the_whole_picture_changes_nothing(turn: float, shift_x: float, shift_y: float) -> None:
    bodies = [(15.0, 0.5, 0.2, *VAN, TRUCK), (21.0, 1.4, 0.0, *PERSON, WALKER), (12.0, -9.0, 1.0, *VAN, TRUCK)]
    cos, sin = np.cos(turn), np.sin(turn)
    moved = [
        (cos * x - sin * y + shift_x, sin * x + cos * y + shift_y, yaw + turn, *rest) for x, y, yaw, *rest in bodies
    ]
    assert seen(*moved, eye=(shift_x, shift_y)) == pytest.approx(seen(*bodies))
