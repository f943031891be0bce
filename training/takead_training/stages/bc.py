"""Behaviour cloning: the first policy, from demonstrations of a whole-run expert."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from takead_ros.domain.errors import TakeadError
from takead_training.architectures.anchors import build_anchors
from takead_training.architectures.registry import architecture_of
from takead_training.data.clean import epoch_rows, rows_to_keep, weights
from takead_training.settings import DEFAULT_ARCHITECTURE, Clean, Imitation, Schedule
from takead_training.stages.fit import Rows, choice_figures, fit, make_deterministic
from takead_training.stages.forecasting import with_task
from takead_training.stages.imitation import COLUMNS, imitate
from takead_training.stages.stage import Outcome, Stage, Task

HOLD_OUT = 10  # every tenth block of consecutive samples is kept for validation
LEAST = 100  # samples
_BLOCK = 200


@dataclass(frozen=True)
class Cloning:
    """The network to make, how it is trained, and which frames it learns from."""

    schedule: Schedule = field(default_factory=Schedule)
    architecture: str = DEFAULT_ARCHITECTURE
    clean: Clean = field(default_factory=Clean)
    imitation: Imitation = field(default_factory=Imitation)

    def __post_init__(self) -> None:
        architecture_of(self.architecture, "--architecture")


def train_bc(task: Task, settings: Cloning) -> Outcome:
    """A policy trained from nothing; the last epoch's figures are followed by those on held-out samples.

    The anchors are made from the same samples. Raises TakeadError for a table of fewer than LEAST rows.
    """
    data, schedule = task.data, settings.schedule
    if len(data) < LEAST:
        raise TakeadError(f"behaviour cloning: {len(data)} samples in the clips; at least {LEAST} are needed")
    make_deterministic(schedule)
    plain = data.column("perturbed") == 0
    anchors = build_anchors(
        data.column("profile")[plain].astype(float), data.column("speed")[plain].astype(float), seed=schedule.seed
    )
    net = architecture_of(settings.architecture, "--architecture")(anchors)
    learn, held_out = split_rows(len(data))
    keep, weight = rows_to_keep(data, settings.clean), weights(data, settings.clean)
    learn = learn[keep[learn]]
    learner, rows, columns = with_task(net, data, COLUMNS, settings.imitation)
    history = fit(
        learner,
        rows,
        columns,
        partial(_draw, learn, weight, schedule.seed),
        partial(imitate, settings.imitation),
        schedule,
        task.state,
        task.progress,
        devices=task.devices,
    )
    history[-1].update(choice_figures(net, data, held_out))
    used = {**asdict(settings), "samples": len(data), "rows_to_keep": int(keep.sum())}
    return Outcome(net, history, used)


def _draw(rows: Rows, weight: NDArray[np.float64], seed: int, epoch: int) -> Rows:
    return epoch_rows(rows, weight, np.random.default_rng((seed, epoch)))


def split_rows(count: int) -> tuple[Rows, Rows]:
    """Rows to learn from and rows held out, in blocks, because samples that follow each other are nearly the same."""
    rows = np.arange(count)
    held_out = (rows // _BLOCK) % HOLD_OUT == HOLD_OUT - 1
    if not held_out.any():
        held_out = rows >= count - max(count // HOLD_OUT, 1)
    return rows[~held_out], rows[held_out]


BC: Stage[Cloning] = Stage("bc", ("perturbed", *COLUMNS), Cloning(), train_bc)
