from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from support.tables import make_table
from takead_ros.domain.errors import TakeadError
from takead_ros.policy.manifest import KEY, manifest_path
from takead_ros.policy.model import load_model
from takead_ros.policy.vector import VECTOR_1
from takead_ros.policy.vocabulary import kinematic_anchors, unroll
from takead_training.checkpoint import Checkpoint, Provenance, load_parent
from takead_training.export import IR_VERSION, OPSET, Parity, compare, export
from takead_training.losses import unroll as torch_unroll
from takead_training.net import PolicyNet


@pytest.fixture(scope="module")
def checkpoint() -> Checkpoint:
    torch.manual_seed(3)
    table = make_table(12)
    frames = {name: table[name] for name in VECTOR_1.inputs}
    made = Provenance(
        "trial", "bc", parent="p" * 64, clips=("a", "b"), suites=("demo",), seeds=(5,), training={"bc": {}}
    )
    return Checkpoint(PolicyNet(kinematic_anchors()).eval(), made, frames)


@pytest.fixture(scope="module")
def model(checkpoint: Checkpoint, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "trial.onnx"
    export(checkpoint, path)
    return path


def test_exported_model_loads_and_names_its_origin(model: Path, checkpoint: Checkpoint) -> None:
    manifest = load_model(model).manifest
    assert (manifest.name, manifest.stage, manifest.parent) == ("trial", "bc", "p" * 64)
    assert (manifest.clips, manifest.suites, manifest.seeds) == (("a", "b"), ("demo",), (5,))
    graph = onnx.load(str(model))
    assert graph.opset_import[0].version == OPSET and graph.ir_version == IR_VERSION
    assert {entry.key for entry in graph.metadata_props} == {KEY}
    assert model.stat().st_size < 5e6
    assert not list(model.parent.glob(".*"))  # no temporary file is left


def test_parity_is_measured_over_every_candidate(model: Path, checkpoint: Checkpoint) -> None:
    parity = compare(checkpoint.net, load_model(model), checkpoint.frames)
    assert parity.frames == 12 and parity.same_choice
    assert parity.position_m < 1e-4 and parity.speed_m_s < 1e-4 and parity.logit < 1e-4
    parity.check()


def test_parity_sees_a_single_wrong_candidate(model: Path, checkpoint: Checkpoint) -> None:
    other = PolicyNet(kinematic_anchors())
    other.load_state_dict(checkpoint.net.state_dict())
    with torch.no_grad():
        other.refine_each.bias[-1] += 0.05  # the last step of the last candidate, aside
    parity = compare(other, load_model(model), checkpoint.frames)
    assert 0.005 < parity.position_m < 0.1
    with pytest.raises(TakeadError, match="parity position_m"):
        parity.check()


@pytest.mark.parametrize("name", ["position_m", "speed_m_s", "steering_rad", "acceleration_m_s2", "logit"])
def test_the_gate_refuses_each_difference_and_nan(name: str) -> None:
    good = Parity(1, 0.0, 0.0, 0.0, 0.0, 0.0, True)
    good.check()
    for value in (0.01, float("nan")):
        with pytest.raises(TakeadError, match=f"parity {name}"):
            replace(good, **{name: value}).check()
    with pytest.raises(TakeadError, match="choose different plans"):
        replace(good, same_choice=False).check()


def test_nothing_is_overwritten_unasked(model: Path, checkpoint: Checkpoint) -> None:
    before = model.read_bytes()
    with pytest.raises(TakeadError, match="exists already"):
        export(checkpoint, model)
    assert model.read_bytes() == before
    manifest, _ = export(checkpoint, model, overwrite=True)
    assert load_model(model).sha256 == manifest.sha256


def test_bad_outputs_and_empty_frames_are_refused(checkpoint: Checkpoint, tmp_path: Path) -> None:
    with pytest.raises(TakeadError, match=r"ending in \.onnx"):
        export(checkpoint, tmp_path / "model.bin")
    empty = replace(checkpoint, frames={name: values[:0] for name, values in checkpoint.frames.items()})
    with pytest.raises(TakeadError, match="no recorded frames"):
        export(empty, tmp_path / "m.onnx")
    (tmp_path / "file").write_text("")
    with pytest.raises(TakeadError, match="cannot be written"):
        export(checkpoint, tmp_path / "file" / "m.onnx")
    assert not (tmp_path / "m.onnx").exists()


def test_a_deployed_model_can_be_trained_further(model: Path, checkpoint: Checkpoint) -> None:
    net, manifest = load_parent(model)
    assert manifest.sha256 == load_model(model).sha256
    for name, value in checkpoint.net.state_dict().items():
        assert torch.equal(net.state_dict()[name], value), name


def test_what_cannot_be_trained_further_is_refused(tmp_path: Path, model: Path) -> None:
    (tmp_path / "x.onnx").write_bytes(model.read_bytes()[:5000])
    with pytest.raises(TakeadError, match="cut short"):
        load_parent(tmp_path / "x.onnx")
    with pytest.raises(TakeadError, match="expected an ONNX file"):
        load_parent(tmp_path / "none.onnx")


def test_torch_and_runtime_unroll_alike() -> None:
    profiles = np.random.default_rng(0).normal(scale=4.0, size=(6, 8, 2))
    speed = np.linspace(0.0, 12.0, 6)
    mine = torch_unroll(torch.from_numpy(profiles), torch.from_numpy(speed))
    for i in range(6):
        for a, b in zip(unroll(profiles[i], speed[i], 0.0), mine, strict=True):
            np.testing.assert_allclose(a, b[i].numpy(), atol=1e-12)


def test_manifest_lies_beside_and_inside_alike(model: Path) -> None:
    assert manifest_path(model).read_text() == load_model(model).manifest.to_json()
