"""The box overlap and the bicycle are defined in ``domain.geometry``. Where another layer keeps a copy of its own (the
takeover core in plain numbers, the compiled loop of the PDM score), it is held to that definition here."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from takead_ros.compiled import prepare
from takead_ros.domain.driving import Plan
from takead_ros.domain.geometry import bicycle_rollout, box_corners, boxes_overlap
from takead_ros.domain.scene import EgoState, Objects
from takead_ros.measures.pdm.kernels import EgoBoxes, TrackBoxes, first_overlaps
from takead_ros.takeover.parameters import MonitorParameters
from takead_ros.takeover.prediction import Trace, first_contact, pursue_trace

BOXES = 4000


def boxes(seed: int) -> np.ndarray:
    """(BOXES, 5) x, y, yaw, length, width, close enough together that about every second pair overlaps."""
    random = np.random.default_rng(seed)
    return np.column_stack([
        random.uniform(-5.0, 5.0, BOXES), random.uniform(-3.0, 3.0, BOXES), random.uniform(-4.0, 4.0, BOXES),
        random.uniform(0.3, 9.0, BOXES), random.uniform(0.3, 3.0, BOXES),
    ])  # fmt: skip


def objects(rows: np.ndarray) -> Objects:
    count = len(rows)
    none = np.zeros(count)
    return Objects(
        np.arange(1, count + 1),
        np.ones(count, dtype=np.int64),
        rows[:, 0],
        rows[:, 1],
        rows[:, 2],
        none,
        none,
        rows[:, 3],
        rows[:, 4],
        none + 1.0,
    )


def test_every_overlap_of_boxes_is_the_same() -> None:
    prepare()
    mine, theirs = np.array([0.4, -0.2, 0.7, 4.6, 1.9]), boxes(1)
    expected = boxes_overlap(box_corners(*mine), box_corners(*theirs.T))
    assert 0.2 < expected.mean() < 0.8
    takeover = first_contact(mine[None, :3], (mine[3], mine[4]), theirs[:, None, :3], objects(theirs), np.array([0.2]))
    np.testing.assert_array_equal(np.isfinite(takeover), expected)

    def one(value: float) -> np.ndarray:
        return np.full((1, 1), value)

    x, y, yaw, length, width = (np.ascontiguousarray(column) for column in theirs.T)
    poses = (x[:, None], y[:, None], np.cos(yaw)[:, None], np.sin(yaw)[:, None])
    place = (one(mine[0]), one(mine[1]), np.cos(one(mine[2])), np.sin(one(mine[2])))
    ego = EgoBoxes(*place, one(5.0), mine[3], mine[4])
    others = TrackBoxes(*(values[None] for values in poses), length, width)
    keys = first_overlaps(ego, others, np.zeros(1, dtype=np.int64), -1.0, 0.1)
    np.testing.assert_array_equal(keys[0] == 0, expected)


@settings(max_examples=60, deadline=None)
@given(
    bend=st.floats(-0.15, 0.15),
    speed=st.floats(0.5, 20.0),
    yaw=st.floats(-3.0, 3.0),
    aside=st.floats(-0.6, 0.6),
    age=st.floats(0.0, 0.4),
)
def test_the_predicted_ego_is_the_bicycle(bend: float, speed: float, yaw: float, aside: float, age: float) -> None:
    """Each predicted pose is the bicycle's from the pose before it, at the wheel angle that its turn asks for, and that
    angle is never beyond full lock."""
    times = 0.5 * np.arange(1, 9)
    turn = bend * speed * times
    way = speed * times
    plan = Plan(
        way * np.sinc(turn / (2.0 * np.pi)) * np.cos(turn / 2.0),
        way * np.sinc(turn / (2.0 * np.pi)) * np.sin(turn / 2.0) + aside,
        turn,
        np.full(8, speed),
    )
    ego, ahead = EgoState(10.0, -4.0, yaw, speed), 0.2 * np.arange(1, 16)
    poses = pursue_trace(Trace.of(plan, (ego.x, ego.y, ego.yaw), speed), age, ego, ahead, MonitorParameters())
    before = np.vstack([[ego.x, ego.y, ego.yaw], poses[:-1]])
    lock = 0.0
    for (x, y, heading), after in zip(before, poses, strict=True):
        step = float(np.hypot(after[0] - x, after[1] - y))
        slip = np.arcsin((after[2] - heading) * 0.5 * ego.wheelbase / max(step, 1e-9))
        angle = np.arctan(2.0 * np.tan(slip))
        lock = max(lock, abs(float(angle)))
        state = bicycle_rollout(x, y, heading, step / 0.2, np.array([angle]), np.zeros(1), ego.wheelbase, 0.2)[0]
        assert state[:3] == pytest.approx(after, abs=1e-9)
    assert lock <= ego.max_steering_angle + 1e-9
