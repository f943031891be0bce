"""Training checkpoints: one file that holds the network, how it came about, and what export needs."""

from __future__ import annotations

import io
import os
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import numpy_helper

from takead_ros.domain.errors import TakeadError
from takead_ros.policy.manifest import Manifest
from takead_ros.policy.model import load_model
from takead_ros.policy.vector import VECTOR_1
from takead_training.net import PolicyNet

FORMAT = "takead-checkpoint-1"


@dataclass(frozen=True)
class Provenance:
    """Where a network comes from; goes into the manifest as it is.

    parent: sha256 of the ONNX model it was trained from; stage: random, bc, dagger or preference; clips: names of the
    clips used; training: the settings by stage.
    """

    name: str
    stage: str
    parent: str | None = None
    clips: tuple[str, ...] = ()
    suites: tuple[str, ...] = ()
    seeds: tuple[int, ...] = ()
    training: dict[str, Any] = field(default_factory=dict)

    def after(self, stage: str, settings: dict[str, Any], **changes: Any) -> Provenance:
        """The provenance after one more stage of training."""
        return replace(self, stage=stage, training={**self.training, stage: settings}, **changes)


@dataclass
class Checkpoint:
    """A network with its provenance and some recorded, encoded frames (each array (F, ...)) for the parity gate."""

    net: PolicyNet
    provenance: Provenance
    frames: dict[str, np.ndarray]


def save_checkpoint(checkpoint: Checkpoint, path: Path) -> None:
    """Write atomically: a killed run leaves the old file or the new one."""
    payload = {
        "format": FORMAT,
        "encoding": VECTOR_1.name,
        "settings": checkpoint.net.settings,
        "state": checkpoint.net.state_dict(),
        "provenance": {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(checkpoint.provenance).items()},
        "frames": {name: torch.from_numpy(np.array(values)) for name, values in checkpoint.frames.items()},
    }
    save_torch(payload, path)


def save_torch(payload: dict[str, Any], path: Path) -> None:
    """torch.save through a temporary file beside ``path``."""
    buffer = io.BytesIO()
    torch.save(payload, buffer)
    temporary = path.with_name(f".{path.name}.tmp")
    path.parent.mkdir(parents=True, exist_ok=True)
    with temporary.open("wb") as file:
        file.write(buffer.getvalue())
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def load_torch(path: Path, what: str) -> dict[str, Any]:
    """The dictionary that ``save_torch`` wrote. Raises TakeadError where it is missing, broken or something else."""
    try:
        payload = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise TakeadError(f"{what} {path}: {error.strerror or error}") from error
    except Exception as error:
        raise TakeadError(f"{what} {path}: not a {what} or cut short ({str(error).splitlines()[0]})") from error
    if not isinstance(payload, dict):
        raise TakeadError(f"{what} {path}: holds a {type(payload).__name__}, expected a dictionary")
    return payload


def load_checkpoint(path: Path) -> Checkpoint:
    """Raises TakeadError where ``path`` is no checkpoint of this software's encoding."""
    payload = load_torch(path, "checkpoint")
    if payload.get("format") != FORMAT or payload.get("encoding") != VECTOR_1.name:
        raise TakeadError(
            f"checkpoint {path}: format '{payload.get('format')}', encoding '{payload.get('encoding')}'; "
            f"expected '{FORMAT}', '{VECTOR_1.name}'"
        )
    state = payload["state"]
    net = PolicyNet(state["anchors"].numpy(), **payload["settings"])
    net.load_state_dict(state)
    found: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in payload["provenance"].items()}
    return Checkpoint(net, Provenance(**found), {name: v.numpy() for name, v in payload["frames"].items()})


def load_parent(path: Path) -> tuple[PolicyNet, Manifest]:
    """The network inside an exported ONNX model, to train on from it, and its manifest.

    An exported model keeps every parameter under its own name, so a deployed model is all that a round needs.
    Raises TakeadError where ``path`` is no sound takead model, or one of another network.
    """
    manifest = load_model(path).manifest
    prefix = "net."
    graph = onnx.load(str(path)).graph
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
    net = PolicyNet(weights["anchors"].numpy(), **settings)
    missing = sorted(set(net.state_dict()) ^ set(weights))
    if missing:
        raise TakeadError(f"model {path}: parameters {', '.join(missing[:3])} do not fit this software's network")
    net.load_state_dict(weights)
    return net.eval(), manifest
