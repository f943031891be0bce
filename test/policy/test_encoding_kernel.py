"""The encoding's kernel: the same bytes in a batch as alone, and what a plain version of it says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.expert_road import bend, make_scene, standing, steady, straight
from support.plain_encoding import plain_encode, plain_frame
from support.scenes import moved
from takead_ros.domain.scene import (
    ControlKind,
    EgoState,
    LightState,
    ObjectKind,
    RouteCommand,
    Scene,
    TrafficControl,
)
from takead_ros.policy.encoding import empty_batch, encode, encode_into
from takead_ros.policy.route_frame import from_route_frame, route_frame, to_route_frame


def drawn(seed: int) -> Scene:
    """A scene with up to 24 others of every kind, up to six controls, somewhere on the map."""
    rng = np.random.default_rng(seed)
    kinds = rng.choice(list(ObjectKind), 24)
    actors = [
        steady(
            int(number),
            float(rng.uniform(-40, 90)),
            float(rng.uniform(-12, 12)),
            float(rng.uniform(-4, 4)),
            float(rng.choice([0.0, rng.uniform(0, 15)])),
            kind=ObjectKind(kinds[number]),
            length=float(rng.uniform(0.5, 9)),
            width=float(rng.uniform(0.4, 2.6)),
        )
        for number in rng.permutation(24)[: rng.integers(0, 25)]
    ]
    controls = tuple(
        TrafficControl(
            int(number),
            ControlKind(rng.integers(0, 3)),
            LightState(rng.integers(0, 4)),
            float(rng.uniform(-10, 90)),
            float(rng.uniform(-5, 5)),
            0.0,
            float(rng.uniform(-15, 90)),
            bool(rng.random() < 0.8),
        )
        for number in range(rng.integers(0, 7))
    )
    ego = EgoState(
        float(rng.uniform(0, 30)),
        float(rng.normal(0, 1)),
        float(rng.normal(0, 0.5)),
        float(rng.uniform(0, 20)),
        float(rng.normal(0, 0.3)),
        float(rng.normal(0, 0.3)),
    )
    scene = make_scene(straight() if rng.random() < 0.5 else bend(15.0), ego, actors, controls=controls)
    commands = tuple(RouteCommand(int(c)) for c in rng.choice([c.value for c in RouteCommand], 3))
    objects = replace(scene.objects, visibility=rng.choice([0.0, 0.4, 1.0], len(scene.objects)))
    limit = None if rng.random() < 0.3 else float(rng.uniform(3, 30))
    scene = replace(scene, objects=objects, route=replace(scene.route, commands=commands, speed_limit=limit))
    return moved(scene, float(rng.uniform(-2000, 2000)), float(rng.uniform(-2000, 2000)), float(rng.uniform(-4, 4)))


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32))
def test_the_kernel_says_what_the_plain_version_says(seed: int) -> None:
    scene = drawn(seed)
    mine, plain = encode(scene), plain_encode(scene)
    assert list(mine) == list(plain) or set(mine) == set(plain)
    for name, values in plain.items():
        np.testing.assert_allclose(mine[name], values, atol=2e-6, rtol=1e-5, err_msg=name)


@pytest.mark.parametrize("seed", range(5))
def test_a_batch_holds_the_bytes_of_its_scenes_in_any_order(seed: int) -> None:
    scenes = [drawn(100 * seed + i) for i in range(9)]
    batch = empty_batch(len(scenes))
    for values in batch:
        values[:] = np.nan  # whatever was there before
    for row in np.random.default_rng(seed).permutation(len(scenes)):
        encode_into(batch, int(row), scenes[row])
    for row, scene in enumerate(scenes):
        for name, values in encode(scene).items():
            assert getattr(batch, name)[row].tobytes() == values.tobytes(), name


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_the_route_frame_is_that_of_the_plain_version(seed: int) -> None:
    scene, rng = drawn(seed), np.random.default_rng(seed)
    mine, plain = route_frame(scene), plain_frame(scene)
    np.testing.assert_allclose(mine.points, plain.points, atol=1e-9)
    np.testing.assert_allclose(mine.heading, plain.heading, atol=1e-9)
    np.testing.assert_allclose(mine.arc, plain.arc, atol=1e-9)
    np.testing.assert_allclose((mine.offset, mine.heading_error), (plain.offset, plain.heading_error), atol=1e-9)
    x, y = rng.uniform(-300, 300, (2, 40))
    np.testing.assert_allclose(from_route_frame(mine, x, y), plain.place(x, y), atol=1e-8)
    np.testing.assert_allclose(to_route_frame(mine, x, y), plain.locate(x, y), atol=1e-8)


def test_a_kind_that_nobody_knows_is_refused() -> None:
    scene = make_scene(straight(), EgoState(0.0, 0.0, 0.0, 5.0), [standing(1, 20.0)])
    with pytest.raises(ValueError, match=r"objects.kind holds \[9\]"):
        encode(replace(scene, objects=replace(scene.objects, kind=np.array([9]))))
