"""The PDM score against its definition written out, and what must hold of it whatever the scene."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import pdm_score as bench
from support.pdm_definition import Areas, pdm_score, simulated
from support.pdm_road import EGO, LEFT, OWN, PATH, ROAD, along, merged, other, scores
from takead_ros.domain.geometry import to_outer, wrap_angle
from takead_ros.domain.scene import (
    FloatArray,
    ObjectKind,
    Objects,
)
from takead_ros.measures.pdm import LaneArea, SampledTracks, pdm_scores, resample, track_states


@pytest.mark.parametrize("seed", range(3))
def test_who_follows_a_plan_drives_as_the_definition_written_out_says(seed: int) -> None:
    """Plans that swerve, brake to a stand, start from it and lie across the end of the circle."""
    random = np.random.default_rng(seed)
    standing = resample(np.zeros((1, 8, 2)), 0.0, 0.1)
    states = np.concatenate([bench.trajectories(8, random), standing, along(np.linspace(0.0, 6.0, 41))])
    states[..., 2] += np.pi - 0.05
    ego = replace(EGO, speed=random.uniform(0.0, 12.0), acceleration=random.normal(), steering_angle=0.1)
    want = np.stack([simulated(trajectory, ego) for trajectory in states])
    found = track_states(states, ego, 0.1)
    assert found[..., [0, 1, 3]] == pytest.approx(want[..., [0, 1, 3]], abs=1e-7)
    assert wrap_angle(found[..., 2] - want[..., 2]) == pytest.approx(0.0, abs=1e-7)


@pytest.mark.parametrize("seed", range(4))
def test_the_definition_written_out_gives_the_same_scores(seed: int) -> None:
    """Objects around the ego, overlapping it at the start as well, standing, crawling and driving."""
    states, random = bench.trajectories(12, np.random.default_rng(seed)), np.random.default_rng(100 + seed)
    count = 12
    kinds = random.choice([int(kind) for kind in ObjectKind], count)
    yaw, speed = random.uniform(-np.pi, np.pi, count), random.choice([0.0, 0.03, 0.06, 1.0, 6.0], count)
    x, y = random.uniform(-8.0, 60.0, count), random.uniform(-4.0, 8.0, count)
    length, width = random.uniform(0.4, 6.0, count), random.uniform(0.4, 2.2, count)
    vx, vy = speed * np.cos(yaw), speed * np.sin(yaw)
    future = [
        Objects(
            np.arange(1, count + 1),
            kinds,
            x + 0.1 * t * vx,
            y + 0.1 * t * vy,
            yaw,
            vx,
            vy,
            length,
            width,
            np.ones(count),
        ).select(np.arange(count) != t % 40)
        for t in range(50)
    ]
    path = np.stack([np.arange(-10.0, 101.0), np.zeros(111)], axis=1)
    found = pdm_scores(states, bench.EGO, SampledTracks.of(future, 50, 0.1), LaneArea(bench.road()), path).score
    want = pdm_score(states, bench.EGO, future, Areas.of(bench.road()), path)
    assert found == pytest.approx(want, abs=1e-9)
    plain = pdm_scores(states, bench.EGO, SampledTracks.of(bench.others(), 50, 0.1), LaneArea(bench.road()), path).score
    want = pdm_score(states, bench.EGO, bench.others(), Areas.of(bench.road()), path)
    assert plain == pytest.approx(want, abs=1e-9) and 0.0 < np.mean(plain > 0.0) < 1.0


@settings(max_examples=25, deadline=None)
@given(points=st.lists(st.tuples(st.floats(-30.0, 130.0), st.floats(-10.0, 12.0)), min_size=1, max_size=60))
def test_the_grid_settles_points_as_distances_do(points: list[tuple[float, float]]) -> None:
    at = np.array(points)
    inside = np.minimum(np.abs(at[:, 1]), np.abs(at[:, 1] - 3.5))
    beyond = np.maximum(np.maximum(-10.0 - at[:, 0], at[:, 0] - 100.0), 0.0)
    distance = np.hypot(inside, beyond)
    clear = np.abs(distance - 2.05) > 1e-9
    assert (ROAD.on_road(at)[clear] == (distance <= 2.05)[clear]).all()


CARS = st.lists(
    st.tuples(st.floats(5.0, 50.0), st.floats(-3.0, 6.0), st.floats(0.0, 10.0), st.floats(-3.1, 3.1)),
    min_size=1,
    max_size=4,
)


def sample(seed: int) -> FloatArray:
    rng = np.random.default_rng(seed)
    ahead = np.cumsum(rng.uniform(2.0, 6.0, (12, 8)), axis=1)
    across = np.cumsum(rng.normal(0.0, 0.15, (12, 8)), axis=1)
    return resample(np.stack([ahead, across], axis=-1), 8.0, 0.1)


@settings(max_examples=25, deadline=None)
@given(cars=CARS, seed=st.integers(0, 50), angle=st.floats(-3.1, 3.1), dx=st.floats(-300.0, 300.0), data=st.data())
def test_turning_the_map_and_the_order_of_objects_change_nothing(
    cars: list[tuple[float, float, float, float]], seed: int, angle: float, dx: float, data: st.DataObject
) -> None:
    states, parts = sample(seed), merged(*(other(x, y, speed, yaw) for x, y, speed, yaw in cars))
    order = data.draw(st.permutations(range(len(cars))))
    first = pdm_scores(states, EGO, SampledTracks.of([parts], 50, 0.1), ROAD, PATH, 30.0)
    cos, sin = np.cos(angle), np.sin(angle)

    def turn(points: FloatArray) -> FloatArray:
        return to_outer(points, dx, -dx, angle)

    place = turn(np.stack([parts.x, parts.y], 1))
    moved = replace(
        parts,
        x=place[:, 0],
        y=place[:, 1],
        yaw=parts.yaw + angle,
        vx=cos * parts.vx - sin * parts.vy,
        vy=sin * parts.vx + cos * parts.vy,
    ).select(np.array(order))
    turned = np.concatenate([turn(states[..., :2]), states[..., 2:3] + angle, states[..., 3:]], axis=-1)
    lanes = LaneArea([replace(line, points=turn(line.points)) for line in (OWN, LEFT)])
    second = pdm_scores(turned, EGO, SampledTracks.of([moved], 50, 0.1), lanes, turn(PATH), 30.0)
    assert second.score == pytest.approx(first.score, abs=1e-6)


@settings(max_examples=25, deadline=None)
@given(cars=CARS, seed=st.integers(0, 50))
def test_one_more_object_never_helps(cars: list[tuple[float, float, float, float]], seed: int) -> None:
    states, parts = sample(seed), [other(x, y, speed, yaw) for x, y, speed, yaw in cars]
    more, fewer = scores(states, *parts, reference=30.0), scores(states, *parts[:-1], reference=30.0)
    assert (more.score <= fewer.score + 1e-12).all()
    assert ((more.score >= 0.0) & (more.score <= 1.0)).all()
