"""From a checkpoint file of either kind to an ONNX model."""

from __future__ import annotations

from pathlib import Path

from takead_ros.policy.manifest import Decoding, ModelManifest
from takead_training.checkpoint import load_checkpoint
from takead_training.export.export_model import export_model
from takead_training.export.parity import Parity
from takead_training.prediction.checkpoint import (
    PredictionParity,
    export_prediction,
    is_prediction,
    load_prediction,
)


def export_file(
    checkpoint: Path, out: Path, overwrite: bool, decoding: Decoding
) -> tuple[ModelManifest, Parity | PredictionParity]:
    """Write ``out``: a policy, which decodes as ``decoding`` says, or a model of road users. Raises TakeadError."""
    if is_prediction(checkpoint):
        return export_prediction(load_prediction(checkpoint), out, overwrite)
    return export_model(load_checkpoint(checkpoint), out, overwrite, decoding)
