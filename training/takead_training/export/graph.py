"""A network as an ONNX graph with a free batch axis, without metadata."""

from __future__ import annotations

import io
import warnings
from typing import Any

import onnx
import torch
from torch import Tensor, nn

from takead_training.architectures.network import PolicyNetwork

OPSET = 17  # ONNX Runtime 1.23, the last for Python 3.10, and long before
IR_VERSION = 8
BATCH = "batch"  # name of the free axis


class _Positional(nn.Module):
    """The network with positional inputs and outputs in the format's order, as ONNX wants them."""

    def __init__(self, net: PolicyNetwork) -> None:
        super().__init__()
        self.net = net

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        out = self.net(dict(zip(self.net.format.inputs, inputs, strict=True)))
        return tuple(out[name] for name in _computed(self.net))


def _computed(net: PolicyNetwork) -> list[str]:
    return [name for name in net.format.outputs if name not in net.format.constants]


def to_onnx(net: PolicyNetwork) -> onnx.ModelProto:
    """The network in ONNX: every parameter under its own name after ``net.``, constants as outputs of their own."""
    names = [*net.format.inputs, *_computed(net)]
    inputs = tuple(torch.from_numpy(values) for values in net.format.empty(2).values())
    buffer: Any = io.BytesIO()  # torch's type hints know of paths only
    with warnings.catch_warnings():
        # The TorchScript exporter is the one that needs no further package and keeps the graph small.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _Positional(net).eval(),
            inputs,
            buffer,
            dynamo=False,
            opset_version=OPSET,
            do_constant_folding=False,
            input_names=list(net.format.inputs),
            output_names=_computed(net),
            dynamic_axes={name: {0: BATCH} for name in names},
        )
    model = onnx.load_from_string(buffer.getvalue())
    for name in net.format.constants:
        # A constant output is lost in tracing, so it is made one here.
        values = net.get_buffer(name)
        model.graph.node.append(onnx.helper.make_node("Identity", [f"net.{name}"], [name]))
        info = onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, list(values.shape))
        model.graph.output.append(info)
    model.ir_version = IR_VERSION
    model.doc_string = ""
    del model.metadata_props[:]
    onnx.checker.check_model(model)
    return model
