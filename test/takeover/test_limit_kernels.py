"""The compiled limits give the very commands of the definition."""

from __future__ import annotations

from itertools import product

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from takead_ros.compiled import Matrix, prepare
from takead_ros.takeover.limit_kernels import Limits, limit_all
from takead_ros.takeover.limits import limit_command, rates
from takead_ros.takeover.mrm import DeadReckoning
from takead_ros.takeover.parameters import ArbiterParameters

P = ArbiterParameters()
LIMITS = Limits(*(getattr(P, name) for name in Limits._fields))
angle, push = st.floats(-1.0, 1.0), st.floats(-12.0, 8.0)
vehicle = st.tuples(angle, push, angle, push, st.floats(-1.0, 40.0))


@settings(max_examples=300, deadline=None)
@given(st.lists(vehicle, min_size=1, max_size=5), st.sampled_from((0.025, 0.05)))
def test_many_commands_are_limited_as_each_alone(rows: list[tuple[float, ...]], dt: float) -> None:
    prepare()
    assert_as_each_alone(np.array(rows), dt)


def test_rows_at_and_beyond_every_limit_are_limited_as_each_alone() -> None:
    prepare()
    angles, pushes = (-1.0, -0.3, -0.01, 0.0, 0.02, 0.7, 1.0), (-12.0, -4.0, -0.2, 0.0, 0.3, 2.0, 8.0)
    speeds = (-1.0, 0.0, 0.02, 1.0, 6.0, 18.0, P.max_speed_mps, 40.0)
    rows = product(angles, pushes, (-0.5, 0.0, 0.2), (-6.0, 0.0, 1.5), speeds)
    assert_as_each_alone(np.array([*rows]), 0.05)


def assert_as_each_alone(table: Matrix, dt: float) -> None:
    """table (N, 5): steering rad and acceleration m/s^2 asked for, those of ``dt`` s ago, speed m/s."""
    commands = table[:, 2:4].copy()
    limit_all(table[:, :2].copy(), commands, table[:, 4].copy(), 2.5, 0.7, LIMITS, dt)
    for row, found in zip(table, commands, strict=True):
        steering, acceleration, before_steering, before_acceleration, speed = row
        motion = DeadReckoning(0.0, 0.0, 0.0, speed, 4.5, 1.9, wheelbase=2.5, full_lock=0.7)
        before = before_steering, before_acceleration
        expected = limit_command(steering, acceleration, before, motion, rates(speed, 2.5, P), dt, P)
        assert found.tolist() == list(expected[:2])
