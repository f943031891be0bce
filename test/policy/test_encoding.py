from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.scenes import make_scene, moved
from takead_ros.domain.scene import Objects
from takead_ros.policy import encoding
from takead_ros.policy.encoding import LineCache, encode
from takead_ros.policy.kernels.encode import LENGTH
from takead_ros.policy.route_frame import NotFiniteError
from takead_ros.policy.vector import VECTOR_1

RADII = st.sampled_from([np.inf, 30.0, 80.0])


def assert_same(first: encoding.Encoded, second: encoding.Encoded, tolerance: float = 2e-5) -> None:
    for name in VECTOR_1.inputs:
        if name == "lines":  # pieces at the very same distance may change places: the network reads them as a set
            apart = np.abs(first[name][:, None] - second[name][None]).max(-1)
            assert apart.min(0).max() <= tolerance and apart.min(1).max() <= tolerance
        else:
            np.testing.assert_allclose(first[name], second[name], atol=tolerance, err_msg=name)


def test_arrays_have_the_declared_names_shapes_and_type() -> None:
    encoded = encode(make_scene())
    assert {name: values.shape for name, values in encoded.items()} == {
        name: tensor.shape for name, tensor in VECTOR_1.inputs.items()
    }
    assert all(values.dtype == np.float32 for values in encoded.values())


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000), radius=RADII, x=st.floats(-2000, 2000), y=st.floats(-2000, 2000), turn=st.floats(-7, 7)
)
def test_does_not_depend_on_where_the_map_lies_or_how_it_is_turned(
    seed: int, radius: float, x: float, y: float, turn: float
) -> None:
    scene = make_scene(seed, radius=radius)
    assert_same(encode(scene), encode(moved(scene, x, y, turn)))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), count=st.integers(0, 30))
def test_does_not_depend_on_the_order_of_objects(seed: int, count: int) -> None:
    scene = make_scene(seed, objects=count)
    order = np.random.default_rng(seed).permutation(count)
    shuffled = replace(scene, objects=scene.objects.select(order))
    assert_same(encode(scene), encode(shuffled), 0.0)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), hidden=st.integers(1, 10))
def test_what_cannot_be_seen_changes_nothing(seed: int, hidden: int) -> None:
    scene = make_scene(seed, objects=5)
    more = make_scene(seed + 1, objects=hidden).objects
    both = Objects(
        *(np.concatenate([getattr(scene.objects, name), getattr(more, name)]) for name in Objects.__dataclass_fields__)
    )
    both.visibility[5:] = 0.0
    light = replace(scene.controls[0], id=9, distance=5.0, visible=False)
    assert_same(encode(scene), encode(replace(scene, objects=both, controls=(light, *scene.controls))), 0.0)


def test_keeps_the_nearest_objects_nearest_first() -> None:
    scene = make_scene(3, objects=40)
    encoded = encode(scene)
    assert encoded["objects_mask"].sum() == encoding.OBJECTS
    away = np.hypot(encoded["objects"][:, 0], encoded["objects"][:, 1]) * LENGTH
    all_away = np.hypot(scene.objects.x - scene.ego.x, scene.objects.y - scene.ego.y)
    np.testing.assert_allclose(away, np.sort(all_away)[: encoding.OBJECTS], rtol=1e-5)


def test_ego_frame_is_forward_and_left() -> None:
    scene = make_scene(objects=1, offset=0.0)
    one = replace(
        scene.objects, x=np.array([20.0]), y=np.array([4.0]), vx=np.array([5.0]), vy=np.array([0.0]), yaw=np.zeros(1)
    )
    straight = replace(scene, objects=one, ego=replace(scene.ego, x=0.0, yaw=0.0))
    row = encode(straight)["objects"][0]
    np.testing.assert_allclose(row[:6], [1.0, 0.2, 1.0, 0.0, 0.5, 0.0], atol=1e-6)
    left = replace(straight, ego=replace(straight.ego, yaw=np.pi / 2))
    np.testing.assert_allclose(encode(left)["objects"][0][:2], [0.2, -1.0], atol=1e-6)


def test_cache_changes_nothing_even_when_another_map_has_the_same_ids() -> None:
    cache = LineCache()
    for scene in (make_scene(1), make_scene(2, radius=30.0), make_scene(1), replace(make_scene(1), polylines=())):
        assert_same(encode(scene, cache), encode(scene), 0.0)
        assert_same(encode(scene, cache), encode(scene), 0.0)


@pytest.mark.parametrize("field", ["x", "yaw", "speed", "yaw_rate"])
def test_a_value_that_is_not_finite_is_refused(field: str) -> None:
    scene = make_scene()
    with pytest.raises(NotFiniteError):
        encode(replace(scene, ego=replace(scene.ego, **{field: float("nan")})))


def test_a_route_without_length_is_refused() -> None:
    scene = make_scene()
    with pytest.raises(ValueError, match=r"route\.path has 1 points"):
        encode(replace(scene, route=replace(scene.route, path=np.zeros((1, 2)))))


@pytest.mark.parametrize("far", [1e9, 1e300])
def test_one_far_point_of_the_map_does_not_ask_for_gigabytes(far: float) -> None:
    scene = make_scene()
    line = scene.polylines[0]
    stray = replace(line, points=np.vstack([line.points, [[far, 0.0]]]))
    with pytest.raises(ValueError, match=f"polyline {line.id} is .* m long, expected at most 100000"):
        encode(replace(scene, polylines=(stray, *scene.polylines[1:])))
