"""The stages that a training can be made of, by name, each with its settings as they are unless asked otherwise."""

from __future__ import annotations

from typing import Any

from takead_ros.domain.errors import TakeadError
from takead_training.stages.bc import BC
from takead_training.stages.dagger import DAGGER
from takead_training.stages.distil import DISTIL
from takead_training.stages.preference import PREFERENCE
from takead_training.stages.stage import Stage

STAGES: dict[str, Stage[Any]] = {known.name: known for known in (BC, DAGGER, DISTIL, PREFERENCE)}


def stage_of(name: str) -> Stage[Any]:
    """The stage called ``name``. Raises TakeadError with those there are."""
    if name not in STAGES:
        raise TakeadError(f"--stages '{name}': expected one of {', '.join(STAGES)}")
    return STAGES[name]
