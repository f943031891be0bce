from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from support.reseal import not_finite, resealed
from support.tables import make_table
from takead_ros.domain.errors import TakeadError
from takead_ros.policy.manifest import KEY, manifest_path
from takead_ros.policy.model import load_model
from takead_ros.policy.vector import VECTOR_1
from takead_ros.policy.vocabulary import kinematic_anchors, unroll
from takead_training.architectures.registry import ARCHITECTURES
from takead_training.checkpoint import Checkpoint, ModelProvenance, load_parent
from takead_training.export.export_model import export_model
from takead_training.export.graph import IR_VERSION, OPSET
from takead_training.export.parity import Parity, measure_parity
from takead_training.settings import DEFAULT_ARCHITECTURE
from takead_training.stages.losses import unroll as torch_unroll


@pytest.fixture(scope="module")
def checkpoint() -> Checkpoint:
    torch.manual_seed(3)
    table = make_table(12)
    frames = {name: table[name] for name in VECTOR_1.inputs}
    made = ModelProvenance(
        "trial", "bc", parent="p" * 64, clips=("a", "b"), suites=("demo",), seeds=(5,), training={"bc": {}}
    )
    return Checkpoint(ARCHITECTURES[DEFAULT_ARCHITECTURE](kinematic_anchors()).eval(), made, frames)


@pytest.fixture(scope="module")
def model(checkpoint: Checkpoint, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "trial.onnx"
    export_model(checkpoint, path)
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
    parity = measure_parity(checkpoint.net, load_model(model), checkpoint.frames)
    assert parity.frames == 12 and parity.same_choice
    assert parity.position_m < 1e-4 and parity.speed_m_s < 1e-4 and parity.logit < 1e-4
    parity.check()


def test_parity_sees_a_single_wrong_candidate(model: Path, checkpoint: Checkpoint) -> None:
    other = ARCHITECTURES[DEFAULT_ARCHITECTURE](kinematic_anchors())
    other.load_state_dict(checkpoint.net.state_dict())
    with torch.no_grad():
        other.get_parameter("refine_each.bias")[-1] += 0.05  # the last step of the last candidate, aside
    parity = measure_parity(other, load_model(model), checkpoint.frames)
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
        export_model(checkpoint, model)
    assert model.read_bytes() == before
    manifest, _ = export_model(checkpoint, model, overwrite=True)
    assert load_model(model).sha256 == manifest.sha256


def test_bad_outputs_and_empty_frames_are_refused(checkpoint: Checkpoint, tmp_path: Path) -> None:
    with pytest.raises(TakeadError, match=r"ending in \.onnx"):
        export_model(checkpoint, tmp_path / "model.bin")
    empty = replace(checkpoint, frames={name: values[:0] for name, values in checkpoint.frames.items()})
    with pytest.raises(TakeadError, match="no recorded frames"):
        export_model(empty, tmp_path / "m.onnx")
    (tmp_path / "file").write_text("")
    with pytest.raises(TakeadError, match="cannot be written"):
        export_model(checkpoint, tmp_path / "file" / "m.onnx")
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


def test_a_batch_says_the_same_as_its_frames_alone(model: Path, checkpoint: Checkpoint) -> None:
    policy = load_model(model)
    together = policy.run_batch(checkpoint.frames)
    for i in range(12):
        alone = policy.run({name: values[i] for name, values in checkpoint.frames.items()})
        for name in ("logits", "profiles", "speed_logits", "control"):
            np.testing.assert_allclose(together[name][i], alone[name], atol=1e-5)
    np.testing.assert_array_equal(together["anchors"], alone["anchors"])


@pytest.mark.parametrize("name", ["logits.bias", "refine_all.bias", "anchors", "control.bias"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_network_that_is_not_finite_is_not_exported(
    checkpoint: Checkpoint, tmp_path: Path, name: str, value: float
) -> None:
    broken = ARCHITECTURES[DEFAULT_ARCHITECTURE](kinematic_anchors()).eval()
    broken.load_state_dict(checkpoint.net.state_dict())
    with torch.no_grad():
        broken.state_dict()[name].view(-1)[3 if "control" not in name else 1] = value
    with pytest.raises(TakeadError, match="not finite"):
        export_model(replace(checkpoint, net=broken), tmp_path / "m.onnx")
    assert not list(tmp_path.iterdir())


def test_the_gate_refuses_outputs_that_are_not_finite_on_either_side(model: Path, checkpoint: Checkpoint) -> None:
    frames = {name: values.copy() for name, values in checkpoint.frames.items()}
    frames["ego"][5, 2] = np.nan  # finite weights, an answer that is not
    with pytest.raises(TakeadError, match="of torch is not finite"):
        measure_parity(checkpoint.net, load_model(model), frames)


def test_a_model_whose_weights_lie_in_another_file_is_refused(model: Path, tmp_path: Path) -> None:
    graph = onnx.load(str(model))
    onnx.save_model(
        graph, str(tmp_path / "m.onnx"), save_as_external_data=True, location="weights.bin", size_threshold=1000
    )
    assert (tmp_path / "weights.bin").stat().st_size > 100_000
    with pytest.raises(TakeadError, match=r"m\.onnx: keeps tensor '.+' in another file"):
        load_model(tmp_path / "m.onnx")


def test_loading_probes_for_a_network_that_is_not_finite(model: Path, tmp_path: Path) -> None:
    with pytest.raises(TakeadError, match=r"m\.onnx: output 'control' is not finite"):
        load_model(resealed(model, not_finite, tmp_path / "m.onnx"))


def test_a_model_with_a_fixed_batch_is_refused(model: Path, tmp_path: Path) -> None:
    def fix(graph: onnx.ModelProto) -> None:
        for value in graph.graph.input:
            value.type.tensor_type.shape.dim[0].dim_value = 1

    with pytest.raises(TakeadError, match="expected a graph with a free batch axis"):
        load_model(resealed(model, fix, tmp_path / "m.onnx"))


def test_the_network_of_one_target_sees_no_further_one(checkpoint: Checkpoint, tmp_path: Path) -> None:
    net = ARCHITECTURES["scene-transformer-2-one-target"](kinematic_anchors()).eval()
    export_model(replace(checkpoint, net=net), tmp_path / "one.onnx")  # the gate: torch and the runtime agree
    assert load_parent(tmp_path / "one.onnx")[0].architecture == "scene-transformer-2-one-target"
    whole = ARCHITECTURES[DEFAULT_ARCHITECTURE](kinematic_anchors()).eval()
    frame = {name: torch.as_tensor(values[:1]) for name, values in checkpoint.frames.items()}
    for seen, asked in ((0, 0), (9, 1)):  # the first number of the first target, and of the second
        other = {**frame, "targets": frame["targets"].clone()}
        other["targets"][:, seen] += 1.0
        assert torch.equal(net(frame)["logits"], net(other)["logits"]) == bool(asked)
        assert not torch.equal(whole(frame)["logits"], whole(other)["logits"])
