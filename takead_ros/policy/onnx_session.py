"""An ONNX model and its manifest as one: what runs is what the manifest says, on the provider that was asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import onnxruntime

from takead_ros.domain.errors import TakeadError, unknown
from takead_ros.policy.manifest import KEY, ModelManifest, manifest_path
from takead_ros.policy.onnx_file import external_tensors, model_sha256

PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
}
M = TypeVar("M", bound=ModelManifest)


def open_session(
    data: bytes, path: Path, provider: str, beside: bytes | None, parse: Callable[[str | bytes, str], M]
) -> tuple[Any, M]:
    """The ONNX Runtime session of model ``data``, which messages call ``path``, and its manifest as ``parse`` reads it.

    beside: the copy of the manifest. Raises TakeadError where the model is cut short, foreign or not whole, where its
    manifest is missing, edited or of another model or kind, and where the provider is not what really runs.
    """
    digest = model_sha256(data, str(path))
    if outside := external_tensors(data, str(path)):
        raise TakeadError(
            f"{path}: keeps tensor '{outside[0]}' in another file ({len(outside)} in all); expected one whole file, so "
            "that its sha256 covers every weight"
        )
    session = _session(data, path, provider)
    inside = session.get_modelmeta().custom_metadata_map.get(KEY)
    if inside is None:
        raise TakeadError(f"{path}: no '{KEY}' inside: this is not a takead model (make one with 'takead export')")
    manifest = parse(inside, f"{path} (manifest inside)")
    copy = manifest_path(path)
    if beside is not None and parse(beside, str(copy)) != manifest:
        raise TakeadError(f"{copy}: differs from the manifest inside {path.name}; one of them is of another model")
    if manifest.sha256 != digest:
        raise TakeadError(f"{path}: sha256 {digest[:12]}, its manifest says {manifest.sha256[:12]}: weights changed")
    return session, manifest


def check_shapes(session: Any, manifest: ModelManifest, path: Path) -> None:
    """Refuse a model whose tensors are not those that its manifest names."""
    shapes = {name: tensor.shape for name, tensor in manifest.inputs.items()}
    actual = {value.name: tuple(value.shape[1:]) for value in session.get_inputs()}
    if actual != shapes:
        raise TakeadError(f"{path}: the model's inputs are {actual}; its manifest says {shapes}")
    present = {value.name for value in session.get_outputs()}
    missing = [name for name in manifest.outputs if name not in present]
    if missing:
        raise TakeadError(f"{path}: outputs {', '.join(missing)} are missing in the model")


def _session(data: bytes, path: Path, provider: str) -> Any:
    if provider not in PROVIDERS:
        raise unknown("provider", provider, PROVIDERS)
    wanted = PROVIDERS[provider]
    available = onnxruntime.get_available_providers()
    if wanted not in available:
        raise TakeadError(f"provider '{provider}': this onnxruntime has only {', '.join(available)}")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.use_deterministic_compute = True
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(data, options, providers=[wanted])
    except Exception as error:
        raise TakeadError(f"{path}: ONNX Runtime cannot load it ({str(error).splitlines()[0]})") from error
    if session.get_providers()[0] != wanted:
        raise TakeadError(
            f"provider '{provider}': asked for {wanted}, the session runs on {session.get_providers()[0]}"
        )
    return session
