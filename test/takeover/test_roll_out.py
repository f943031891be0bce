"""Where the others and the ego will be: along lanes, along a plan as far as the vehicle can, and when boxes meet."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from support.monitor_road import lane
from support.scenery import objects
from takead_ros.domain.driving import Plan
from takead_ros.domain.scene import (
    EgoState,
    LineKind,
    Polyline,
)
from takead_ros.takeover import prediction
from takead_ros.takeover.parameters import MonitorParameters

P = MonitorParameters()


def test_oncoming_traffic_that_follows_its_bend_is_no_collision() -> None:
    angle = np.linspace(0.0, 1.2, 40)
    bend = np.stack([60.0 - 50.0 * np.sin(angle), 3.5 + 50.0 * (1.0 - np.cos(angle))], axis=1)  # away to the left
    lines = (Polyline(1, LineKind.LANE_CENTER, bend, False, 14.0, 3.5), lane(0.0, np.arange(-50.0, 200.0, 2.0)))
    oncoming = objects({"x": 52.0, "y": 4.1, "yaw": 2.98 + 0.0, "vx": -10.0 * np.cos(0.16), "vy": 10.0 * np.sin(0.16)})
    ahead = prediction.times(2.0)
    straight = prediction.constant_velocity(oncoming, ahead)
    followed = prediction.lane_following(oncoming, prediction.CentreLines.of(lines, None), straight, ahead, P)
    off = np.hypot(followed[0, -1, 0] - 60.0, followed[0, -1, 1] - 53.5)
    assert abs(off - 50.0) < 1.0 and followed[0, -1, 1] > straight[0, -1, 1] + 1.0


def test_lane_following_goes_on_straight_beyond_the_end_and_drifts_for_a_while() -> None:
    lines = prediction.CentreLines.of((lane(0.0, np.arange(0.0, 21.0)), lane(3.5, np.arange(0.0, 21.0))), None)
    ahead = prediction.times(3.0)
    car = objects({"x": 10.0, "y": 0.5, "vx": 10.0, "vy": 0.5, "yaw": 0.05})
    poses = prediction.lane_following(car, lines, prediction.constant_velocity(car, ahead), ahead, P)[0]
    assert poses[-1, 0] == pytest.approx(40.0, abs=0.1)
    assert poses[9, 1] == pytest.approx(1.5, abs=0.02) and poses[-1, 1] == pytest.approx(1.5, abs=0.02)
    walker = objects({"x": 10.0, "y": 0.5, "vx": 2.0, "kind": 3.0})
    straight = prediction.constant_velocity(walker, ahead)
    assert prediction.lane_following(walker, lines, straight, ahead, P) is straight
    assert prediction.lane_following(car, None, straight, ahead, P) is straight
    far = objects({"x": 10.0, "y": 30.0, "vx": 10.0})
    straight = prediction.constant_velocity(far, ahead)
    assert prediction.lane_following(far, lines, straight, ahead, P) is straight


def test_lanes_are_kept_while_they_are_the_same() -> None:
    lines = (lane(0.0, np.arange(0.0, 21.0)),)
    known = prediction.CentreLines.of(lines, None)
    assert prediction.CentreLines.of(lines, known) is known
    other = prediction.CentreLines.of((*lines, Polyline(9, LineKind.ROAD_EDGE, np.zeros((2, 2)))), known)
    assert other is not known and other is not None and len(other.x) == 21
    assert prediction.CentreLines.of((), known) is None


def ego(x: float = 0.0, y: float = 0.0, yaw: float = 0.0, speed: float = 10.0) -> EgoState:
    return EgoState(x, y, yaw, speed)


def test_a_rolled_out_plan_keeps_to_what_the_vehicle_can_do() -> None:
    ahead = prediction.times(2.0)
    standing = Plan(np.zeros(8), np.zeros(8), np.zeros(8), np.zeros(8))
    trace = prediction.Trace.of(standing, (5.0, 1.0, 0.0), 10.0)
    poses = prediction.pursue_trace(trace, 0.0, ego(5.0, 1.0), ahead, P)
    assert poses[-1, 0] == pytest.approx(5.0 + 100.0 / 18.0, abs=0.3)  # v^2 / 2a: it cannot stop on the spot
    assert poses[:, 1:] == pytest.approx(np.tile([1.0, 0.0], (10, 1)), abs=1e-9)
    rocket = Plan(np.linspace(20, 160, 8), np.zeros(8), np.zeros(8), np.full(8, 40.0))
    poses = prediction.pursue_trace(prediction.Trace.of(rocket, (0.0, 0.0, 0.0), 10.0), 0.0, ego(), ahead, P)
    assert poses[-1, 0] == pytest.approx(10.0 * 2 + 0.5 * 4.0 * 4, abs=0.1)


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_a_rolled_out_plan_turns_no_tighter_than_a_bicycle_at_full_lock(side: float) -> None:
    s = 5.0 * 0.5 * np.arange(1, 9)
    spin = Plan(2 * np.sin(s / 2), side * 2 * (1 - np.cos(s / 2)), side * s / 2, np.full(8, 5.0))
    poses = prediction.pursue_trace(
        prediction.Trace.of(spin, (0.0, 0.0, 0.0), 5.0), 0.0, ego(speed=5.0), prediction.times(2.0), P
    )
    whole = np.vstack(((0.0, 0.0, 0.0), poses))
    steps = np.hypot(np.diff(whole[:, 0]), np.diff(whole[:, 1]))
    tightest = np.sin(np.arctan(0.5 * np.tan(ego().max_steering_angle))) / (0.5 * ego().wheelbase)
    turned = side * np.diff(whole[:, 2]) / steps
    assert turned[1:].max() == pytest.approx(tightest, rel=0.03) and turned.max() <= 1.03 * tightest


def test_a_rolled_out_plan_is_the_bend_itself() -> None:
    s = 8.0 * 0.5 * np.arange(1, 9)
    bend = Plan(20 * np.sin(s / 20), 20 * (1 - np.cos(s / 20)), s / 20, np.full(8, 8.0))
    slip = np.arcsin(0.5 * ego().wheelbase / 20)  # the centre moves off to the side of where the vehicle points
    here = ego(20 * np.sin(0.04), 20 * (1 - np.cos(0.04)), 0.04 - slip, 8.0)
    poses = prediction.pursue_trace(
        prediction.Trace.of(bend, (0.0, 0.0, 0.0), 8.0), 0.1, here, prediction.times(2.0), P
    )
    assert np.abs(np.hypot(poses[:, 0], poses[:, 1] - 20.0) - 20.0).max() < 0.03
    assert poses[-1, 2] == pytest.approx(8.0 * 2.1 / 20 - slip, abs=0.01)
    wrapped = replace(bend, yaw=(bend.yaw + np.pi) % (2 * np.pi) - np.pi)
    again = prediction.Trace.of(wrapped, (0.0, 0.0, 3.0), 8.0)
    assert np.abs(np.diff(again.yaw)).max() < 0.1


def test_a_roll_out_begins_where_the_ego_is_and_comes_back_to_the_plan() -> None:
    line = Plan(5.0 * np.arange(1.0, 9.0), np.zeros(8), np.zeros(8), np.full(8, 10.0))
    trace = prediction.Trace.of(line, (0.0, 0.0, 0.0), 10.0)
    poses = prediction.pursue_trace(trace, 0.2, ego(2.0, 0.8), prediction.times(2.0), P)
    assert poses[0, 1] == pytest.approx(0.8, abs=0.25) and abs(poses[-1, 1]) < 0.05
    assert np.hypot(*np.diff(poses[:, :2], axis=0).T) == pytest.approx(2.0, abs=0.01)


def test_boxes_meet_when_they_overlap_and_not_when_they_touch() -> None:
    ahead = prediction.times(1.0)
    ego = np.zeros((len(ahead), 3))
    for row, hits in (
        ({"x": 4.49, "y": 0.0}, True), ({"x": 4.5, "y": 0.0}, False), ({"x": 0.0, "y": 1.99}, True),
        ({"x": 0.0, "y": 2.0}, False), ({"x": 3.8, "y": 2.3, "yaw": np.pi / 4}, True),
        ({"x": 4.3, "y": 2.8, "yaw": -np.pi / 4}, False),
    ):  # fmt: skip
        near = objects({"length": 4.0, "width": 2.0, **row})
        poses = prediction.constant_velocity(near, ahead)
        found = prediction.first_contact(ego, (5.0, 2.0), poses, near, ahead)
        assert np.isfinite(found[0]) == hits, row
