"""Checkpoints of prediction models, and from one to an ONNX model with its manifest, gated by parity with torch."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray

from takead_ros import __version__
from takead_ros.domain.errors import TakeadError
from takead_ros.files import replacing, write_atomically
from takead_ros.policy.manifest import KEY, manifest_path
from takead_ros.policy.onnx_file import model_sha256
from takead_ros.prediction.features import SHAPES, STEP_S, STEPS, Arrays
from takead_ros.prediction.model import (
    ENCODING,
    NORMALISATION,
    WAYS,
    PredictionManifest,
    RoadUserModel,
    inputs,
    load_road_user_model,
    outputs,
)
from takead_ros.prediction.motion import unrolled
from takead_training.checkpoint import ModelProvenance, first_line, load_torch, save_torch
from takead_training.export.export_model import check_output, git_commit
from takead_training.export.graph import OPSET, traced
from takead_training.prediction.network import NAME, PredictionNetwork

FORMAT = "takead-road-users-checkpoint-1"
LIMITS = {"position_m": 1e-2, "speed_m_s": 1e-3, "logit": 1e-3}
FRAMES = 64  # recorded road users that a checkpoint keeps for the parity gate


@dataclass
class PredictionCheckpoint:
    """A network, where it comes from, and the features of some recorded road users, each (F, ...)."""

    net: PredictionNetwork
    provenance: ModelProvenance
    frames: Arrays


def save_prediction(checkpoint: PredictionCheckpoint, path: Path) -> None:
    """Write atomically."""
    made = {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(checkpoint.provenance).items()}
    payload = {
        "format": FORMAT,
        "architecture": NAME,
        "encoding": ENCODING,
        "settings": checkpoint.net.settings,
        "state": checkpoint.net.state_dict(),
        "provenance": made,
        "frames": {name: torch.from_numpy(np.array(values)) for name, values in checkpoint.frames.items()},
    }
    save_torch(payload, path)


def is_prediction(path: Path) -> bool:
    """Whether ``path`` is a checkpoint of a model of road users. Raises TakeadError where it is no checkpoint."""
    return bool(load_torch(path, "checkpoint").get("format") == FORMAT)


def load_prediction(path: Path) -> PredictionCheckpoint:
    """What ``save_prediction`` wrote. Raises TakeadError where it is none, of another network, or not finite."""
    payload = load_torch(path, "checkpoint")
    for key, mine in (("format", FORMAT), ("architecture", NAME), ("encoding", ENCODING)):
        if payload.get(key) != mine:
            raise TakeadError(f"checkpoint {path}: {key} '{payload.get(key)}'; expected '{mine}'")
    try:
        net = PredictionNetwork(**payload["settings"])
        net.load_state_dict(payload["state"])
        found: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in payload["provenance"].items()}
        frames = {name: payload["frames"][name].numpy() for name in SHAPES}
        checkpoint = PredictionCheckpoint(net.eval(), ModelProvenance(**found), frames)
    except (KeyError, TypeError, AttributeError, RuntimeError) as error:
        raise TakeadError(f"checkpoint {path}: not one of this software ({first_line(error)})") from error
    if not net.finite():
        raise TakeadError(f"checkpoint {path}: holds weights that are not finite")
    return checkpoint


@dataclass(frozen=True)
class PredictionParity:
    """Largest differences between torch and ONNX Runtime over ``frames`` recorded road users, all ways, all steps."""

    frames: int
    position_m: float
    speed_m_s: float
    logit: float

    def check(self) -> None:
        """Raises TakeadError where a difference is above its limit."""
        for name, limit in LIMITS.items():
            if not getattr(self, name) <= limit:
                raise TakeadError(f"export: parity {name} is {getattr(self, name):.2g}, at most {limit:.0e} is allowed")


def export_prediction(
    checkpoint: PredictionCheckpoint, out: Path, overwrite: bool = False
) -> tuple[PredictionManifest, PredictionParity]:
    """Write ``out`` (.onnx) and its manifest; only a model that loads and passes the parity gate gets its name.

    Raises TakeadError where ``out`` exists (without ``overwrite``) or cannot be written, and where the gate fails.
    """
    check_output(out, overwrite, len(checkpoint.frames["own"]))
    net = checkpoint.net
    model = traced(net, {name: torch.zeros(2, *shape) for name, shape in SHAPES.items()}, WAYS)
    onnx.checker.check_model(model)
    made = checkpoint.provenance
    manifest = PredictionManifest(
        name=made.name,
        architecture=NAME,
        inputs=inputs(),
        outputs=outputs(net.modes.shape[0]),
        encoding=ENCODING,
        normalisation=NORMALISATION,
        steps=STEPS,
        step_s=STEP_S,
        opset=OPSET,
        sha256=model_sha256(model.SerializeToString(), "exported model"),
        parent=made.parent,
        stage=made.stage,
        clips=made.clips,
        suites=made.suites,
        seeds=made.seeds,
        training={"network": net.settings, **made.training},
        git_commit=git_commit(),
        software_version=__version__,
    ).sealed()
    onnx.helper.set_model_props(model, {KEY: manifest.to_json()})
    with replacing(out) as partial:
        partial.write_bytes(model.SerializeToString())
        parity = compare(net, load_road_user_model(partial), checkpoint.frames)
        parity.check()
        manifest_path(out).unlink(missing_ok=True)  # a model beside a stale copy does not load
    write_atomically(manifest_path(out), manifest.to_json())
    return manifest, parity


def compare(net: PredictionNetwork, model: RoadUserModel, frames: Arrays) -> PredictionParity:
    """Run both on recorded road users, each alone and all at once; the larger difference counts.

    Raises TakeadError where one of them answers with something that is not finite.
    """
    with torch.no_grad():
        out = net({name: torch.from_numpy(frames[name]) for name in SHAPES})
    mine = {name: out[name].double().numpy() for name in WAYS}
    count = len(frames["own"])
    alone = [model.run({name: values[i : i + 1] for name, values in frames.items()}) for i in range(count)]
    answers = [model.run(frames), {name: np.concatenate([one[name] for one in alone]) for name in WAYS}]
    for side, found in (("torch", mine), ("ONNX Runtime", answers[0]), ("ONNX Runtime (one by one)", answers[1])):
        for name in WAYS:
            if not np.isfinite(found[name]).all():
                raise TakeadError(f"export: output '{name}' of {side} is not finite on a recorded road user")
    ways = [_states(found, frames) for found in (mine, *answers)]
    return PredictionParity(
        frames=count,
        position_m=max(float(np.abs(ways[0][..., :2] - theirs[..., :2]).max()) for theirs in ways[1:]),
        speed_m_s=max(float(np.abs(ways[0][..., 3] - theirs[..., 3]).max()) for theirs in ways[1:]),
        logit=max(float(np.abs(mine["logits"] - found["logits"]).max()) for found in answers),
    )


def _states(out: dict[str, NDArray[np.float64]], frames: Arrays) -> NDArray[np.float64]:
    speed = np.maximum(frames["own"][:, 0].astype(float) * NORMALISATION["speed_m_s"], 0.0)
    return unrolled(out["controls"], speed[:, None], (frames["own"][:, 7] > 0.5)[:, None])
