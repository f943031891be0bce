"""Losses, as functions of the network's outputs and the better driver's behaviour."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from takead_ros.domain.driving import PLAN_DT
from takead_training.architectures.heads import ACCELERATION_SCALE, SPEED_BINS, STEER_SCALE

SPREAD = 0.6  # m: plans this close to the expert's share its probability mass
NEAREST = 3  # anchors whose refinement is taught at each sample
WEIGHTS = {"choice": 1.0, "refinement": 1.0, "speed": 0.3, "control": 0.5}


def unroll(profiles: Tensor, speed: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Distance along (..., T) m, offset (..., T) m without the fading present one, pace (..., T) m/s.

    profiles (..., T, 2); speed broadcasts to profiles' leading shape. The same as ``policy.vocabulary.unroll``.
    """
    pace = (speed[..., None] + profiles[..., 0]).clamp(min=0.0)
    return torch.cumsum(pace, dim=-1) * PLAN_DT, profiles[..., 1], pace


def distances(profile: Tensor, anchors: Tensor, speed: Tensor) -> Tensor:
    """Root mean square distances (B, K) m over the steps between profiles (B, T, 2) and anchors (K, T, 2)."""
    along, offset, _ = unroll(profile, speed)
    anchor_along, anchor_offset, _ = unroll(anchors[None], speed[:, None])
    square = (along[:, None] - anchor_along) ** 2 + (offset[:, None] - anchor_offset) ** 2
    return square.mean(-1).sqrt()


def nearest_anchor(profile: Tensor, anchors: Tensor, speed: Tensor) -> Tensor:
    """Index (B,) of the anchor nearest to each profile (B, T, 2): how a plan is mapped to the vocabulary."""
    return distances(profile, anchors, speed).argmin(1)


def imitation(
    out: dict[str, Tensor], batch: dict[str, Tensor], anchors: Tensor, speed_target: str = "two_hot"
) -> dict[str, Tensor]:
    """Loss terms, each (B,): choice (soft cross-entropy over the anchors), refinement, speed bins and control."""
    speed = batch["speed"]
    apart = distances(batch["profile"], anchors, speed)
    wanted = torch.softmax(-0.5 * (apart / SPREAD) ** 2, dim=-1)
    choice = -(wanted * torch.log_softmax(out["logits"], dim=-1)).sum(-1)
    near = apart.topk(NEAREST, dim=-1, largest=False).indices
    share = torch.gather(wanted, 1, near)
    share = share / share.sum(-1, keepdim=True).clamp(min=1e-6)
    rows = torch.arange(len(near))[:, None]
    refined = unroll(out["profiles"][rows, near], speed[:, None])
    target = unroll(batch["profile"][:, None], speed[:, None])
    error = [_huber(a, b.expand_as(a)).mean(-1) for a, b in zip(refined, target, strict=True)]
    refinement = (share * (error[0] + 3.0 * error[1] + 0.5 * error[2])).sum(-1)
    log_speeds = torch.log_softmax(out["speed_logits"], dim=-1)
    bins = two_hot(batch["target_speed"])
    if speed_target == "nearest":
        bins = functional.one_hot(bins.argmax(-1), bins.shape[-1]).to(bins.dtype)
    speeds = -(bins * log_speeds).sum(-1)
    scale = torch.tensor([STEER_SCALE * 0.2, ACCELERATION_SCALE])
    control = _huber(out["control"] / scale, batch["control"] / scale).sum(-1)
    return {"choice": choice, "refinement": refinement, "speed": speeds, "control": control}


def _huber(value: Tensor, target: Tensor) -> Tensor:
    return functional.smooth_l1_loss(value, target, reduction="none")


def total(terms: dict[str, Tensor]) -> Tensor:
    """The weighted sum (B,) of the imitation terms."""
    return torch.stack([WEIGHTS[name] * term for name, term in terms.items()]).sum(0)


def two_hot(values: Tensor) -> Tensor:
    """Weights (B, bins) of the two SPEED_BINS around each value (B,) m/s; their mean is the value, held at the ends."""
    bins = torch.tensor(SPEED_BINS)
    value = values.clamp(float(bins[0]), float(bins[-1]))
    upper = torch.searchsorted(bins, value, right=True).clamp(1, len(bins) - 1)
    share = (value - bins[upper - 1]) / (bins[upper] - bins[upper - 1])
    weights = torch.zeros(len(value), len(bins))
    weights.scatter_(1, (upper - 1)[:, None], (1.0 - share)[:, None])
    return weights.scatter_(1, upper[:, None], share[:, None])


def dpo(chosen: Tensor, rejected: Tensor, chosen_ref: Tensor, rejected_ref: Tensor, beta: float) -> Tensor:
    """DPO loss (B,) of log-probabilities (B,) under the policy and under the frozen reference.

    Rafailov et al., Direct Preference Optimization, 2023, eq. 7.
    """
    return -functional.logsigmoid(beta * ((chosen - chosen_ref) - (rejected - rejected_ref)))


def simpo(chosen: Tensor, rejected: Tensor, beta: float, gamma: float) -> Tensor:
    """SimPO loss (B,) of log-probabilities (B,), needing no reference: a margin of ``gamma`` is asked for.

    Meng et al., SimPO, 2024, eq. 6; all plans have the same length, so nothing is normalised by it.
    """
    return -functional.logsigmoid(beta * (chosen - rejected) - gamma)


def soft_choice(logits: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy (B,) of softmax(logits (B, K)) to a distribution ``target`` (B, K)."""
    return -(target * torch.log_softmax(logits, dim=-1)).sum(-1)


def log_probabilities(logits: Tensor, choice: Tensor) -> Tensor:
    """Exact log-probabilities (B,) of anchors ``choice`` (B,) under softmax(logits (B, K))."""
    return torch.log_softmax(logits, dim=-1).gather(1, choice[:, None])[:, 0]
