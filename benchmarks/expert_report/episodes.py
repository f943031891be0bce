"""Episodes of an evaluation, as the JSON has them: scored, grouped, averaged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from takead_ros.measures.driving_score import EpisodeScore
from takead_ros.measures.infractions import Infraction
from takead_ros.measures.summary import RESAMPLES

Episode = Mapping[str, Any]


def score_of(episode: Episode) -> EpisodeScore:
    """The score in one episode of the JSON of ``takead eval`` or of ``benchmarks.baselines``."""
    known = {field.name: episode[field.name] for field in fields(EpisodeScore)}
    return EpisodeScore(**{**known, "infractions": tuple(Infraction(**item) for item in episode["infractions"])})


def key(episode: Episode) -> tuple[str, int]:
    return str(episode["scenario"]), int(episode["seed"])


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Bootstrap 95 % interval of the mean."""
    rows = np.random.default_rng(0).integers(len(values), size=(RESAMPLES, len(values)))
    low, high = np.percentile(np.array(values)[rows].mean(1), [2.5, 97.5])
    return float(low), float(high)


def mean(episodes: Sequence[Episode], name: str) -> float:
    return float(np.mean([episode[name] for episode in episodes]))


def grouped(episodes: Sequence[Episode], name: str = "scenario") -> dict[str, list[Episode]]:
    groups: dict[str, list[Episode]] = {}
    for episode in episodes:
        groups.setdefault(str(episode[name]), []).append(episode)
    return dict(sorted(groups.items()))
