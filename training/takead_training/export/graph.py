"""A network as an ONNX graph with a free batch axis, without metadata."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import onnx
import torch
from torch import Tensor, nn

from takead_training.architectures.network import PolicyNetwork, TrainedNetwork

OPSET = 17  # ONNX Runtime 1.23, the last for Python 3.10, and long before
IR_VERSION = 8
BATCH = "batch"  # name of the free axis


class _Positional(nn.Module):
    """A network with positional inputs and outputs, as ONNX wants them."""

    def __init__(self, net: TrainedNetwork, inputs: Sequence[str], outputs: Sequence[str]) -> None:
        super().__init__()
        self.net, self.inputs, self.outputs = net, inputs, outputs

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        out = self.net(dict(zip(self.inputs, inputs, strict=True)))
        return tuple(out[name] for name in self.outputs)


def traced(net: TrainedNetwork, given: Mapping[str, Tensor], outputs: Sequence[str]) -> onnx.ModelProto:
    """A network in ONNX, by what it does with ``given`` (a batch of each input); every parameter keeps its own name,
    after ``net.``."""
    buffer: Any = io.BytesIO()  # torch's type hints know of paths only
    with warnings.catch_warnings():
        # The TorchScript exporter is the one that needs no further package and keeps the graph small.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _Positional(net, list(given), outputs).eval(),
            tuple(given.values()),
            buffer,
            dynamo=False,
            opset_version=OPSET,
            do_constant_folding=False,
            input_names=list(given),
            output_names=list(outputs),
            dynamic_axes={name: {0: BATCH} for name in (*given, *outputs)},
        )
    model = onnx.load_from_string(buffer.getvalue())
    model.ir_version = IR_VERSION
    model.doc_string = ""
    del model.metadata_props[:]
    return model


def _computed(net: PolicyNetwork) -> list[str]:
    return [name for name in net.format.outputs if name not in net.format.constants]


def to_onnx(net: PolicyNetwork) -> onnx.ModelProto:
    """The network in ONNX: every parameter under its own name after ``net.``, constants as outputs of their own."""
    inputs = {name: torch.from_numpy(values) for name, values in net.format.empty(2).items()}
    model = traced(net, inputs, _computed(net))
    for name in net.format.constants:
        # A constant output is lost in tracing, so it is made one here.
        values = net.get_buffer(name)
        model.graph.node.append(onnx.helper.make_node("Identity", [f"net.{name}"], [name]))
        info = onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, list(values.shape))
        model.graph.output.append(info)
    onnx.checker.check_model(model)
    return model
