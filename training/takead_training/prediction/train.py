"""Training a prediction model of road users: a few ways on, the nearest of which learns; and which one that will be."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from takead_ros.domain.errors import TakeadError
from takead_ros.domain.scene import FloatArray
from takead_ros.prediction.features import SHAPES, Arrays
from takead_training.prediction.network import PredictionNetwork, unrolled
from takead_training.prediction.samples import TARGETS
from takead_training.settings import Prediction
from takead_training.stages.fit import Batch, Rows, batch_of, fit, make_deterministic
from takead_training.stages.stage import Figures, Progress

LEAST = 200  # samples
COLUMNS = ("future", "known", "speed", "on_foot")
HEADING_M, PACE_S = 2.0, 0.5  # m that one rad is worth in the loss, and m of one m/s
CHOICE = 0.5  # weight of which way it will be


class PredictionSamples:
    """The samples of some clips, one part for each, in memory."""

    def __init__(self, parts: Sequence[Arrays]) -> None:
        self._columns = {name: np.concatenate([part[name] for part in parts]) for name in (*SHAPES, *TARGETS)}
        self._part = np.repeat(np.arange(len(parts)), [len(part["speed"]) for part in parts])

    def __len__(self) -> int:
        return len(self._part)

    def column(self, name: str) -> NDArray[np.float32]:
        """A column (N, ...) of all rows."""
        return self._columns[name]

    def of_parts(self, parts: Iterable[int]) -> Rows:
        """The rows of some of the clips."""
        return np.flatnonzero(np.isin(self._part, list(parts)))

    def batch(self, rows: Rows, columns: Iterable[str]) -> Arrays:
        """See ``stages.fit.SampleTable``."""
        return {name: self._columns[name][rows] for name in (*SHAPES, *columns)}


def train_prediction(
    samples: PredictionSamples, rows: Rows, settings: Prediction, state: Path, progress: Progress | None = None
) -> tuple[PredictionNetwork, list[Figures]]:
    """A network trained from nothing on ``rows``. Deterministic; goes on from ``state``.

    Raises TakeadError for fewer than LEAST rows, and where something is not finite.
    """
    if len(rows) < LEAST:
        raise TakeadError(f"road users: {len(rows)} samples in the clips; at least {LEAST} are needed")
    make_deterministic(settings.schedule)
    net = PredictionNetwork(settings.width, modes=settings.modes)
    seed = settings.schedule.seed
    history = fit(
        net,
        samples,
        COLUMNS,
        lambda epoch: np.random.default_rng((seed, epoch)).permutation(rows),
        lambda net, batch: loss_of(net(batch), batch),
        settings.schedule,
        state,
        progress,
    )
    return net, history


def loss_of(out: dict[str, Tensor], batch: Batch) -> tuple[Tensor, Figures]:
    """Mean loss of a batch: the way that comes nearest to the recorded one is drawn to it, and is the one to choose."""
    count = out["logits"].shape[1]
    speed, foot = (batch[name][:, None].expand(-1, count) for name in ("speed", "on_foot"))
    states = unrolled(out["controls"], speed, foot)
    future, known = batch["future"][:, None], batch["known"][:, None]
    apart = torch.sqrt((states[..., 0] - future[..., 0]) ** 2 + (states[..., 1] - future[..., 1]) ** 2 + 1e-4)
    steps = known.sum(-1).clamp(min=1.0)
    way = (apart * known).sum(-1) / steps  # (B, K) m
    best = way.argmin(1)
    turned = torch.sin(0.5 * (states[..., 2] - future[..., 2])).abs() * 2.0
    pace = (states[..., 3] - future[..., 3]).abs()
    more = ((HEADING_M * turned + PACE_S * pace) * known).sum(-1) / steps
    each = torch.arange(len(best))
    gentle = (out["controls"][..., 0].diff(dim=-1) ** 2).mean(-1)[each, best]
    chosen = torch.nn.functional.cross_entropy(out["logits"], best, reduction="none")
    loss = way[each, best] + more[each, best] + CHOICE * chosen + 0.01 * gentle
    figures = {"right": float((out["logits"].argmax(1) == best).float().mean())}
    return loss.mean(), figures


def predicted(net: PredictionNetwork, samples: PredictionSamples, rows: Rows, batch: int = 1024) -> FloatArray:
    """The likeliest way (R, T, 4) of each of ``rows``: x m, y m, yaw rad from where it is, speed m/s."""
    found = []
    with torch.no_grad():
        for begin in range(0, len(rows), batch):
            part = batch_of(samples, rows[begin : begin + batch], COLUMNS)
            out = net(part)
            best = out["controls"][torch.arange(len(out["logits"])), out["logits"].argmax(1)]
            found.append(unrolled(best, part["speed"], part["on_foot"]).numpy())
    return np.concatenate(found).astype(float)
