"""Models of road users as files: loaded and verified as policies are, and never taken for one."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from takead_ros.domain.errors import TakeadError
from takead_ros.policy.manifest import manifest_path
from takead_ros.policy.model import load_model
from takead_ros.policy.shipped import model_path, shipped_model
from takead_ros.prediction.features import SHAPES, STEPS
from takead_ros.prediction.model import load_road_user_model
from takead_ros.resources import resource

pytestmark = pytest.mark.slow  # networks are loaded

SHIPPED, NOVICE = resource("models/agents.onnx"), resource("models/novice.onnx")


def test_the_shipped_model_is_small_and_says_what_it_is() -> None:
    model = load_road_user_model(SHIPPED)
    assert SHIPPED.stat().st_size < 1_000_000 and model.provider == "cpu"
    assert model.manifest.name == "agents" and len(model.manifest.clips) > 50
    assert all(seed >= 3_000_000 for seed in model.manifest.seeds)  # training seeds
    assert model_path("agents") == SHIPPED
    assert shipped_model(model.sha256) is None  # it is no policy that a clip could have been driven by
    assert shipped_model(load_model(NOVICE).sha256) == NOVICE


def test_it_answers_each_alike_whoever_is_asked_for_beside() -> None:
    model, rng = load_road_user_model(SHIPPED), np.random.default_rng(0)
    told = {name: rng.normal(size=(6, *shape)).astype(np.float32) for name, shape in SHAPES.items()}
    together = model.predict(told)
    assert together.shape == (6, STEPS, 2)
    for i in range(6):
        alone = model.predict({name: values[i : i + 1] for name, values in told.items()})
        np.testing.assert_allclose(alone[0], together[i], atol=1e-4)


def test_what_is_not_finite_is_no_prediction() -> None:
    model = load_road_user_model(SHIPPED)
    told = {name: np.zeros((1, *shape), np.float32) for name, shape in SHAPES.items()}
    told["own"][0, 0] = np.nan
    with pytest.raises(TakeadError, match="not finite"):
        model.predict(told)


def test_neither_kind_is_taken_for_the_other() -> None:
    with pytest.raises(TakeadError, match=r"agents\.onnx.* is a model of road users .*expected a policy"):
        load_model(SHIPPED)
    with pytest.raises(TakeadError, match=r"novice\.onnx.* is a policy .*expected a model of road users"):
        load_road_user_model(NOVICE)


def edit(change: Callable[[dict[str, object]], None]) -> Callable[[Path], None]:
    def edited(path: Path) -> None:
        beside = manifest_path(path)
        content = json.loads(beside.read_text())
        change(content)
        beside.write_text(json.dumps(content))

    return edited


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-500])


def flipped(path: Path) -> None:
    """A weight is another: some bytes in the middle of the file."""
    data = bytearray(path.read_bytes())
    for at in range(len(data) // 2, len(data) // 2 + 64):
        data[at] ^= 0x01
    path.write_bytes(bytes(data))


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (cut, "cut short|cannot load"),
        (flipped, "weights changed|cannot load|cut short"),
        (lambda path: path.write_bytes(b""), "not an ONNX model|cut short|empty"),
        (lambda path: path.unlink(), "m.onnx"),
        (edit(lambda content: content.update(name="other")), "was edited"),
        (edit(lambda content: content.update(format="takead-road-users-0")), "expected 'takead-road-users-1'"),
        (lambda path: shutil.copy(manifest_path(NOVICE), manifest_path(path)), "is a policy"),
    ],
    ids=["cut", "another weight", "empty", "missing", "edited", "another version", "a policy's manifest"],
)
def test_a_file_that_is_not_sound_is_refused(damage: Callable[[Path], None], words: str, tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    shutil.copy(SHIPPED, path)
    shutil.copy(manifest_path(SHIPPED), manifest_path(path))
    assert load_road_user_model(path).sha256 == load_road_user_model(SHIPPED).sha256
    damage(path)
    with pytest.raises(TakeadError, match=words):
        load_road_user_model(path)
