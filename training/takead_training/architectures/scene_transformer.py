"""The network ``scene-transformer-2`` of the format ``vector-1``: from tokens to a distribution over anchored plans
and two other heads."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from takead_ros.domain.driving import PLAN_STEPS
from takead_ros.domain.errors import TakeadError
from takead_ros.policy import encoding
from takead_ros.policy.vector import VECTOR_1
from takead_training.architectures.heads import (
    ACCELERATION_SCALE,
    REFINE_OFFSET,
    REFINE_PACE,
    SPEED_BINS,
    STEER_SCALE,
)
from takead_training.architectures.network import PolicyNetwork

_MASKED = -1e4


def mlp(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    """Two linear layers."""
    return nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, outputs))


class Attend(nn.Module):
    """One query (B, D) reads tokens (B, N, D) where mask (B, N) is 1; residual, then layer norm.

    With a single query, keys and values need not be made for every token: (W_k t) . q = t . (W_k^T q), and the values'
    map is applied to the mean of the tokens that the softmax gives. The key's bias moves all scores alike: no effect.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads, self.size = heads, width // heads
        self.query, self.key, self.value = (
            nn.Linear(width, width),
            nn.Linear(width, width, False),
            nn.Linear(width, width),
        )
        self.out, self.norm = nn.Linear(width, width), nn.LayerNorm(width)

    def forward(self, query: Tensor, tokens: Tensor, bias: Tensor) -> Tensor:
        heads, size, width = self.heads, self.size, tokens.shape[2]
        q = self.query(query).reshape(-1, heads, size).transpose(0, 1) * size**-0.5
        asked = (q @ self.key.weight.reshape(heads, size, width)).transpose(0, 1)
        share = torch.softmax(asked @ tokens.transpose(1, 2) + bias[:, None], dim=-1)
        mean = (share @ tokens).transpose(0, 1)
        read = (mean @ self.value.weight.reshape(heads, size, width).transpose(1, 2)).transpose(0, 1)
        normed: Tensor = self.norm(query + self.out(read.reshape(-1, width) + self.value.bias))
        return normed


class SceneTransformer(PolicyNetwork):
    """Heads: logits (B, K), profiles (B, K, T, 2) [m/s, m] = anchors + bounded refinement, speed_logits (B, bins),
    control (B, 2) [rad, m/s^2]; and the anchors themselves, so that a vehicle can check whose they are.

    ``anchors`` (K, T, 2) as in ``takead_ros.policy.vocabulary``. softmax(logits) is the exact distribution.
    ``targets``: how many of the format's three target points the network sees (LEAD compares one with three).
    """

    refine_scale: Tensor
    control_scale: Tensor

    def __init__(
        self,
        anchors: np.ndarray,
        width: int = 96,
        heads: int = 4,
        trunk: int = 256,
        rank: int = 48,
        *,
        targets: int = 3,
    ) -> None:
        super().__init__()
        if heads < 1 or width % heads:
            raise TakeadError(f"network: a width of {width} cannot be split among {heads} heads; expected a multiple")
        self.settings = {"width": width, "heads": heads, "trunk": trunk, "rank": rank}
        self.register_buffer("anchors", torch.as_tensor(np.asarray(anchors), dtype=torch.float32))
        self.object_width, count = width, len(anchors)
        self.seen_targets = targets * VECTOR_1.inputs["targets"].shape[0] // 3
        context = sum(VECTOR_1.inputs[name].shape[0] for name in ("ego", "path")) + self.seen_targets
        self.context = mlp(context, trunk, width)
        self.objects = mlp(encoding.OBJECT_FEATURES, width, width)
        self.lines = mlp(encoding.LINE_FEATURES, width, width)
        self.controls = mlp(encoding.CONTROL_FEATURES, width, width)
        self.shift = nn.Linear(width, width)
        self.mix = nn.Linear(width, width)
        self.attend = nn.ModuleList([Attend(width, heads) for _ in range(2)])
        self.trunk = nn.Sequential(nn.Linear(3 * width, trunk), nn.ReLU(), nn.Linear(trunk, trunk), nn.ReLU())
        self.logits = nn.Linear(trunk, count)
        self.refine_low = nn.Linear(trunk, rank)
        self.refine_each = nn.Linear(rank, count * PLAN_STEPS * 2)
        self.refine_all = nn.Linear(trunk, PLAN_STEPS * 2)
        self.speed = nn.Linear(trunk, len(SPEED_BINS))
        self.control = nn.Linear(trunk, 2)
        for layer in (self.refine_each, self.refine_all):
            nn.init.zeros_(layer.bias)
            layer.weight.data.mul_(0.1)
        self.register_buffer("refine_scale", torch.tensor([REFINE_PACE, REFINE_OFFSET]))
        self.register_buffer("control_scale", torch.tensor([STEER_SCALE, ACCELERATION_SCALE]))

    def forward(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        targets = inputs["targets"]
        if self.seen_targets < targets.shape[1]:
            targets = targets[:, : self.seen_targets]
        context = self.context(torch.cat([inputs["ego"], inputs["path"], targets], dim=-1))
        objects = torch.relu(self.objects(inputs["objects"]) + self.shift(context)[:, None])
        objects = torch.relu(self.mix(objects))
        tokens = torch.cat([objects, self.lines(inputs["lines"]), self.controls(inputs["controls"])], dim=1)
        mask = torch.cat([inputs["objects_mask"], inputs["lines_mask"], inputs["controls_mask"]], dim=1)
        bias = (1.0 - mask) * _MASKED
        query = context
        for attend in self.attend:
            query = attend(query, tokens, bias)
        nearby = (objects * inputs["objects_mask"][..., None]).amax(dim=1)
        hidden = self.trunk(torch.cat([context, query, nearby], dim=-1))
        shape = (-1, len(self.anchors), PLAN_STEPS, 2)
        each = self.refine_each(torch.relu(self.refine_low(hidden))).reshape(shape)
        refinement = torch.tanh(each + self.refine_all(hidden).reshape(-1, 1, PLAN_STEPS, 2)) * self.refine_scale
        return {
            "logits": self.logits(hidden),
            "profiles": self.anchors + refinement,
            "speed_logits": self.speed(hidden),
            "control": self.control(hidden) * self.control_scale,
            "object_tokens": objects,
        }
