"""Preference optimisation on takeovers: rather the expert's plan than the policy's own choice at the same scene.

Chosen: the expert's (or the person's) plan mapped to the anchor vocabulary. Rejected: the policy's own top choice at
that very scene. An imitation term stays on, because preference alone fails (DESIGN section 8).
"""

from __future__ import annotations

import copy
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from takead_ros.domain.errors import TakeadError
from takead_training.bc import imitation_loss
from takead_training.dagger import TRANSITIONS, Mix, draw
from takead_training.losses import dpo, nearest_anchor, simpo
from takead_training.net import PolicyNet
from takead_training.samples import LABELS, Table
from takead_training.trainer import Batch, Progress, Schedule, fit, prepare, tensors

FOREIGN = -2  # a choice made with another vocabulary: mapped by its plan instead of its index


@dataclass(frozen=True)
class Preference:
    """loss: dpo (with a frozen reference) or simpo. ``margin``: how much better the expert's PDM score must be.

    ``weight`` multiplies the preference loss, the imitation anchor's weight is 1. ``share``: of the samples drawn that
    carry a pair.
    """

    loss: Literal["dpo", "simpo"] = "dpo"
    beta: float = 0.1
    gamma: float = 0.1
    weight: float = 2.0
    margin: float = 0.02
    share: float = 0.3

    def __post_init__(self) -> None:
        if self.loss not in ("dpo", "simpo"):
            raise TakeadError(f"--loss '{self.loss}': expected dpo or simpo")
        for name in ("beta", "weight"):
            if not getattr(self, name) > 0.0:
                raise TakeadError(f"--{name} {getattr(self, name)}: expected a value above 0")
        if not 0.0 < self.share < 1.0:
            raise TakeadError(f"preference share {self.share}: expected a value between 0 and 1")


@dataclass(frozen=True)
class Pairs:
    """Which rows of a table carry a pair, and why the others do not. chosen, rejected (N,) are anchors, -1: no pair."""

    chosen: np.ndarray
    rejected: np.ndarray
    counts: dict[str, int]


def find_pairs(table: Table, anchors: Tensor, margin: float) -> Pairs:
    """The pairs of ``table``: everywhere the policy's choice was recorded beside a better driver's plan, except

    in transition frames, where the expert's PDM score is not better by ``margin``, and where both are one anchor.
    """
    speed = torch.from_numpy(table["speed"])
    chosen = nearest_anchor(torch.from_numpy(table["profile"]), anchors, speed).numpy()
    by_plan = nearest_anchor(torch.from_numpy(table["choice_profile"]), anchors, speed).numpy()
    rejected = np.where(table["choice"] == FOREIGN, by_plan, table["choice"])
    recorded = table["choice"] != -1
    moved = np.isin(table["label"], [LABELS.index(label) for label in TRANSITIONS])
    safer = table["expert_score"] > table["policy_score"] + margin
    same = chosen == rejected
    good = recorded & ~moved & safer & ~same
    counts = {
        "frames": int(recorded.sum()),
        "transition": int((recorded & moved).sum()),
        "not_safer": int((recorded & ~moved & ~safer).sum()),
        "same_plan": int((recorded & ~moved & safer & same).sum()),
        "pairs": int(good.sum()),
    }
    return Pairs(np.where(good, chosen, -1), np.where(good, rejected, -1), counts)


def log_probabilities(logits: Tensor, choice: Tensor) -> Tensor:
    """Exact log-probabilities (B,) of anchors ``choice`` (B,) under softmax(logits (B, K))."""
    return torch.log_softmax(logits, dim=-1).gather(1, choice[:, None])[:, 0]


def preference_loss(logits: Tensor, batch: Batch, settings: Preference) -> tuple[Tensor, dict[str, float]]:
    """Mean loss over the rows of ``batch`` that carry a pair, and the share of them that the policy gets right."""
    rows = torch.nonzero(batch["chosen"] >= 0)[:, 0]
    if not len(rows):
        return logits.sum() * 0.0, {}
    chosen = log_probabilities(logits[rows], batch["chosen"][rows])
    rejected = log_probabilities(logits[rows], batch["rejected"][rows])
    if settings.loss == "simpo":
        loss = simpo(chosen, rejected, settings.beta, settings.gamma)
    else:
        loss = dpo(chosen, rejected, batch["chosen_ref"][rows], batch["rejected_ref"][rows], settings.beta)
    return loss.mean(), {"preference": float(loss.detach().mean()), "right": float((chosen > rejected).float().mean())}


def train_preference(
    net: PolicyNet, table: Table, mix: Mix, settings: Preference, schedule: Schedule, state: Path,
    progress: Progress | None = None,
) -> tuple[list[dict[str, float]], dict[str, object]]:  # fmt: skip
    """Train ``net`` in place, with itself as it was as the frozen reference; returns each epoch's figures, settings.

    Where there is no pair at all, nothing is trained and the figures say so.
    """
    prepare(schedule)
    pairs = find_pairs(table, net.anchors, settings.margin)
    used: dict[str, object] = {**asdict(schedule), **asdict(settings), "pairs": pairs.counts}
    if not pairs.counts["pairs"]:
        return [{"pairs": 0.0}], used
    data = tensors(table)
    data["chosen"], data["rejected"] = torch.from_numpy(pairs.chosen), torch.from_numpy(pairs.rejected)
    _add_reference(data, copy.deepcopy(net).eval())
    carry = np.flatnonzero(pairs.chosen >= 0)

    def rows_of(epoch: int) -> np.ndarray:
        random = np.random.default_rng((schedule.seed, epoch, 1))
        others = draw(table, mix, schedule.seed + 1, epoch)
        count = round(len(others) * settings.share / (1.0 - settings.share))
        times = -(-count // len(carry))
        some = np.concatenate([random.permutation(carry) for _ in range(times)])[:count]
        return random.permutation(np.concatenate([others, some]))

    def loss_of(out: dict[str, Tensor], batch: Batch) -> tuple[Tensor, dict[str, float]]:
        anchor, figures = imitation_loss(net, out, batch)
        wanted, more = preference_loss(out["logits"], batch, settings)
        return anchor + settings.weight * wanted, {**figures, **more}

    history = fit(net, data, rows_of, loss_of, schedule, state, progress)
    return [{**epoch, "pairs": float(len(carry))} for epoch in history], used


def _add_reference(data: Batch, reference: PolicyNet, batch: int = 512) -> None:
    """Log-probabilities of both sides of each pair under the frozen reference; 0 where there is no pair."""
    count = len(data["chosen"])
    data["chosen_ref"], data["rejected_ref"] = torch.zeros(count), torch.zeros(count)
    rows = torch.nonzero(data["chosen"] >= 0)[:, 0]
    with torch.no_grad():
        for part in torch.split(rows, batch):
            logits = reference({name: values[part] for name, values in data.items()})["logits"]
            data["chosen_ref"][part] = log_probabilities(logits, data["chosen"][part])
            data["rejected_ref"][part] = log_probabilities(logits, data["rejected"][part])
