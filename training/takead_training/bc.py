"""Behaviour cloning: the first policy, from demonstrations of a whole-run expert."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
from torch import Tensor

from takead_ros.domain.errors import TakeadError
from takead_training.anchors import build_anchors
from takead_training.checkpoint import Checkpoint, Provenance
from takead_training.losses import imitation, total
from takead_training.net import PolicyNet
from takead_training.samples import TARGETS, Table
from takead_training.trainer import Batch, Progress, Schedule, choice_figures, fit, prepare, tensors

PARITY_FRAMES = 64
HOLD_OUT = 10  # every tenth block of consecutive samples is kept for validation
_BLOCK = 200


def train_bc(
    table: Table, provenance: Provenance, schedule: Schedule, state: Path, progress: Progress | None = None
) -> tuple[Checkpoint, dict[str, float]]:
    """A policy trained from scratch on ``table``; returns it with its figures on held-out samples.

    The anchors are made from the same samples. Resumes from ``state``. Raises TakeadError for an empty table.
    """
    count = len(table["speed"])
    if count < 100:
        raise TakeadError(f"behaviour cloning: {count} samples in the clips; at least 100 are needed")
    prepare(schedule)
    plain = table["perturbed"] == 0
    anchors = build_anchors(
        table["profile"][plain].astype(float), table["speed"][plain].astype(float), seed=schedule.seed
    )
    net = PolicyNet(anchors)
    data = tensors(table)
    learn, held_out = split_rows(count)
    history = fit(
        net, data, lambda epoch: np.random.default_rng((schedule.seed, epoch)).permutation(learn),
        lambda out, batch: imitation_loss(net, out, batch), schedule, state, progress,
    )  # fmt: skip
    figures = {**history[-1], **choice_figures(net, data, held_out)}
    made = provenance.after("bc", {**asdict(schedule), "samples": count})
    return Checkpoint(net, made, parity_frames(table, held_out, schedule.seed)), figures


def split_rows(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows to learn from and rows held out, in blocks, because samples that follow each other are nearly the same."""
    rows = np.arange(count)
    held_out = (rows // _BLOCK) % HOLD_OUT == HOLD_OUT - 1
    if not held_out.any():
        held_out = rows >= count - max(count // HOLD_OUT, 1)
    return rows[~held_out], rows[held_out]


def imitation_loss(net: PolicyNet, out: dict[str, Tensor], batch: Batch) -> tuple[Tensor, dict[str, float]]:
    """Mean imitation loss of a batch, and its terms for the record."""
    terms = imitation(out, batch, net.anchors)
    return total(terms).mean(), {name: float(term.detach().mean()) for name, term in terms.items()}


def parity_frames(table: Table, rows: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    """Some recorded, encoded frames for the export's parity gate."""
    chosen = np.random.default_rng((seed, 0xF4A3)).permutation(rows)[:PARITY_FRAMES]
    return {name: table[name][chosen] for name in table if name not in TARGETS}
