"""What a network has to be so that it can be trained, exported and trained further."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor, nn

from takead_ros.policy.format import PolicyFormat


class TrainedNetwork(nn.Module):
    """What every network here is, whatever for. ``settings``: what its constructor takes, plain JSON values."""

    architecture: str
    settings: dict[str, Any]

    def forward(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        raise NotImplementedError

    def finite(self) -> bool:
        """Whether every parameter and buffer is finite."""
        return all(bool(values.isfinite().all()) for values in self.state_dict().values())


class PolicyNetwork(TrainedNetwork):
    """A network over batches (B, ...) of a format's inputs, with the heads that the losses know:

    logits (B, K), profiles (B, K, T, 2) [m/s, m], speed_logits (B, bins), control (B, 2) [rad, m/s^2]. ``anchors``
    (K, T, 2) is a buffer. ``settings`` are what its constructor takes besides the anchors, plain JSON values.
    One that can be given the auxiliary task of ``stages.forecasting`` also gives object_tokens (B, N, object_width).
    """

    format: PolicyFormat
    anchors: Tensor
    object_width: int


@dataclass(frozen=True)
class Architecture:
    """A kind of network: ``name`` stands in the manifest, ``format`` says what goes in and out.

    build: the network for an anchor vocabulary (K, T, 2) and settings; weights as torch's generator gives them.
    """

    name: str
    format: PolicyFormat
    build: Callable[..., PolicyNetwork]

    def __call__(self, anchors: np.ndarray, settings: Mapping[str, Any] | None = None) -> PolicyNetwork:
        net = self.build(anchors, **(settings or {}))
        net.architecture, net.format = self.name, self.format
        return net
