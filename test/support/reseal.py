"""Models that somebody changed who means it: with a manifest that fits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx

from takead_ros.policy.manifest import KEY
from takead_ros.policy.model import load_model
from takead_ros.policy.onnx_file import model_sha256


def resealed(model: Path, change: Callable[[onnx.ModelProto], None], out: Path) -> Path:
    """``model`` with its graph changed and its manifest made to fit again."""
    graph = onnx.load(str(model))
    manifest = load_model(model).manifest
    change(graph)
    del graph.metadata_props[:]
    digest = model_sha256(graph.SerializeToString(), "m")
    text = manifest.model_copy(update={"sha256": digest}).sealed().to_json()
    onnx.helper.set_model_props(graph, {KEY: text})
    out.write_bytes(graph.SerializeToString())
    return out


def not_finite(graph: onnx.ModelProto) -> None:
    """A weight of NaN, so that the commands are."""
    weight = next(tensor for tensor in graph.graph.initializer if tensor.name == "net.control.bias")
    weight.CopyFrom(onnx.numpy_helper.from_array(np.array([np.nan, 0.0], np.float32), weight.name))


def elsewhere(graph: onnx.ModelProto) -> None:
    """A tensor that lies in a file beside the model, which no hash covers."""
    tensor = max(graph.graph.initializer, key=lambda one: len(one.raw_data))
    del tensor.external_data[:]
    tensor.data_location = onnx.TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "weights.bin"
    tensor.ClearField("raw_data")
