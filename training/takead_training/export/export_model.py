"""From a checkpoint to an ONNX model with its manifest, gated by parity with torch on recorded frames."""

from __future__ import annotations

import subprocess
from pathlib import Path

import onnx

from takead_ros import __version__
from takead_ros.domain.driving import PLAN_DT, PLAN_STEPS
from takead_ros.domain.errors import TakeadError
from takead_ros.files import replacing, write_atomically
from takead_ros.policy.format import ANY
from takead_ros.policy.manifest import KEY, Decoding, Manifest, Tensor, manifest_path
from takead_ros.policy.model import load_model
from takead_ros.policy.onnx_file import model_sha256
from takead_ros.policy.vocabulary import anchors_sha256
from takead_training.architectures.heads import SPEED_BINS
from takead_training.architectures.network import PolicyNetwork
from takead_training.checkpoint import Checkpoint
from takead_training.export.graph import OPSET, to_onnx
from takead_training.export.parity import Parity, measure_parity


def export_model(
    checkpoint: Checkpoint, out: Path, overwrite: bool = False, decoding: Decoding | None = None
) -> tuple[Manifest, Parity]:
    """Write ``out`` (.onnx) and its manifest; only a model that loads and passes the parity gate gets its name.

    Raises TakeadError where ``out`` exists (without ``overwrite``) or cannot be written, where a weight is not finite,
    or where the gate fails.
    """
    check_output(out, overwrite, len(next(iter(checkpoint.frames.values()), ())))
    if not checkpoint.net.finite():
        raise TakeadError("export: the network holds weights that are not finite")
    model = to_onnx(checkpoint.net)
    manifest = _manifest(checkpoint, model_sha256(model.SerializeToString(), "exported model"), decoding or Decoding())
    onnx.helper.set_model_props(model, {KEY: manifest.to_json()})
    with replacing(out) as partial:
        partial.write_bytes(model.SerializeToString())
        parity = measure_parity(checkpoint.net, load_model(partial), checkpoint.frames)
        parity.check()
        # The manifest first: a model without its copy beside it still loads, one beside a stale copy does not.
        manifest_path(out).unlink(missing_ok=True)
    write_atomically(manifest_path(out), manifest.to_json())
    return manifest, parity


def check_output(out: Path, overwrite: bool, frames: int) -> None:
    """Raises TakeadError where a model cannot or must not be written to ``out``, and where a checkpoint holds no
    ``frames`` for the gate."""
    if out.suffix != ".onnx":
        raise TakeadError(f"--out {out}: expected a file name ending in .onnx")
    if not overwrite and (out.exists() or manifest_path(out).exists()):
        raise TakeadError(f"--out {out}: exists already; name another file or pass --overwrite")
    if not frames:
        raise TakeadError("export: the checkpoint holds no recorded frames for the parity gate")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TakeadError(f"--out {out}: cannot be written ({error.strerror or error})") from error


def _manifest(checkpoint: Checkpoint, sha256: str, decoding: Decoding) -> Manifest:
    net, made = checkpoint.net, checkpoint.provenance
    format = net.format
    return Manifest(
        name=made.name,
        architecture=net.architecture,
        needs=format.needs,
        inputs=dict(format.inputs),
        outputs={name: _sized(net, name, tensor) for name, tensor in format.outputs.items()},
        encoding=format.name,
        normalisation=dict(format.normalisation),
        decoding=decoding,
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
        git_commit=git_commit(),
        software_version=__version__,
    ).sealed()


def _sized(net: PolicyNetwork, name: str, tensor: Tensor) -> Tensor:
    """An output of the format with the model's own number in place of ANY."""
    size = len(SPEED_BINS) if name == "speed_logits" else len(net.anchors)
    return tensor.model_copy(update={"shape": tuple(size if n == ANY else n for n in tensor.shape)})


def git_commit() -> str | None:
    """Commit of the checkout that this software runs from; None where it is an installed package."""
    command = ["git", "rev-parse", "HEAD"]
    try:
        run = subprocess.run(
            command, cwd=Path(__file__).parent, capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return run.stdout.strip() if run.returncode == 0 else None
