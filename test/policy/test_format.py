from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from support.scenes import make_scene
from takead_ros.domain.errors import TakeadError
from takead_ros.policy.format import SCENE, Observation
from takead_ros.policy.formats import FORMATS, format_of
from takead_ros.policy.model import load_model
from takead_ros.resources import resource

NOVICE = resource("models/novice.onnx")


@pytest.mark.parametrize("known", FORMATS.values(), ids=list(FORMATS))
def test_every_format_encodes_what_it_declares(known) -> None:  # type: ignore[no-untyped-def]
    assert known.needs[0] == SCENE and FORMATS[known.name] is known
    encoded = known.encode(Observation(make_scene(3)))
    assert {name: values.shape for name, values in encoded.items()} == {n: t.shape for n, t in known.inputs.items()}
    assert set(known.constants) < set(known.outputs)
    assert {name: values.shape for name, values in known.empty(2).items()} == {
        name: (2, *tensor.shape) for name, tensor in known.inputs.items()
    }


def test_a_model_is_held_to_its_format_point_by_point() -> None:
    manifest = load_model(NOVICE).manifest
    own = format_of(manifest.encoding, "model")
    assert own.difference(manifest) == ""
    outputs = dict(manifest.outputs)
    outputs["control"] = outputs["control"].model_copy(update={"shape": (3,)})
    for change, said in (
        ({"needs": ("scene", "camera/front")}, "needs"),
        ({"inputs": {}}, "input shapes"),
        ({"normalisation": {}}, "normalisation"),
        ({"outputs": {"logits": manifest.outputs["logits"]}}, "outputs logits"),
        ({"outputs": outputs}, "output 'control' of shape"),
    ):
        assert said in own.difference(manifest.model_copy(update=change))


def test_an_unknown_format_is_refused_with_those_there_are() -> None:
    with pytest.raises(TakeadError, match=r"m\.onnx: made for encoding camera-7; this software has .*vector-1"):
        format_of("camera-7", "m.onnx")


def test_decoding_is_a_function_of_outputs_and_observation() -> None:
    policy = load_model(NOVICE)
    observation = Observation(make_scene(4, radius=60.0))
    outputs = policy.run(policy.format.encode(observation))
    answer = policy.format.decode(outputs, observation, policy.manifest)
    driven = policy.infer(observation.scene)
    assert answer.acceleration == driven.acceleration and answer.steering_angle == driven.steering_angle
    np.testing.assert_array_equal(answer.candidates, driven.candidates)
    last = len(outputs["logits"]) - 1
    other = {**outputs, "logits": np.eye(last + 1)[last]}
    changed = policy.format.decode(other, observation, policy.manifest)
    np.testing.assert_array_equal(changed.plan.x, changed.candidates[last, :, 0])


def test_the_route_frame_is_worked_out_once_and_belongs_to_its_scene() -> None:
    observation = Observation(make_scene(1, offset=0.5))
    assert observation.road is observation.road
    assert replace(observation, scene=make_scene(1, offset=-0.5)).road.offset != observation.road.offset
