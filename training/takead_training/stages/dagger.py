"""Imitation on demonstrations and takeovers together (DAgger: Ross et al., 2011), from the network as it is.

What the expert would have done at the states that the policy itself got into is what the policy lacks, so samples are
drawn by bucket, not by how many there happen to be.
"""

from __future__ import annotations

from dataclasses import asdict
from functools import partial

from takead_training.data.mix import bucket_counts, draw_rows
from takead_training.settings import Aggregation
from takead_training.stages.fit import fit, make_deterministic
from takead_training.stages.forecasting import with_task
from takead_training.stages.imitation import COLUMNS, imitate
from takead_training.stages.stage import Outcome, Stage, Task

BUCKET_COLUMNS = ("label", "until_takeover_s", "since_takeover_s", "followable", "of_round")


def train_dagger(task: Task, settings: Aggregation) -> Outcome:
    """Train the network in place. Raises TakeadError where no bucket with a share holds a row."""
    net, data, schedule = task.network("dagger"), task.data, settings.schedule
    make_deterministic(schedule)
    learner, rows, columns = with_task(net, data, COLUMNS, settings.imitation)
    history = fit(
        learner,
        rows,
        columns,
        partial(draw_rows, data, settings.mix, schedule.seed),
        partial(imitate, settings.imitation),
        schedule,
        task.state,
        task.progress,
        devices=task.devices,
    )
    return Outcome(net, history, {**asdict(settings), "samples": bucket_counts(data, settings.mix)})


DAGGER: Stage[Aggregation] = Stage("dagger", (*COLUMNS, *BUCKET_COLUMNS), Aggregation(), train_dagger)
