"""Ways of training side by side (benchmarks/takeover_learning/ways.py)."""

from __future__ import annotations

import pytest

from benchmarks.takeover_learning.ways import compared, read, table
from support.results import episode_result, run_settings
from takead_ros.domain.errors import TakeadError
from takead_ros.runs.results import Evaluation, evaluation


def driven(*scores: float, first: int = 0, **settings: str) -> Evaluation:
    results = [episode_result(seed=first + at, driving_score=score) for at, score in enumerate(scores)]
    seeds = tuple(range(first, first + len(scores)))
    return evaluation("m.onnx", run_settings(seeds=seeds, **settings), {"unassisted": results})


def test_means_over_training_seeds_are_paired_by_episode() -> None:
    low, high = driven(20.0, 60.0, 40.0), driven(30.0, 90.0, 60.0)
    rows = {row["way"]: row for row in compared({"a": [low], "b": [low, high], "c": [high]}, "a")}
    assert rows["a"]["apart"] is None and rows["a"]["score"] == pytest.approx(40.0)
    assert rows["b"]["each"] == pytest.approx([40.0, 60.0]) and rows["b"]["score"] == pytest.approx(50.0)
    whole, half = rows["c"]["apart"], rows["b"]["apart"]
    assert whole is not None and half is not None
    assert whole[0] == pytest.approx(20.0) and 10.0 <= whole[1] < 20.0 < whole[2] <= 30.0  # differences: 10, 30, 20
    assert half == pytest.approx([value / 2.0 for value in whole])  # b is halfway between them, in each episode
    assert table(list(rows.values()), "a")[2] == "| `a` | 40.0 | 40.0 | 0.00 |  |"


def test_what_cannot_be_compared_is_named() -> None:
    ways = {"one": [driven(1.0, 2.0)], "other": [driven(1.0, 2.0, first=2)]}
    with pytest.raises(TakeadError, match="the files of one and other are of different episodes"):
        compared(ways, "one")
    ways = {"one": [driven(1.0)], "other": [driven(1.0, simulator="vector 0.1.0")]}
    with pytest.raises(TakeadError, match="the files of one and other are of different episodes, simulators"):
        compared(ways, "one")
    with pytest.raises(TakeadError, match="--less three: no such way, expected one of one, other"):
        compared(ways, "three")
    with pytest.raises(TakeadError, match="'dagger': expected NAME=FILE,FILE"):
        read("dagger")
