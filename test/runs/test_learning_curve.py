"""The curve over the expert's seconds: counted over rounds, and drawn only as far as models were evaluated."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from support.results import episode_result, loop_round, loop_state, run_settings
from takead_ros.files import write_record
from takead_ros.runs.learning_curve import expert_seconds, learning_curve
from takead_ros.runs.results import Evaluation, evaluation

RESULT = episode_result()


def driven(name: str, shares: list[float], score: float = 60.0, alone: bool = False) -> Evaluation:
    results = [
        replace(RESULT, seed=seed, duration=10.0 * (seed + 1), expert_share=share, driving_score=score)
        for seed, share in enumerate(shares)
    ]
    settings = run_settings(seeds=tuple(range(len(shares))))
    return evaluation(name, settings, {"unassisted" if alone else "assisted": results})


def test_seconds_are_shares_of_each_drives_own_time() -> None:
    assert expert_seconds(driven("m", [0.5, 0.0, 0.1])) == pytest.approx(5.0 + 3.0)


def test_the_curve_adds_up_rounds_and_ends_with_the_last_evaluated(tmp_path: Path) -> None:
    first = loop_state(*(loop_round(n, model_sha256=f"{n}{n}" * 32) for n in (1, 2, 3)))
    state = replace(first, first_sha256="00" * 32)
    assert learning_curve(tmp_path, state) == []
    (tmp_path / "selection").mkdir()
    for n in (0, 1, 2):
        write_record(tmp_path / "selection" / f"{f'{n}{n}' * 6}.json", driven("m", [0.0] * 3, 50.0 + n, alone=True))
    for n, shares in ((1, [0.5, 0.5]), (2, [0.0, 0.25])):
        (tmp_path / f"round-{n}").mkdir()
        write_record(tmp_path / f"round-{n}" / "drive.json", driven("m", shares))
    found = learning_curve(tmp_path, state)
    assert [(one.name, one.expert_s, one.score) for one in found] == [
        ("first", 0.0, 50.0),
        ("round 1", pytest.approx(15.0), 51.0),
        ("round 2", pytest.approx(20.0), 52.0),
    ]
    assert all(one.interval.low <= one.score <= one.interval.high for one in found)
