"""What a prediction model is told: the same wherever the map lies, and the ego apart from the others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from takead_ros.domain.scene import ControlKind, FloatArray, LightState, LineKind, ObjectKind, Polyline, TrafficControl
from takead_ros.prediction.features import (
    EGO_TIMES_S,
    LENGTH,
    NEIGHBOURS,
    PAST,
    SHAPES,
    SPEED,
    Arrays,
    WorldMoment,
    features,
    pieces_of,
)

ROWS = np.array([0, 1, 2])


def moment(x: float = 0.0, y: float = 0.0, turned: float = 0.0) -> tuple[WorldMoment, tuple[Polyline, ...]]:
    """A car, a person and a truck around an ego that comes up behind them; the world moved and turned."""

    def seen(poses: FloatArray) -> FloatArray:
        cos, sin = np.cos(turned), np.sin(turned)
        out = poses.copy()
        out[..., 0], out[..., 1] = (
            x + cos * poses[..., 0] - sin * poses[..., 1],
            y + sin * poses[..., 0] + cos * poses[..., 1],
        )
        if poses.shape[-1] > 2:
            out[..., 2] = poses[..., 2] + turned
        if poses.shape[-1] == 5:
            out[..., 3] = cos * poses[..., 3] - sin * poses[..., 4]
            out[..., 4] = sin * poses[..., 3] + cos * poses[..., 4]
        return np.asarray(out)

    pose = np.array([[20.0, 1.0, 0.1, 8.0, 0.8], [30.0, -4.0, 1.5, 0.0, 1.2], [45.0, 0.0, 0.0, 5.0, 0.0]])
    past = np.stack([pose[:, :3] - 0.2 * (i + 1) * np.column_stack([pose[:, 3:], np.zeros(3)]) for i in range(PAST)])
    past[3:, 2] = np.nan
    ego = np.column_stack([7.0 * EGO_TIMES_S, 0.0 * EGO_TIMES_S, 0.0 * EGO_TIMES_S, np.full(len(EGO_TIMES_S), 7.0)])
    told = seen(ego[:, :3])
    line = np.column_stack([np.arange(-20.0, 120.0, 2.0), np.zeros(70)])
    stop = seen(np.array([[60.0, 0.0, 0.0]]))[0]
    light = TrafficControl(1, ControlKind.TRAFFIC_LIGHT, LightState.RED, stop[0], stop[1], stop[2], 58.0)
    now = WorldMoment(
        np.array([ObjectKind.CAR, ObjectKind.PEDESTRIAN, ObjectKind.TRUCK], np.int64),
        np.array([4.5, 0.6, 8.0]),
        np.array([1.9, 0.6, 2.4]),
        np.ones(3, bool),
        seen(pose),
        seen(past),
        np.column_stack([told, ego[:, 3]]),
        (4.5, 1.85),
        True,
        [light],
    )
    return now, (Polyline(1, LineKind.LANE_CENTER, seen(line), False, width=3.5),)


def told(now: WorldMoment, lines: tuple[Polyline, ...]) -> Arrays:
    return features(now, pieces_of(lines), ROWS)


def test_nothing_depends_on_where_the_map_lies() -> None:
    here, there = told(*moment()), told(*moment(500.0, -300.0, 2.1))
    for name, shape in SHAPES.items():
        assert here[name].shape == (3, *shape) and here[name].dtype == np.float32
        np.testing.assert_allclose(there[name], here[name], atol=2e-4, err_msg=name)


def test_the_columns_say_what_they_mean() -> None:
    now, lines = moment()
    out = told(now, lines)
    speeds = np.hypot(now.pose[:, 3], now.pose[:, 4])
    np.testing.assert_allclose(out["own"][:, 0] * SPEED, speeds, rtol=0.01)
    np.testing.assert_array_equal(out["own"][:, 5:].argmax(1), [0, 2, 0])
    # the car: 1 s ago it was its speed behind; of the truck the last 0.6 s are known
    np.testing.assert_allclose(out["past"][0, 4, 0] * LENGTH, -speeds[0], rtol=0.02)
    np.testing.assert_array_equal(out["past"][2, :, 4], [1, 1, 1, 0, 0])
    # the ego comes up to the truck from behind: 45 m away now, 17 m in 4 s
    np.testing.assert_allclose(out["ego"][2, [2, -1], 0] * LENGTH, [-45.0, 28.0 - 45.0], atol=1e-4)
    assert out["signals_mask"][0].tolist() == [1, 0] and out["signals"][0, 0, 4] == 1.0  # red
    assert out["lanes_mask"][0].sum() > 5 and out["neighbours_mask"].sum(1).tolist() == [2, 2, 2]


def test_the_ego_s_plan_changes_what_they_are_told_and_nothing_else() -> None:
    now, lines = moment()
    stops = now.ego.copy()
    stops[3:, :2], stops[3:, 3] = stops[3, :2], 0.0
    before, after = told(now, lines), told(replace(now, ego=stops), lines)
    assert not np.allclose(before.pop("ego"), after.pop("ego"))
    for name in before:
        np.testing.assert_array_equal(before[name], after[name])


def test_the_nearest_are_told_of_and_who_is_gone_is_not() -> None:
    now, lines = moment()
    many = NEIGHBOURS + 5
    pose = np.column_stack([3.0 * np.arange(many), np.zeros(many), np.zeros(many), np.ones(many), np.zeros(many)])
    crowd = WorldMoment(
        np.full(many, int(ObjectKind.CAR)),
        np.full(many, 4.0),
        np.full(many, 2.0),
        np.arange(many) != 3,
        pose,
        np.full((PAST, many, 3), np.nan),
        now.ego,
        now.ego_size,
        False,
        [],
    )
    out = features(crowd, pieces_of(lines), np.array([0]))
    places = np.sort(out["neighbours"][0, :, 0] * LENGTH)
    np.testing.assert_allclose(places, [3.0 * i for i in range(1, many) if i != 3][:NEIGHBOURS], atol=1e-4)
    assert out["past"].max() == 0.0 and out["ego"][0, 0, 6] == 0.0 and out["signals_mask"].max() == 0.0


def test_from_another_place_the_past_is_not_told() -> None:
    now, lines = moment()
    views = now.pose[ROWS, :3] + (0.0, 0.5, 0.05)
    moved = features(now, pieces_of(lines), ROWS, views)
    plain = told(now, lines)
    assert moved["past"].max() == 0.0 and plain["past"].max() > 0.0
    np.testing.assert_array_equal(moved["own"][:, 0], plain["own"][:, 0])
    assert np.abs(moved["lanes"] - plain["lanes"]).max() > 0.01


@pytest.mark.parametrize("count", [0, 1])
def test_a_map_without_lanes_and_a_world_of_one(count: int) -> None:
    now, _ = moment()
    alone = replace(now, here=np.array([True, False, False]))
    out = features(alone, pieces_of(()), ROWS[:count])
    assert all(np.isfinite(values).all() for values in out.values())
    assert out["lanes_mask"].sum() == 0.0 and out["neighbours_mask"].sum() == 0.0
