from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.scenes import make_scene
from takead_ros.domain.driving import PLAN_DT, PLAN_STEPS, Plan
from takead_ros.policy.route_frame import route_frame, to_route_frame
from takead_ros.policy.vocabulary import (
    anchors_sha256,
    kinematic_anchors,
    plans_from_profiles,
    profile_distance,
    profile_from_plan,
    unroll,
)


def as_plan(profile: np.ndarray, speed: float, frame: object) -> Plan:
    positions, yaws, speeds = plans_from_profiles(profile, speed, frame)  # type: ignore[arg-type]
    return Plan(positions[:, 0], positions[:, 1], yaws, speeds, PLAN_DT)


@settings(max_examples=60, deadline=None)
@given(
    anchor=st.integers(0, 127),
    speed=st.floats(5.0, 18.0),
    offset=st.floats(-2, 2),
    radius=st.sampled_from([np.inf, 40.0, 120.0]),
)
def test_plan_and_profile_are_inverse(anchor: int, speed: float, offset: float, radius: float) -> None:
    frame = route_frame(make_scene(radius=radius, speed=speed, offset=offset))
    wanted = kinematic_anchors()[anchor]
    along, aside, pace = unroll(wanted, speed, frame.offset)
    found = profile_from_plan(as_plan(wanted, speed, frame), speed, frame)
    found_along, found_aside, found_pace = unroll(found, speed, frame.offset)
    # Chords of a path sampled every metre: centimetres in a bend of 40 m.
    np.testing.assert_allclose(found_along, along, atol=0.1)
    np.testing.assert_allclose(found_pace, pace, atol=0.2)
    moves = np.abs(np.diff(aside, prepend=frame.offset)) < 0.5 * PLAN_DT * pace  # no vehicle moves sideways faster
    if moves.all():
        np.testing.assert_allclose(found_aside, aside, atol=0.05)


def test_driving_on_follows_the_bend_and_returns_to_the_route() -> None:
    scene = make_scene(radius=40.0, speed=8.0, offset=1.0)
    frame = route_frame(scene)
    positions, yaws, speeds = plans_from_profiles(np.zeros((PLAN_STEPS, 2)), 8.0, frame)
    np.testing.assert_allclose(speeds, 8.0)
    along, aside, _ = to_route_frame(frame, positions[:, 0], positions[:, 1])
    np.testing.assert_allclose(along, 4.0 * np.arange(1, 9), atol=0.1)
    assert abs(aside[-1]) < 0.05 < abs(aside[0])
    assert np.all(np.diff(yaws) > 0.0)  # a left-hand bend


def test_nobody_drives_backwards() -> None:
    frame = route_frame(make_scene(speed=3.0, offset=1.0))
    brake = np.stack([np.full(PLAN_STEPS, -9.0), np.zeros(PLAN_STEPS)], -1)
    positions, _, speeds = plans_from_profiles(brake, 3.0, frame)
    assert np.all(speeds == 0.0)
    assert np.ptp(positions, axis=0).max() < 1e-9  # nor sideways


def test_anchors_cover_braking_and_passing_at_every_speed() -> None:
    anchors = kinematic_anchors()
    assert anchors.shape == (128, PLAN_STEPS, 2)
    assert len(np.unique(anchors.reshape(128, -1), axis=0)) == 128
    for speed in (2.0, 8.0, 15.0):
        along, aside, pace = unroll(anchors, speed, 0.0)
        assert pace[:, -1].min() == 0.0 and along[:, -1].max() > speed * 4.0
        assert aside[:, -1].min() <= -3.0 and aside[:, -1].max() >= 3.0


def test_distance_is_zero_only_for_the_same_way() -> None:
    anchors = kinematic_anchors()
    speed = np.full(128, 10.0)
    assert np.all(profile_distance(anchors, anchors, speed) == 0.0)
    assert np.all(profile_distance(anchors[:-1], anchors[1:], speed[1:]) > 0.0)


def test_fingerprint_changes_with_one_bit() -> None:
    anchors = kinematic_anchors()
    other = anchors.copy()
    other[5, 3, 1] += 1e-4
    assert anchors_sha256(anchors) == anchors_sha256(anchors.astype(np.float32)) != anchors_sha256(other)


def test_a_plan_of_another_length_is_refused() -> None:
    frame = route_frame(make_scene())
    with pytest.raises(ValueError, match="plan of 3 steps"):
        profile_from_plan(Plan(*np.zeros((4, 3)), dt=PLAN_DT), 5.0, frame)
