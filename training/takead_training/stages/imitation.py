"""Learning what the better driver did: the term that every stage keeps on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from takead_ros.domain.errors import TakeadError
from takead_ros.policy.encoding import EGO_SPEED_COLUMNS
from takead_training.architectures.network import PolicyNetwork
from takead_training.stages.fit import Batch
from takead_training.stages.losses import imitation, total

COLUMNS = ("profile", "speed", "target_speed", "control")


@dataclass(frozen=True)
class Imitation:
    """speed_target: the speed head learns both bins around the expert's speed (two_hot) or the nearest one (nearest).

    speed_dropout: share of the samples in which the ego's own speed is hidden from the network, so that it cannot
    learn to go on as it goes (METHODS: PlanT 2).
    """

    speed_target: Literal["two_hot", "nearest"] = "two_hot"
    speed_dropout: float = 0.0

    def __post_init__(self) -> None:
        if self.speed_target not in ("two_hot", "nearest"):
            raise TakeadError(f"--speed-target '{self.speed_target}': expected two_hot or nearest")
        if not 0.0 <= self.speed_dropout < 1.0:
            raise TakeadError(f"--speed-dropout {self.speed_dropout}: expected 0 up to below 1")


def imitation_loss(
    net: PolicyNetwork, out: dict[str, Tensor], batch: Batch, settings: Imitation
) -> tuple[Tensor, dict[str, float]]:
    """Mean imitation loss of a batch, and its terms for the record."""
    terms = imitation(out, batch, net.anchors, settings.speed_target)
    return total(terms).mean(), {name: float(term.detach().mean()) for name, term in terms.items()}


def imitate(settings: Imitation, net: PolicyNetwork, batch: Batch) -> tuple[Tensor, dict[str, float]]:
    """The loss of a stage that does nothing else."""
    return imitation_loss(net, net(hide_speed(batch, settings)), batch, settings)


def hide_speed(batch: Batch, settings: Imitation) -> Batch:
    """The batch with the ego's speed hidden in some of its samples, drawn from torch's generator."""
    if settings.speed_dropout == 0.0 or "ego" not in batch:
        return batch
    ego = batch["ego"].clone()
    hidden = torch.rand(len(ego)).to(ego.device) < settings.speed_dropout
    for column in EGO_SPEED_COLUMNS:
        ego[hidden, column] = 0.0
    return {**batch, "ego": ego}
