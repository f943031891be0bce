"""Headlines are ratios of sums over episodes, with bootstrap intervals of that very ratio."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.results import episode_result
from takead_ros.domain.errors import TakeadError
from takead_ros.measures.driving_score import EpisodeScore
from takead_ros.measures.infractions import Infraction
from takead_ros.measures.summary import (
    HEADLINES,
    Difference,
    Distribution,
    aggregate,
    compare_scores,
    headline_value,
    intervals,
)

GOOD = episode_result(
    seed=1, driving_score=100.0, success=True, success_rate=1.0, penalty=1.0, duration=10.0, distance=100.0
)
HIT = Infraction("collision_vehicle", 1.0, 0.0, 0.0, 0.0, 0.6)


def drives(count: int, seed: int = 0) -> list[EpisodeScore]:
    """Episodes of random length with random takeovers and expert's shares."""
    random = np.random.default_rng(seed)
    return [
        replace(
            GOOD,
            seed=i,
            takeovers=int(random.integers(0, 4)),
            distance=float(random.uniform(20.0, 400.0)),
            duration=float(random.uniform(5.0, 40.0)),
            expert_share=float(random.uniform(0.0, 1.0)),
            driving_score=float(random.uniform(0.0, 100.0)),
        )
        for i in range(count)
    ]


def test_aggregate_by_hand() -> None:
    bad = replace(
        GOOD,
        seed=2,
        ability="overtaking",
        driving_score=60.0,
        success=False,
        success_rate=0.0,
        infractions=(HIT,),
        takeovers=3,
        expert_share=0.5,
        duration=30.0,
        distance=300.0,
        min_ttc=1.5,
    )
    found = aggregate([GOOD, bad])
    assert (found.driving_score, found.success_rate, found.episode_count) == (80.0, 0.5, 2)
    assert found.takeovers_per_km == pytest.approx(3 / 0.4)  # all takeovers over all km, not the mean of 0 and 10
    assert found.expert_share == pytest.approx(15.0 / 40.0)  # all its time over all time, not the mean of 0 and 0.5
    assert found.infractions == {"collision_vehicle": 1}
    assert found.infractions_per_km == {"collision_vehicle": pytest.approx(2.5)}
    assert found.abilities["overtaking"].driving_score == 60.0 and found.abilities["merging"].episodes == 1
    assert found.scenarios["cut_in"].takeovers_per_km == found.takeovers_per_km
    assert found.min_ttc == Distribution(0.5, 1.5, 1.5, 1.5, 1.5, 1.5)
    assert aggregate([GOOD]).min_ttc == Distribution(0.0, None, None, None, None, None)
    with pytest.raises(TakeadError, match="no episodes"):
        aggregate([])


def test_the_interval_is_that_of_a_plain_loop() -> None:
    """The same draws, one resample after the other, each ratio summed by hand."""
    scores = drives(17)
    rows = np.random.default_rng(0).integers(17, size=(10_000, 17))
    ratios = [
        sum(scores[i].expert_share * scores[i].duration for i in row) / sum(scores[i].duration for i in row)
        for row in rows[:].tolist()
    ]
    found = intervals(scores)["expert_share"]
    assert (found.low, found.high) == pytest.approx(tuple(np.percentile(ratios, [2.5, 97.5])))


@settings(max_examples=25, deadline=None)
@given(count=st.integers(2, 40), seed=st.integers(0, 999))
def test_every_value_lies_in_its_interval_and_copies_do_not_move_it(count: int, seed: int) -> None:
    scores = drives(count, seed)
    found = intervals(scores)
    for headline in HEADLINES:
        one = headline_value(scores, headline.key)
        assert headline_value([*scores, *scores], headline.key) == pytest.approx(one)
        low, high = found[headline.key].low, found[headline.key].high
        assert low - 1e-9 <= high and min(headline_value([s], headline.key) for s in scores) - 1e-9 <= low


def test_a_comparison_says_what_the_two_summaries_say() -> None:
    """One truth for a figure: both values of a difference are those that each evaluation prints."""
    old, new = drives(20, 1), drives(20, 2)
    found = compare_scores(old, new)
    for headline in HEADLINES:
        difference = found[headline.key]
        assert difference.old == getattr(aggregate(old), headline.key)
        assert difference.new == getattr(aggregate(new), headline.key)
        assert difference.low <= difference.difference <= difference.high
        assert difference.higher + difference.equal + difference.lower == 20


def test_a_comparison_is_paired_and_repeatable() -> None:
    old = [replace(GOOD, seed=i, driving_score=50.0 + i % 7) for i in range(40)]
    new = [replace(score, driving_score=score.driving_score + 10.0 - 20.0 * (i == 0)) for i, score in enumerate(old)]
    found = compare_scores(old, new[::-1])["driving_score"]
    assert found.difference == pytest.approx(9.5) and (found.higher, found.equal, found.lower) == (39, 0, 1)
    assert found.low < 9.5 < found.high <= 10.0 and found.low > 7.0
    assert compare_scores(old, new, keys=["driving_score"]) == {"driving_score": found}
    assert compare_scores(old, old)["takeovers_per_km"] == Difference(
        "takeovers_per_km", 0.0, 0.0, 0.0, 0.0, 0.0, 0, 40, 0
    )
    with pytest.raises(TakeadError, match="no pairs"):
        compare_scores(old, new[1:])


def test_many_episodes_are_resampled_in_blocks() -> None:
    scores = drives(900)
    found = intervals(scores)["driving_score"]
    spread = np.std([score.driving_score for score in scores]) / np.sqrt(900)
    assert found.high - found.low == pytest.approx(2 * 1.96 * spread, rel=0.1)
