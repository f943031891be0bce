"""Learning what the better driver did: the term that every stage keeps on."""

from __future__ import annotations

import torch
from torch import Tensor

from takead_ros.policy.encoding import EGO_SPEED_COLUMNS
from takead_training.architectures.network import PolicyNetwork
from takead_training.data.forecasts import COLUMN
from takead_training.settings import Imitation
from takead_training.stages.fit import Batch
from takead_training.stages.forecasting import Forecasting, forecast_loss
from takead_training.stages.losses import imitation, total

COLUMNS = ("profile", "speed", "target_speed", "control")


def imitation_loss(
    net: PolicyNetwork | Forecasting, out: dict[str, Tensor], batch: Batch, settings: Imitation
) -> tuple[Tensor, dict[str, float]]:
    """Mean imitation loss of a batch, weighted, and its terms for the record."""
    terms = imitation(out, batch, net.anchors, settings.speed_target)
    return settings.weight * total(terms).mean(), {name: float(term.detach().mean()) for name, term in terms.items()}


def imitate(settings: Imitation, net: PolicyNetwork | Forecasting, batch: Batch) -> tuple[Tensor, dict[str, float]]:
    """The loss of a stage that does nothing else, but for the auxiliary task of ``settings``."""
    out = net(hide_speed(batch, settings))
    loss, figures = imitation_loss(net, out, batch, settings)
    if settings.forecast == 0.0:
        return loss, figures
    aside = forecast_loss(out["forecast"], batch[COLUMN])
    return loss + settings.forecast * aside, {**figures, "forecast": float(aside.detach())}


def hide_speed(batch: Batch, settings: Imitation) -> Batch:
    """The batch with the ego's speed hidden in some of its samples, drawn from torch's generator."""
    if settings.speed_dropout == 0.0 or "ego" not in batch:
        return batch
    ego = batch["ego"].clone()
    hidden = torch.rand(len(ego)).to(ego.device) < settings.speed_dropout
    for column in EGO_SPEED_COLUMNS:
        ego[hidden, column] = 0.0
    return {**batch, "ego": ego}
