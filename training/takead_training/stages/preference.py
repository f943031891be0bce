"""Preference optimisation on takeovers: rather the expert's plan than a worse one at the same scene.

Chosen: the expert's (or the person's) plan mapped to the anchor vocabulary. Rejected: the policy's own top choice at
that very scene (TakeAD), or the unsafe anchor nearest to the expert's plan (DriveDPO). An imitation term stays on,
because preference alone fails (DESIGN section 8).
"""

from __future__ import annotations

import copy
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from takead_training.architectures.network import PolicyNetwork
from takead_training.data.columns import FOREIGN, LABELS
from takead_training.data.dataset import Dataset
from takead_training.data.mix import TRANSITIONS, draw_rows, repeated
from takead_training.settings import Preference, Rule
from takead_training.stages.anchor_scores import anchor_utilities, with_world
from takead_training.stages.dagger import BUCKET_COLUMNS
from takead_training.stages.fit import Batch, Rows, batch_of, fit, make_deterministic
from takead_training.stages.imitation import COLUMNS, imitation_loss
from takead_training.stages.losses import distances, dpo, log_probabilities, nearest_anchor, simpo
from takead_training.stages.stage import Figures, Outcome, Progress, Stage, Task

PAIR_COLUMNS = ("chosen", "rejected", "chosen_ref", "rejected_ref")


@dataclass(frozen=True)
class Pairs:
    """Which rows of a table carry a pair, and why the others do not. chosen, rejected (N,) are anchors, -1: no pair."""

    chosen: NDArray[np.int64]
    rejected: NDArray[np.int64]
    counts: dict[str, int]


def find_pairs(data: Dataset, anchors: Tensor, margin: float) -> Pairs:
    """The pairs of ``data``: everywhere the policy's choice was recorded beside a better driver's plan, except

    in transition frames, where the expert's rule score is not better by ``margin``, and where both are one anchor.
    """
    speed = torch.from_numpy(data.column("speed"))
    chosen = nearest_anchor(torch.from_numpy(data.column("profile")), anchors, speed).numpy()
    by_plan = nearest_anchor(torch.from_numpy(data.column("choice_profile")), anchors, speed).numpy()
    choice = data.column("choice")
    rejected = np.where(choice == FOREIGN, by_plan, choice)
    recorded, moved = choice != -1, _transition(data)
    safer = data.column("expert_score") > data.column("policy_score") + margin
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


def find_near_misses(
    data: Dataset, anchors: Tensor, progress: Progress | None = None, rule: Rule = "recorded"
) -> Pairs:
    """The same with the infeasible anchor nearest to the better driver's plan as the rejected side, at every frame at
    which the policy's choice was recorded; none where the chosen anchor is infeasible itself or no anchor is."""
    recorded, moved = data.column("choice") != -1, _transition(data)
    rows = np.intersect1d(np.flatnonzero(recorded & ~moved), with_world(data))
    values = anchor_utilities(data, rows, anchors.numpy().astype(float), progress, rule)
    profile, speed = (torch.from_numpy(data.column(name)[rows]) for name in ("profile", "speed"))
    apart = distances(profile, anchors, speed).numpy()
    own = apart.argmin(1)
    infeasible = values < 0.0
    nearest = np.where(infeasible, apart, np.inf).argmin(1)
    unsafe = infeasible[np.arange(len(rows)), own]
    good = ~unsafe & infeasible.any(1)
    chosen, rejected = np.full(len(data), -1), np.full(len(data), -1)
    chosen[rows[good]], rejected[rows[good]] = own[good], nearest[good]
    counts = {
        "frames": int(recorded.sum()),
        "transition": int((recorded & moved).sum()),
        "not_safer": int(unsafe.sum()),
        "none_unsafe": int((~unsafe & ~infeasible.any(1)).sum()),
        "pairs": int(good.sum()),
    }
    return Pairs(chosen, rejected, counts)


def _transition(data: Dataset) -> NDArray[np.bool_]:
    return np.asarray(np.isin(data.column("label"), [LABELS.index(label) for label in TRANSITIONS]))


def preference_loss(logits: Tensor, batch: Batch, settings: Preference) -> tuple[Tensor, Figures]:
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


def train_preference(task: Task, settings: Preference) -> Outcome:
    """Train the network in place, with itself as it was as the frozen reference.

    Where there is no pair at all, nothing is trained and the figures say so.
    """
    net, schedule = task.network("preference"), settings.schedule
    make_deterministic(schedule)
    near = settings.rejected == "near_miss"
    pairs = (
        find_near_misses(task.data, net.anchors, task.preparing, settings.rule)
        if near
        else find_pairs(task.data, net.anchors, settings.margin)
    )
    used: dict[str, Any] = {**asdict(settings), "pairs": pairs.counts}
    if not pairs.counts["pairs"]:
        return Outcome(net, [{"pairs": 0.0}], used)
    data = task.data.with_columns(chosen=pairs.chosen, rejected=pairs.rejected)
    reference = copy.deepcopy(net).eval()
    carry = np.flatnonzero(pairs.chosen >= 0)
    sides = {side: _log_probability(reference, data, carry, side) for side in ("chosen", "rejected")}
    columns = {f"{side}_ref": np.zeros(len(data), np.float32) for side in sides}
    for side, values in sides.items():
        columns[f"{side}_ref"][carry] = values
    data = data.with_columns(**columns)

    history = fit(
        net,
        data,
        (*COLUMNS, *PAIR_COLUMNS),
        partial(_rows_of, data, carry, settings),
        partial(_loss_of, settings),
        schedule,
        task.state,
        task.progress,
        partial(_accept, data, carry, sides["chosen"], settings.may_fall),
        task.devices,
    )
    return Outcome(net, [{**epoch, "pairs": float(len(carry))} for epoch in history], used)


def _rows_of(data: Dataset, carry: Rows, settings: Preference, epoch: int) -> Rows:
    seed, share = settings.schedule.seed, settings.share
    random = np.random.default_rng((seed, epoch, 1))
    others = draw_rows(data, settings.mix, seed + 1, epoch)
    some = repeated(carry, round(len(others) * share / (1.0 - share)), random)
    return random.permutation(np.concatenate([others, some]))


def _loss_of(settings: Preference, net: PolicyNetwork, batch: Batch) -> tuple[Tensor, Figures]:
    out = net(batch)
    anchor, figures = imitation_loss(net, out, batch, settings.imitation)
    wanted, more = preference_loss(out["logits"], batch, settings)
    return anchor + settings.weight * wanted, {**figures, **more}


def _accept(
    data: Dataset, carry: Rows, before: np.ndarray, may_fall: float, net: PolicyNetwork
) -> tuple[Figures, bool]:
    rise = float((_log_probability(net, data, carry, "chosen") - before).mean())
    return {"chosen_rise": rise}, rise >= -may_fall


def _log_probability(net: PolicyNetwork, data: Dataset, rows: Rows, side: str, batch: int = 512) -> np.ndarray:
    """Log-probabilities (R,) of one side of the pairs of ``rows`` under ``net``."""
    found = [np.zeros(0, np.float32)]
    with torch.no_grad():
        for start in range(0, len(rows), batch):
            part = batch_of(data, rows[start : start + batch], (side,), net.anchors.device)
            found.append(log_probabilities(net(part)["logits"], part[side]).cpu().numpy())
    return np.concatenate(found)


PREFERENCE: Stage[Preference] = Stage(
    "preference",
    (*COLUMNS, *BUCKET_COLUMNS, "choice", "choice_profile", "expert_score", "policy_score", "frame", "perturbed"),
    Preference(),
    train_preference,
)
