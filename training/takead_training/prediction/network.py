"""The network ``conditioned-gru-1``: a road user's surroundings in; a few ways on, each with how likely it is, out.

After PerlAD (arXiv 2603.14908), whose prediction model decodes step by step and is told at every step where the ego is
then: what is predicted answers to the ego's plan. Here the decoder is told at each step where the ego and the others
are as seen from where it has come itself by then.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from takead_ros.prediction.features import LENGTH, SHAPES, SPEED, STEP_S, STEPS
from takead_ros.prediction.motion import BRAKES_MPS2, CURVATURE_1PM, GAINS_MPS2, SIDEWAYS_MPS2, TURN_RADPS
from takead_training.architectures.network import TrainedNetwork
from takead_training.architectures.scene_transformer import Attend, mlp

NAME = "conditioned-gru-1"
NEAREST = 6  # neighbours that the decoder is told of at each step
_MASKED = -1e4
_ON_FOOT = 7  # column of "own"


class PredictionNetwork(TrainedNetwork):
    """controls (B, K, T, 2) [m/s^2; 1/m, on foot rad/s], held for STEP_S each; logits (B, K) of the K ways."""

    architecture = NAME

    def __init__(self, width: int = 64, heads: int = 4, modes: int = 4) -> None:
        super().__init__()
        self.settings: dict[str, Any] = {"width": width, "heads": heads, "modes": modes}
        self.own = mlp(SHAPES["own"][0] + SHAPES["past"][0] * SHAPES["past"][1] + SHAPES["ego_size"][0], width, width)
        self.lanes = mlp(SHAPES["lanes"][1], width, width)
        self.neighbours = mlp(SHAPES["neighbours"][1], width, width)
        self.signals = mlp(SHAPES["signals"][1], width, width)
        self.ego = mlp(SHAPES["ego"][1], width, width)
        self.shift = nn.Linear(width, width)
        self.attend = nn.ModuleList([Attend(width, heads) for _ in range(2)])
        self.begin = nn.Linear(2 * width, width)
        self.modes = nn.Parameter(torch.randn(modes, width) * 0.5)
        self.other = mlp(6 + 2, width // 2, width // 2)
        self.step = mlp(5 + 10 + width // 2, width, width)
        self.cell = nn.GRUCell(width, width)
        self.act = nn.Linear(width, 2)
        self.score = mlp(2 * width, width, 1)
        self.act.weight.data.mul_(0.1)
        nn.init.zeros_(self.act.bias)

    def forward(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        own, ego = inputs["own"], inputs["ego"]
        context = self.own(torch.cat([own, inputs["past"].flatten(1), inputs["ego_size"]], dim=-1))
        tokens = torch.cat(
            [
                self.lanes(inputs["lanes"]),
                torch.relu(self.neighbours(inputs["neighbours"]) + self.shift(context)[:, None]),
                self.signals(inputs["signals"]),
                torch.relu(self.ego(ego) + self.shift(context)[:, None]),
            ],
            dim=1,
        )
        there = torch.ones_like(ego[..., 0])
        mask = torch.cat([inputs["lanes_mask"], inputs["neighbours_mask"], inputs["signals_mask"], there], dim=1)
        query = context
        for attend in self.attend:
            query = attend(query, tokens, (1.0 - mask) * _MASKED)
        known = torch.cat([context, query], dim=-1)
        count = self.modes.shape[0]
        hidden = torch.tanh(self.begin(known)[:, None] + self.modes).flatten(0, 1)  # (B * K, D)
        states = _States(inputs, count)
        found = []
        for t in range(STEPS):
            others, there = states.others(t)
            pooled = (self.other(others) + (1.0 - there[..., None]) * _MASKED).amax(1)
            pooled = torch.relu(pooled)
            hidden = self.cell(torch.relu(self.step(torch.cat([states.inputs(t), pooled], dim=-1))), hidden)
            control = states.bounded(self.act(hidden))
            states.advance(control)
            found.append(control)
        controls = torch.stack(found, dim=1).reshape(-1, count, STEPS, 2)
        final = torch.cat([hidden.reshape(-1, count, hidden.shape[-1]), query[:, None].expand(-1, count, -1)], dim=-1)
        return {"controls": controls, "logits": self.score(final)[..., 0]}


class _States:
    """Where each of K ways has come, (B * K) of them, and what is told of it: as ``prediction.motion`` moves it."""

    def __init__(self, inputs: Mapping[str, Tensor], modes: int) -> None:
        repeated = {
            name: inputs[name].repeat_interleave(modes, dim=0)
            for name in ("own", "ego", "neighbours", "neighbours_mask")
        }
        self._ego = repeated["ego"]
        self._others = repeated["neighbours"][:, :NEAREST]
        self._there = repeated["neighbours_mask"][:, :NEAREST]
        self.foot = repeated["own"][:, _ON_FOOT]
        self.speed = (repeated["own"][:, 0] * SPEED).clamp(min=0.0)
        self.x, self.y, self.yaw = (torch.zeros_like(self.speed) for _ in range(3))

    def _seen(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Places (B * K, ...) m from here, in units of LENGTH."""
        shape = (-1,) + (1,) * (x.dim() - 1)
        cos, sin = torch.cos(self.yaw).reshape(shape), torch.sin(self.yaw).reshape(shape)
        dx, dy = x - self.x.reshape(shape), y - self.y.reshape(shape)
        return (cos * dx + sin * dy) / LENGTH, (cos * dy - sin * dx) / LENGTH

    def inputs(self, t: int) -> Tensor:
        """Itself, and the ego at the end of step ``t`` and at its beginning (B * K, 15)."""
        cos, sin = torch.cos(self.yaw), torch.sin(self.yaw)
        parts = [self.speed / SPEED, self.x / LENGTH, self.y / LENGTH, cos, sin]
        for i in (2 + t, 3 + t):
            row = self._ego[:, i]
            x, y = self._seen(row[:, 0] * LENGTH, row[:, 1] * LENGTH)
            parts += [x, y, row[:, 2] * cos + row[:, 3] * sin, row[:, 3] * cos - row[:, 2] * sin, row[:, 4]]
        return torch.stack(parts, dim=-1)

    def others(self, t: int) -> tuple[Tensor, Tensor]:
        """The others (B * K, N, 8) where they are at the middle of step ``t`` if they go on as they do, and which of
        these there are (B * K, N)."""
        time_s = (t + 0.5) * STEP_S
        rows = self._others
        x, y = (
            rows[..., 0] * LENGTH + rows[..., 4] * SPEED * time_s,
            rows[..., 1] * LENGTH + rows[..., 5] * SPEED * time_s,
        )
        x, y = self._seen(x, y)
        cos, sin = torch.cos(self.yaw)[:, None], torch.sin(self.yaw)[:, None]
        vx = cos * rows[..., 4] + sin * rows[..., 5] - self.speed[:, None] / SPEED
        vy = cos * rows[..., 5] - sin * rows[..., 4]
        told = torch.stack([x, y, vx, vy, rows[..., 6], rows[..., 7], rows[..., 8], rows[..., 10]], dim=-1)
        return told, self._there

    def bounded(self, raw: Tensor) -> Tensor:
        """Controls (B * K, 2) that such a body can follow."""
        gain = raw[:, 0]
        gain = torch.where(
            gain < 0.0, BRAKES_MPS2 * torch.tanh(gain / BRAKES_MPS2), GAINS_MPS2 * torch.tanh(gain / GAINS_MPS2)
        )
        turn = torch.tanh(raw[:, 1])
        turn = torch.where(self.foot > 0.5, TURN_RADPS * turn, CURVATURE_1PM * turn)
        return torch.stack([gain, turn], dim=-1)

    def advance(self, control: Tensor) -> None:
        """One STEP_S under ``control``: ``prediction.motion.advanced``."""
        self.x, self.y, self.yaw, self.speed = advanced(self.x, self.y, self.yaw, self.speed, control, self.foot)


def advanced(
    x: Tensor, y: Tensor, yaw: Tensor, speed: Tensor, control: Tensor, foot: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """``prediction.motion.advanced`` over STEP_S, on tensors."""
    gain, turn = control[..., 0], control[..., 1]
    stop = speed / (-gain).clamp(min=1e-6)
    moves = torch.where(gain < 0.0, stop.clamp(max=STEP_S), torch.full_like(gain, STEP_S))
    way = speed * moves + 0.5 * gain * moves * moves
    limit = (SIDEWAYS_MPS2 / (turn.abs() * speed * speed).clamp(min=1e-6)).clamp(max=1.0)
    change = torch.where(foot > 0.5, turn * STEP_S, turn * limit * way)
    heading = yaw + 0.5 * change
    after = (speed + gain * STEP_S).clamp(min=0.0)
    return x + way * torch.cos(heading), y + way * torch.sin(heading), yaw + change, after


def unrolled(controls: Tensor, speed: Tensor, foot: Tensor) -> Tensor:
    """States (..., T, 4) [x m, y m, yaw rad, speed m/s] under controls (..., T, 2), from the origin; speed, foot
    (...)."""
    x, y, yaw = (torch.zeros_like(speed) for _ in range(3))
    found = []
    for t in range(controls.shape[-2]):
        x, y, yaw, speed = advanced(x, y, yaw, speed, controls[..., t, :], foot)
        found.append(torch.stack([x, y, yaw, speed], dim=-1))
    return torch.stack(found, dim=-2)
