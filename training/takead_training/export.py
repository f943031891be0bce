"""From a checkpoint to an ONNX model with its manifest, gated by parity with torch on recorded frames."""

from __future__ import annotations

import io
import subprocess
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch

from takead_ros import __version__
from takead_ros.domain.driving import PLAN_DT, PLAN_STEPS
from takead_ros.domain.errors import TakeadError
from takead_ros.policy import encoding
from takead_ros.policy.manifest import KEY, Manifest, manifest_path, model_sha256
from takead_ros.policy.model import Policy, load_model
from takead_ros.policy.vector import VECTOR_1
from takead_ros.policy.vocabulary import anchors_sha256, unroll
from takead_training.checkpoint import Checkpoint
from takead_training.net import SPEED_BINS, Exportable, PolicyNet

OPSET = 17  # ONNX Runtime 1.23, the last for Python 3.10, and long before
IR_VERSION = 8
LIMITS = {"position_m": 1e-3, "speed_m_s": 1e-3, "steering_rad": 1e-4, "acceleration_m_s2": 1e-3, "logit": 1e-3}


@dataclass(frozen=True)
class Parity:
    """Largest differences between torch and ONNX Runtime over ``frames`` recorded frames, all candidates, all steps."""

    frames: int
    position_m: float
    speed_m_s: float
    steering_rad: float
    acceleration_m_s2: float
    logit: float
    same_choice: bool

    def check(self) -> None:
        """Raises TakeadError where a difference is above its limit or a top choice differs."""
        for name, limit in LIMITS.items():
            if not getattr(self, name) <= limit:
                raise TakeadError(f"export: parity {name} is {getattr(self, name):.2g}, at most {limit:.0e} is allowed")
        if not self.same_choice:
            raise TakeadError("export: torch and ONNX Runtime choose different plans on a recorded frame")


def export(checkpoint: Checkpoint, out: Path, overwrite: bool = False) -> tuple[Manifest, Parity]:
    """Write ``out`` (.onnx) and its manifest; only a model that loads and passes the parity gate gets its name.

    Raises TakeadError where ``out`` exists (without ``overwrite``) or cannot be written, or where the gate fails.
    """
    if out.suffix != ".onnx":
        raise TakeadError(f"--out {out}: expected a file name ending in .onnx")
    if not overwrite and (out.exists() or manifest_path(out).exists()):
        raise TakeadError(f"--out {out}: exists already; name another file or pass --overwrite")
    if not len(next(iter(checkpoint.frames.values()), ())):
        raise TakeadError("export: the checkpoint holds no recorded frames for the parity gate")
    model = to_onnx(checkpoint.net)
    manifest = _manifest(checkpoint, model_sha256(model.SerializeToString(), "exported model"))
    onnx.helper.set_model_props(model, {KEY: manifest.to_json()})
    temporary = out.with_name(f".{out.stem}.tmp.onnx")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(model.SerializeToString())
        parity = compare(checkpoint.net, load_model(temporary), checkpoint.frames)
        parity.check()
        # The manifest first: a model without its copy beside it still loads, one beside a stale copy does not.
        manifest_path(out).unlink(missing_ok=True)
        temporary.replace(out)
        manifest_path(out).write_text(manifest.to_json())
    except OSError as error:
        raise TakeadError(f"--out {out}: cannot be written ({error.strerror or error})") from error
    finally:
        if temporary.exists():
            temporary.unlink()
    return manifest, parity


def to_onnx(net: PolicyNet) -> onnx.ModelProto:
    """The network as an ONNX model with a batch of one, without metadata."""
    inputs = tuple(torch.zeros(1, *tensor.shape) for tensor in VECTOR_1.inputs.values())
    buffer: Any = io.BytesIO()  # torch's type hints know of paths only
    with warnings.catch_warnings():
        # The TorchScript exporter is the one that needs no further package and keeps the graph small.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Exportable(net).eval(), inputs, buffer, dynamo=False, opset_version=OPSET, do_constant_folding=False,
            input_names=list(VECTOR_1.inputs), output_names=list(VECTOR_1.outputs)[:-1],
        )  # fmt: skip
    model = onnx.load_from_string(buffer.getvalue())
    # A constant output is lost in tracing, so the anchors are made one here.
    model.graph.node.append(onnx.helper.make_node("Identity", ["net.anchors"], ["anchors"]))
    shape = list(net.anchors.shape)
    model.graph.output.append(onnx.helper.make_tensor_value_info("anchors", onnx.TensorProto.FLOAT, shape))
    model.ir_version = IR_VERSION
    model.doc_string = ""
    del model.metadata_props[:]
    onnx.checker.check_model(model)
    return model


def _manifest(checkpoint: Checkpoint, sha256: str) -> Manifest:
    net, made = checkpoint.net, checkpoint.provenance
    count = len(net.anchors)
    shapes = {
        "logits": (count,),
        "profiles": (count, PLAN_STEPS, 2),
        "speed_logits": (len(SPEED_BINS),),
        "control": (2,),
        "anchors": (count, PLAN_STEPS, 2),
    }
    return Manifest(
        name=made.name,
        needs=VECTOR_1.needs,
        inputs=dict(VECTOR_1.inputs),
        outputs={k: tensor.model_copy(update={"shape": shapes[k]}) for k, tensor in VECTOR_1.outputs.items()},
        encoding=VECTOR_1.name,
        normalisation=dict(VECTOR_1.normalisation),
        speed_bins=SPEED_BINS,
        anchors_sha256=anchors_sha256(net.anchors.numpy()),
        plan_steps=PLAN_STEPS,
        plan_dt=PLAN_DT,
        opset=OPSET,
        sha256=sha256,
        parent=made.parent,
        stage=made.stage,
        clips=made.clips,
        suites=made.suites,
        seeds=made.seeds,
        training={"network": net.settings, **made.training},
        git_commit=_git_commit(),
        software_version=__version__,
    ).sealed()


def _git_commit() -> str | None:
    """Commit of the checkout that this software runs from; None where it is an installed package."""
    command = ["git", "rev-parse", "HEAD"]
    try:
        run = subprocess.run(
            command, cwd=Path(__file__).parent, capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return run.stdout.strip() if run.returncode == 0 else None


def compare(net: PolicyNet, policy: Policy, frames: dict[str, np.ndarray]) -> Parity:
    """Run both on encoded ``frames`` (arrays (F, ...) named as the encoding's) and compare what they say."""
    net = net.eval()
    worst = dict.fromkeys(LIMITS, 0.0)
    same, count = True, len(frames["ego"])
    for i in range(count):
        encoded = {name: np.asarray(frames[name][i], np.float32) for name in VECTOR_1.inputs}
        with torch.no_grad():
            out = net({name: torch.from_numpy(value)[None] for name, value in encoded.items()})
        mine = {name: value[0].double().numpy() for name, value in out.items()}
        theirs = policy.run(encoded)
        speed = float(encoded["ego"][0]) * encoding.SPEED
        roads = [unroll(o["profiles"], speed, 0.0) for o in (mine, theirs)]
        gaps = {
            "position_m": max(np.abs(roads[0][j] - roads[1][j]).max() for j in (0, 1)),
            "speed_m_s": np.abs(roads[0][2] - roads[1][2]).max(),
            "steering_rad": abs(mine["control"][0] - theirs["control"][0]),
            "acceleration_m_s2": abs(mine["control"][1] - theirs["control"][1]),
            "logit": np.abs(mine["logits"] - theirs["logits"]).max(),
        }
        worst = {name: max(worst[name], float(gap)) for name, gap in gaps.items()}
        same &= int(mine["logits"].argmax()) == int(theirs["logits"].argmax())
    return Parity(frames=count, same_choice=same, **worst)
