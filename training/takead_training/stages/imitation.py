"""Learning what the better driver did: the term that every stage keeps on."""

from __future__ import annotations

import torch
from torch import Tensor

from takead_ros.policy.encoding import EGO_SPEED_COLUMNS
from takead_training.architectures.network import PolicyNetwork
from takead_training.settings import Imitation
from takead_training.stages.fit import Batch
from takead_training.stages.losses import imitation, total

COLUMNS = ("profile", "speed", "target_speed", "control")


def imitation_loss(
    net: PolicyNetwork, out: dict[str, Tensor], batch: Batch, settings: Imitation
) -> tuple[Tensor, dict[str, float]]:
    """Mean imitation loss of a batch, weighted, and its terms for the record."""
    terms = imitation(out, batch, net.anchors, settings.speed_target)
    return settings.weight * total(terms).mean(), {name: float(term.detach().mean()) for name, term in terms.items()}


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
