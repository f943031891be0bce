"""Imitation on demonstrations and takeovers together (DAgger: Ross et al., 2011), from the parent's weights.

What the expert would have done at the states that the policy itself got into is what the policy lacks, so samples are
drawn by bucket, not by how many there happen to be.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from takead_ros.domain.errors import TakeadError
from takead_ros.recording.clip import Label
from takead_training.bc import imitation_loss
from takead_training.net import PolicyNet
from takead_training.samples import LABELS, Table
from takead_training.trainer import Progress, Schedule, fit, prepare, tensors

TRANSITIONS = (Label.TAKEOVER_START, Label.HANDBACK)  # somebody half drives there: masked
BUCKETS: dict[str, tuple[Label, ...]] = {
    "demonstration": (Label.DEMONSTRATION,),
    "pre": (Label.PRE,),
    "takeover": (Label.TAKEOVER,),
    "post": (Label.POST,),
}


@dataclass(frozen=True)
class Mix:
    """Share of each bucket among the samples drawn, and how many are drawn in an epoch."""

    shares: Mapping[str, float] = field(
        default_factory=lambda: {"demonstration": 0.45, "pre": 0.25, "takeover": 0.2, "post": 0.1}
    )
    draws: int = 12_000

    def __post_init__(self) -> None:
        unknown = set(self.shares) - set(BUCKETS)
        if unknown or min(self.shares.values()) < 0.0 or not sum(self.shares.values()) > 0.0:
            raise TakeadError(f"bucket shares {dict(self.shares)}: expected shares >= 0 of {', '.join(BUCKETS)}")
        if self.draws <= 0:
            raise TakeadError(f"--draws {self.draws}: expected a number above 0")


def bucket_rows(table: Table) -> dict[str, np.ndarray]:
    """Rows of ``table`` in each bucket; transition frames are in none."""
    return {
        name: np.flatnonzero(np.isin(table["label"], [LABELS.index(label) for label in labels]))
        for name, labels in BUCKETS.items()
    }


def draw(table: Table, mix: Mix, seed: int, epoch: int) -> np.ndarray:
    """Rows of one epoch in random order: ``mix.draws`` of them, each bucket by its share of those that are filled.

    A bucket is gone through whole before anything in it comes up again.
    """
    random = np.random.default_rng((seed, epoch))
    filled = {name: rows for name, rows in bucket_rows(table).items() if len(rows) and mix.shares.get(name, 0.0) > 0.0}
    if not filled:
        raise TakeadError("training: none of the samples is in a bucket with a share above 0; are there clips in it?")
    whole = sum(mix.shares[name] for name in filled)
    drawn = []
    for name, rows in filled.items():
        wanted = max(round(mix.draws * mix.shares[name] / whole), 1)
        times = -(-wanted // len(rows))
        drawn.append(np.concatenate([random.permutation(rows) for _ in range(times)])[:wanted])
    return random.permutation(np.concatenate(drawn))


def train_dagger(
    net: PolicyNet, table: Table, mix: Mix, schedule: Schedule, state: Path, progress: Progress | None = None
) -> tuple[list[dict[str, float]], dict[str, object]]:
    """Train ``net`` in place; returns every epoch's figures and the settings for the manifest."""
    prepare(schedule)
    history = fit(
        net, tensors(table), lambda epoch: draw(table, mix, schedule.seed, epoch),
        lambda out, batch: imitation_loss(net, out, batch), schedule, state, progress,
    )  # fmt: skip
    counts = {name: len(rows) for name, rows in bucket_rows(table).items()}
    return history, {**asdict(schedule), "shares": dict(mix.shares), "draws": mix.draws, "samples": counts}
