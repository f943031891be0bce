"""The auxiliary task of saying where the objects go: a head that is there in training only."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from takead_training.architectures.network import PolicyNetwork, TrainedNetwork
from takead_training.data.dataset import Dataset
from takead_training.data.forecasts import AHEAD_S, COLUMN, with_forecasts
from takead_training.settings import Imitation

SCALE_M = 5.0  # of a forecast


class Forecasting(TrainedNetwork):
    """``net`` with a linear head on each object's token (Renz et al., PlanT, 2022, section 3.3, there as classes).

    Its output ``forecast`` (B, N, len(AHEAD_S), 2) is in m. What is kept, exported and driven is ``net``.
    """

    def __init__(self, net: PolicyNetwork) -> None:
        super().__init__()
        self.net = net
        self.head = nn.Linear(net.object_width, 2 * len(AHEAD_S))

    @property
    def anchors(self) -> Tensor:
        return self.net.anchors

    def forward(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        out = self.net(inputs)
        tokens = out["object_tokens"]
        return {**out, "forecast": self.head(tokens).reshape(*tokens.shape[:2], len(AHEAD_S), 2) * SCALE_M}


def with_task(
    net: PolicyNetwork, data: Dataset, columns: tuple[str, ...], settings: Imitation
) -> tuple[PolicyNetwork | Forecasting, Dataset, tuple[str, ...]]:
    """What a stage of imitation trains, on what and which columns of it; as they are where nothing is forecast."""
    if settings.forecast == 0.0:
        return net, data, columns
    return Forecasting(net), with_forecasts(data), (*columns, COLUMN)


def forecast_loss(forecast: Tensor, wanted: Tensor) -> Tensor:
    """Mean Huber loss over what is known of ``wanted`` (B, N, S, 2) m; 0 where nothing is."""
    known = wanted.isfinite()
    error = functional.smooth_l1_loss(
        forecast / SCALE_M, torch.where(known, wanted, forecast.detach()) / SCALE_M, reduction="none"
    )
    return (error * known).sum() / known.sum().clamp(min=1)
