"""Distilled scores: the policy's whole distribution is drawn to what the rule score says of every anchor (DriveDPO)."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from takead_ros.domain.errors import TakeadError
from takead_ros.domain.scene import FloatArray
from takead_training.architectures.network import PolicyNetwork
from takead_training.data.dataset import Dataset
from takead_training.data.mix import bucket_counts, draw_rows
from takead_training.settings import Distil
from takead_training.stages.anchor_scores import anchor_utilities, with_world
from takead_training.stages.dagger import BUCKET_COLUMNS
from takead_training.stages.fit import Batch, Rows, batch_of, fit, make_deterministic
from takead_training.stages.imitation import COLUMNS, imitation_loss
from takead_training.stages.losses import SPREAD, distances, soft_choice
from takead_training.stages.stage import Figures, Outcome, Stage, Task


def score_target(utilities: FloatArray, apart: FloatArray, settings: Distil) -> FloatArray:
    """The distribution (R, K) over anchors from their utilities (R, K) and their distances (R, K) m from the expert's
    plan. Every feasible anchor's score lies above every infeasible one's, which keep their order below ``floor``."""
    feasible = settings.floor + (1.0 - settings.floor) * np.maximum(utilities, 0.0)
    infeasible = settings.floor * (0.05 + 0.95 * np.clip(4.0 * (utilities + 1.0), 0.0, 1.0)) * (1.0 - 1e-6)
    log_score = np.log(np.where(utilities >= 0.0, feasible, infeasible))
    log_similarity = -0.5 * (apart / SPREAD) ** 2
    log_similarity = np.maximum(log_similarity - log_similarity.max(1, keepdims=True), -20.0)
    return _softmax(settings.similarity_weight * log_similarity + settings.score_weight * log_score)


def optimum(utilities: FloatArray, reference: FloatArray, beta: float) -> FloatArray:
    """pi_ref exp(utility / beta) / Z (R, K): the best distribution at a price of ``beta`` per nat away from pi_ref,
    given by its log-probabilities ``reference`` (R, K)."""
    return _softmax(reference + utilities / beta)


def _softmax(values: FloatArray) -> FloatArray:
    weights = np.exp(values - values.max(1, keepdims=True))
    return np.asarray(weights / weights.sum(1, keepdims=True))


def train_distil(task: Task, settings: Distil) -> Outcome:
    """Train the network in place. Frames without a target (``frames``) only keep the imitation term.

    Raises TakeadError where no clip's world is known.
    """
    net, schedule = task.network("distil"), settings.schedule
    make_deterministic(schedule)
    rows = _frames(task.data, settings)
    anchors = net.anchors
    utilities = anchor_utilities(task.data, rows, anchors.numpy().astype(float), task.preparing, settings.rule)
    target = _target(net, task.data, rows, utilities, settings)
    place = np.full(len(task.data), -1, dtype=np.int64)
    place[rows] = np.arange(len(rows))
    data = task.data.with_columns(target_row=place)

    history = fit(
        net,
        data,
        (*COLUMNS, "target_row"),
        partial(_rows_of, data, rows, settings),
        partial(_loss_of, target, settings),
        schedule,
        task.state,
        task.progress,
        devices=task.devices,
    )
    feasible = utilities >= 0.0
    used: dict[str, Any] = {
        **asdict(settings),
        "samples": bucket_counts(data, settings.mix),
        "scored": len(rows),
        "feasible_share": round(float(feasible.mean()), 4),
        "frames_without_feasible": int((~feasible.any(1)).sum()),
    }
    return Outcome(net, history, used)


def _rows_of(data: Dataset, scored: Rows, settings: Distil, epoch: int) -> Rows:
    seed = settings.schedule.seed
    random = np.random.default_rng((seed, epoch, 2))
    return random.permutation(np.concatenate([draw_rows(data, settings.mix, seed + 2, epoch), scored]))


def _loss_of(target: Tensor, settings: Distil, net: PolicyNetwork, batch: Batch) -> tuple[Tensor, Figures]:
    out = net(batch)
    anchor, figures = imitation_loss(net, out, batch, settings.imitation)
    row = batch["target_row"]
    scored = torch.nonzero(row >= 0)[:, 0]
    if not len(scored):
        return anchor, figures
    wanted = target[row[scored].to(target.device)].to(row.device)
    distilled = soft_choice(out["logits"][scored], wanted).mean()
    return anchor + settings.weight * distilled, {**figures, "distil": float(distilled.detach())}


def _frames(data: Dataset, settings: Distil) -> NDArray[np.int64]:
    """The rows to score: as the mix draws them, each once, at most ``frames``."""
    known = with_world(data)
    if not len(known):
        raise TakeadError("stage 'distil': no clip's world is known; expected clips from a cache of this version")
    drawn = draw_rows(data, settings.mix, settings.schedule.seed + 3, 0)
    chosen = drawn[np.isin(drawn, known)]
    _, first = np.unique(chosen, return_index=True)
    return np.sort(chosen[np.sort(first)][: settings.frames])


def _target(
    net: PolicyNetwork, data: Dataset, rows: NDArray[np.int64], utilities: FloatArray, settings: Distil
) -> Tensor:
    parts = []
    with torch.no_grad():
        for start in range(0, len(rows), 512):
            at = slice(start, start + 512)
            batch = batch_of(data, rows[at], ("profile", "speed"))
            if settings.target == "optimum":
                log_reference = torch.log_softmax(net.eval()(batch)["logits"], dim=-1).double().numpy()
                found = optimum(utilities[at], log_reference, settings.beta)
            else:
                apart = distances(batch["profile"], net.anchors, batch["speed"]).double().numpy()
                found = score_target(utilities[at], apart, settings)
            parts.append(torch.from_numpy(found.astype(np.float32)))
    return torch.cat(parts)


DISTIL: Stage[Distil] = Stage("distil", (*COLUMNS, *BUCKET_COLUMNS, "frame", "perturbed"), Distil(), train_distil)
