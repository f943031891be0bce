from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from support.scenes import make_scene
from takead_ros.domain.driving import PLAN_STEPS, DriverStatus
from takead_ros.domain.errors import TakeadError
from takead_ros.policy.manifest import KEY, Manifest, manifest_path, parse_manifest
from takead_ros.policy.model import load_model
from takead_ros.policy.onnx_file import model_sha256
from takead_ros.policy.vocabulary import anchors_sha256
from takead_ros.resources import resource

NOVICE = resource("models/novice.onnx")
_METADATA_PROPS = (14 << 3) | 2


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def field(number: int, content: bytes) -> bytes:
    return varint((number << 3) | 2) + varint(len(content)) + content


def with_metadata(model: bytes, entries: dict[str, str]) -> bytes:
    """``model`` with its metadata replaced, by hand on the wire format."""
    at, kept = 0, b""
    while at < len(model):
        start = at
        tag, shift = 0, 0
        while True:
            byte = model[at]
            tag |= (byte & 0x7F) << shift
            at, shift = at + 1, shift + 7
            if byte < 0x80:
                break
        size, shift = 0, 0
        while True:
            byte = model[at]
            size |= (byte & 0x7F) << shift
            at, shift = at + 1, shift + 7
            if byte < 0x80:
                break
        if tag & 7 == 2:
            at += size
        if tag != _METADATA_PROPS:
            kept += model[start:at]
    for key, value in entries.items():
        kept += field(14, field(1, key.encode()) + field(2, value.encode()))
    return kept


@pytest.fixture
def manifest() -> Manifest:
    return load_model(NOVICE).manifest


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def write(model: bytes, beside: str | None = None) -> Path:
        path = tmp_path / "m.onnx"
        path.write_bytes(model)
        if beside is not None:
            manifest_path(path).write_text(beside)
        return path

    return write


def refuse(path: Path, message: str) -> None:
    with pytest.raises(TakeadError, match=message) as caught:
        load_model(path)
    assert path.name in str(caught.value) or manifest_path(path).name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_shipped_model_loads_and_says_what_it_is() -> None:
    policy = load_model(NOVICE)
    beside = parse_manifest(manifest_path(NOVICE).read_bytes(), "beside")
    assert policy.manifest == beside
    assert policy.sha256 == model_sha256(NOVICE.read_bytes(), "novice")
    assert policy.provider == "cpu"


def test_hash_names_the_weights_not_the_metadata() -> None:
    data = NOVICE.read_bytes()
    assert model_sha256(with_metadata(data, {"a": "b"}), "x") == model_sha256(data, "x")
    changed = bytearray(data)
    changed[len(data) // 2] ^= 1
    assert model_sha256(bytes(changed), "x") != model_sha256(data, "x")


@pytest.mark.parametrize("name", ["none.onnx", "sub/none.onnx", "."])
def test_a_missing_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(TakeadError, match=r"expected an ONNX file"):
        load_model(tmp_path / name)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not an ONNX model or cut short"),
        (b"\0" * 1000, "not an ONNX model or cut short|cannot load"),
        (b"not a model at all, only text\n" * 50, "not an ONNX model or cut short"),
        (b"\x80\x02}q\x00X\x05", "not an ONNX model or cut short"),
    ],
    ids=["empty", "zeros", "text", "pickle"],
)
def test_what_is_no_model_is_refused(write: Callable[..., Path], content: bytes, message: str) -> None:
    refuse(write(content), message)


@pytest.mark.parametrize("share", [0.001, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_model_is_refused(write: Callable[..., Path], share: float) -> None:
    data = NOVICE.read_bytes()
    refuse(write(data[: int(len(data) * share)]), "not an ONNX model or cut short")


def test_a_foreign_model_is_refused(write: Callable[..., Path]) -> None:
    refuse(write(with_metadata(NOVICE.read_bytes(), {"producer": "somebody"})), "this is not a takead model")


def test_flipped_weights_are_refused(write: Callable[..., Path]) -> None:
    data = bytearray(NOVICE.read_bytes())
    # In the middle of the largest weight matrix: still a valid graph, with another number in it.
    at = len(data) // 2
    data[at] ^= 1
    refuse(write(bytes(data)), "weights changed")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"encoding": "vector-0"}, "made for encoding vector-0"),
        ({"normalisation": {"length_m": 1.0}}, "made for normalisation"),
        ({"plan_dt": 0.1}, "made for plan dt"),
        ({"anchors_sha256": "0" * 64}, "anchors .* do not belong together"),
        ({"sha256": "0" * 64}, "weights changed"),
        ({"inputs": {}}, "made for input shapes"),
        ({"outputs": {}}, "outputs none; format"),
        ({"format": "takead-model-0"}, "manifest format 'takead-model-0'"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_manifest_of_another_model_is_refused(
    write: Callable[..., Path], manifest: Manifest, change: dict[str, Any], message: str
) -> None:
    other = manifest.model_copy(update=change).sealed()
    refuse(write(with_metadata(NOVICE.read_bytes(), {KEY: other.to_json()}), other.to_json()), message)


@pytest.mark.parametrize("where", ["inside", "beside"])
@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda body: {**body, "stage": "better"}, "was edited"),
        (lambda body: {**body, "surprise": 1}, "surprise"),
        (lambda body: {k: v for k, v in body.items() if k != "encoding"}, "encoding"),
        (lambda body: "{not json", "JSON"),
    ],
    ids=["changed", "added", "removed", "broken"],
)
def test_an_edited_manifest_is_refused(
    write: Callable[..., Path], manifest: Manifest, where: str, edit: Callable[[Any], Any], message: str
) -> None:
    edited = edit(json.loads(manifest.to_json()))
    text = edited if isinstance(edited, str) else json.dumps(edited)
    inside, beside = (text, manifest.to_json()) if where == "inside" else (manifest.to_json(), text)
    refuse(write(with_metadata(NOVICE.read_bytes(), {KEY: inside}), beside), message)


def test_a_stale_manifest_beside_is_refused_and_none_beside_is_fine(
    write: Callable[..., Path], manifest: Manifest
) -> None:
    other = manifest.model_copy(update={"name": "another"}).sealed()
    refuse(write(NOVICE.read_bytes(), other.to_json()), "differs from the manifest inside")
    path = write(NOVICE.read_bytes())
    manifest_path(path).unlink()
    assert load_model(path).sha256 == manifest.sha256


def test_a_provider_that_would_not_run_is_a_hard_error() -> None:
    with pytest.raises(TakeadError, match="provider 'warp': unknown"):
        load_model(NOVICE, "warp")
    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        with pytest.raises(TakeadError, match="provider 'cuda': this onnxruntime has only"):
            load_model(NOVICE, "cuda")


@pytest.mark.filterwarnings("ignore:Specified provider")
def test_a_session_that_falls_back_is_a_hard_error(monkeypatch: pytest.MonkeyPatch) -> None:
    # onnxruntime lists providers that it then fails to start: it goes on with the CPU and only warns.
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider"])
    with pytest.raises(TakeadError, match=r"asked for CUDAExecutionProvider, the session runs on CPU"):
        load_model(NOVICE, "cuda")


def test_inference_is_complete_finite_and_repeatable() -> None:
    policy = load_model(NOVICE)
    scene = make_scene(4, radius=60.0)
    out = policy.infer(scene)
    count = policy.manifest.outputs["logits"].shape[0]
    assert out.status == DriverStatus.OK, out.status_text
    assert out.stamp == scene.stamp and out.model_sha256 == policy.sha256
    assert out.candidates.shape == (count, PLAN_STEPS, 2) and out.logits.shape == (count,)
    best = int(out.logits.argmax())
    np.testing.assert_array_equal(out.candidates[best], np.stack([out.plan.x, out.plan.y], -1))
    assert out.speed_probabilities.sum() == pytest.approx(1.0)
    again, other = policy.infer(scene), load_model(NOVICE).infer(scene)
    for run in (again, other):
        np.testing.assert_array_equal(run.candidates, out.candidates)
        assert (run.steering_angle, run.acceleration) == (out.steering_angle, out.acceleration)


def test_bad_scenes_give_a_status_instead_of_a_plan() -> None:
    policy, scene = load_model(NOVICE), make_scene()
    nan = replace(scene, ego=replace(scene.ego, speed=float("nan")))
    assert policy.infer(nan).status == DriverStatus.NOT_FINITE
    lost = replace(scene, route=replace(scene.route, path=np.zeros((0, 2))))
    out = policy.infer(lost)
    assert out.status == DriverStatus.ERROR and "route.path" in out.status_text
    fast = replace(scene, ego=replace(scene.ego, speed=300.0))
    assert policy.infer(fast).status == DriverStatus.OUT_OF_RANGE
    assert policy.infer(scene).status == DriverStatus.OK


def test_the_anchors_in_the_model_are_those_of_the_manifest() -> None:
    policy = load_model(NOVICE)
    out = policy.run({name: np.ones(t.shape, np.float32) for name, t in policy.manifest.inputs.items()})
    assert anchors_sha256(out["anchors"]) == policy.manifest.anchors_sha256


@pytest.mark.slow
def test_the_runtime_needs_no_torch() -> None:
    code = (
        "import sys; sys.modules.update(torch=None, onnx=None, takead_training=None, rclpy=None)\n"
        "import takead_ros.policy.model as m, takead_ros.nodes.policy_node, takead_ros.cli.model\n"
        f"print(m.load_model({str(NOVICE)!r}).sha256)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stderr
    assert len(run.stdout.strip()) == 64
