"""Training checkpoints: one file that holds the network, how it came about, and what export needs."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from pydantic import TypeAdapter, ValidationError

from takead_ros.domain.errors import TakeadError
from takead_ros.files import open_file, write_atomically
from takead_ros.policy.manifest import Manifest
from takead_ros.policy.model import load_model, onnx_bytes
from takead_training.architectures.network import PolicyNetwork
from takead_training.architectures.registry import architecture_of

FORMAT = "takead-checkpoint-2"
DIGEST = "sha256"  # of everything else in a file
Frames = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True)
class ModelProvenance:
    """Where a network comes from; goes into the manifest as it is.

    parent: sha256 of the ONNX model it was trained from; stage: random, or the last stage's name; clips: names of the
    clips used; training: the settings by stage.
    """

    name: str
    stage: str
    parent: str | None = None
    clips: tuple[str, ...] = ()
    suites: tuple[str, ...] = ()
    seeds: tuple[int, ...] = ()
    training: dict[str, Any] = field(default_factory=dict)

    def after(self, stage: str, settings: dict[str, Any]) -> ModelProvenance:
        """The provenance after one more stage of training."""
        return replace(self, stage=stage, training={**self.training, stage: settings})


@dataclass
class Checkpoint:
    """A network with its provenance and some recorded, encoded frames (each array (F, ...)) for the parity gate."""

    net: PolicyNetwork
    provenance: ModelProvenance
    frames: Frames


def save_checkpoint(checkpoint: Checkpoint, path: Path) -> None:
    """Write atomically: a killed run leaves the old file or the new one."""
    payload = {
        "format": FORMAT,
        "architecture": checkpoint.net.architecture,
        "encoding": checkpoint.net.format.name,
        "settings": checkpoint.net.settings,
        "state": checkpoint.net.state_dict(),
        "provenance": {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(checkpoint.provenance).items()},
        "frames": {name: torch.from_numpy(np.array(values)) for name, values in checkpoint.frames.items()},
    }
    save_torch(payload, path)


def save_torch(payload: dict[str, Any], path: Path) -> None:
    """``payload`` with the digest of its content, whole or not at all. Raises TakeadError for a figure or setting in it
    that is not finite."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        digest = _digest(payload)
    except ValueError as error:
        raise TakeadError(f"training: a number in '{path}' would not be finite; expected finite ones") from error
    buffer = io.BytesIO()
    torch.save({**payload, DIGEST: digest}, buffer)
    write_atomically(path, buffer.getvalue())


def load_torch(path: Path, what: str) -> dict[str, Any]:
    """The dictionary that ``save_torch`` wrote. Raises TakeadError where it is missing, broken or something else."""
    try:
        with open_file(path) as file:
            payload = torch.load(file, map_location="cpu", weights_only=True)
    except OSError as error:
        raise TakeadError(f"{what} {path}: {error.strerror or error}; expected one of 'takead train'") from error
    except Exception as error:
        # what torch says of it is advice to load it with the code inside
        raise TakeadError(f"{what} {path}: not a {what} or cut short; expected one of 'takead train'") from error
    if not isinstance(payload, dict):
        raise TakeadError(f"{what} {path}: holds a {type(payload).__name__}, expected a dictionary")
    stated = payload.pop(DIGEST, None)
    try:
        own = _digest(payload)
    except ValueError as error:
        raise TakeadError(f"{what} {path}: holds a number that is not finite; expected finite ones") from error
    if stated != own:
        raise TakeadError(
            f"{what} {path}: its content is not what its {DIGEST} says ({'none' if stated is None else 'changed'}); "
            "expected a file as this software wrote it"
        )
    return payload


def first_line(error: Exception) -> str:
    """What an exception says, in one line; its kind where it says nothing."""
    return next(iter(str(error).splitlines()), type(error).__name__)


def _digest(payload: object) -> str:
    digest = hashlib.sha256()

    def add(value: object) -> None:
        if isinstance(value, torch.Tensor):
            whole = value.detach().cpu().contiguous()
            digest.update(f"tensor {whole.dtype} {tuple(whole.shape)}\n".encode())
            digest.update(whole.reshape(-1).view(torch.uint8).numpy().tobytes() if whole.numel() else b"")
        elif isinstance(value, Mapping):
            digest.update(f"mapping {len(value)}\n".encode())
            for key in sorted(value, key=repr):
                digest.update(f"{key!r}\n".encode())
                add(value[key])
        elif isinstance(value, (list, tuple)):
            digest.update(f"list {len(value)}\n".encode())
            for part in value:
                add(part)
        else:
            digest.update(f"{json.dumps(value, default=repr, allow_nan=False)}\n".encode())

    add(payload)
    return digest.hexdigest()


def load_checkpoint(path: Path) -> Checkpoint:
    """Raises TakeadError where ``path`` is no checkpoint of a network that this software knows, or not finite."""
    payload = load_torch(path, "checkpoint")
    if payload.get("format") != FORMAT:
        raise TakeadError(f"checkpoint {path}: format '{payload.get('format')}'; expected '{FORMAT}'")
    try:
        architecture = architecture_of(payload["architecture"], f"checkpoint {path}")
        if payload["encoding"] != architecture.format.name:
            raise TakeadError(
                f"checkpoint {path}: encoding '{payload['encoding']}'; network '{architecture.name}' has "
                f"'{architecture.format.name}'"
            )
        if not isinstance(payload["settings"], dict):
            raise TypeError("its settings are no mapping")
        net = architecture(payload["state"]["anchors"].numpy(), payload["settings"])
        net.load_state_dict(payload["state"])
        found: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in payload["provenance"].items()}
        made = TypeAdapter(ModelProvenance).validate_python(found)
        checkpoint = Checkpoint(net, made, _frames(payload["frames"], net))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise TakeadError(
            f"checkpoint {path}: not one of this software (provenance.{place}: {first['msg']})"
        ) from error
    except (KeyError, TypeError, AttributeError, RuntimeError) as error:
        raise TakeadError(f"checkpoint {path}: not one of this software ({first_line(error)})") from error
    if not net.finite():
        raise TakeadError(f"checkpoint {path}: holds weights that are not finite")
    return checkpoint


def _frames(stored: Any, net: PolicyNetwork) -> Frames:
    """The recorded frames in a payload; none where it holds none. Raises TypeError where they are not the network's."""
    if stored == {}:
        return {}
    count = len(next(iter(stored.values())))
    shapes = {name: (count, *tensor.shape) for name, tensor in net.format.inputs.items()}
    told = {name: tuple(values.shape) for name, values in stored.items()}
    if told != shapes:
        raise TypeError(f"its frames are {told}, expected {shapes}")
    return {name: np.asarray(values.numpy(), np.float32) for name, values in stored.items()}


def load_parent(path: Path) -> tuple[PolicyNetwork, Manifest]:
    """The network inside an exported ONNX model, to train on from it, and its manifest.

    An exported model keeps every parameter under its own name, so a deployed model is all that a round needs.
    Raises TakeadError where ``path`` is no sound takead model, or one of another network.
    """
    manifest = load_model(path).manifest
    prefix = "net."
    graph = onnx.load_model_from_string(onnx_bytes(path)).graph
    arrays = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    for node in graph.node:  # the exporter stores equal parameters once and names the others by Identity
        if node.op_type == "Identity" and node.input[0] in arrays:
            arrays[node.output[0]] = arrays[node.input[0]]
    weights = {
        name[len(prefix) :]: torch.from_numpy(values.copy())
        for name, values in arrays.items()
        if name.startswith(prefix)
    }
    settings = manifest.training.get("network")
    if not isinstance(settings, dict) or "anchors" not in weights:
        raise TakeadError(f"model {path}: its manifest names no 'network' settings; it cannot be trained further")
    architecture = architecture_of(manifest.architecture, f"model {path}")
    net = architecture(weights["anchors"].numpy(), settings)
    missing = sorted(set(net.state_dict()) ^ set(weights))
    if missing:
        raise TakeadError(f"model {path}: parameters {', '.join(missing[:3])} do not fit this software's network")
    net.load_state_dict(weights)
    return net.eval(), manifest
