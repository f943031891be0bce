"""Scores summed up and compared. Each headline is one ratio of sums over episodes, here and nowhere else.

A mean over episodes is the ratio in which each weighs 1; takeovers per km are all takeovers over all kilometres; the
expert's share is all the time that it drove over all the time. Intervals are percentile bootstraps of that ratio over
episodes (Efron 1979), with an explicit seed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from takead_ros.domain.errors import TakeadError
from takead_ros.domain.scene import FloatArray
from takead_ros.measures.driving_score import EpisodeScore

RESAMPLES = 10_000
CONFIDENCE = (2.5, 97.5)  # percentiles of the resampled ratios
FEWEST = 10  # episodes below which no difference is called settled
SHORTEST_KM, SHORTEST_S = 1e-3, 1e-3  # floors of the sums that are divided by


HeadlineKey = Literal["driving_score", "success_rate", "route_completion", "takeovers_per_km", "expert_share"]


@dataclass(frozen=True)
class Headline:
    """One figure of many episodes: the sum of ``amount`` over the sum of ``weight`` (floored at ``least``).

    ``title`` and ``template`` (a format) are for people; ``sense``: 1 where more is better, -1 where less is.
    """

    key: HeadlineKey
    title: str
    template: str
    sense: int
    amount: Callable[[EpisodeScore], float]
    weight: Callable[[EpisodeScore], float] = lambda score: 1.0
    least: float = 1.0


HEADLINES: tuple[Headline, ...] = (
    Headline("driving_score", "Driving Score", "{:.1f}", 1, lambda s: s.driving_score),
    Headline("success_rate", "Success Rate", "{:.1%}", 1, lambda s: s.success_rate),
    Headline("route_completion", "Route completion", "{:.1%}", 1, lambda s: s.route_completion),
    Headline(
        "takeovers_per_km",
        "Takeovers per km",
        "{:.2f}",
        -1,
        lambda s: s.takeovers,
        lambda s: s.distance / 1000.0,
        SHORTEST_KM,
    ),
    Headline(
        "expert_share",
        "Expert share",
        "{:.1%}",
        -1,
        lambda s: s.expert_share * s.duration,
        lambda s: s.duration,
        SHORTEST_S,
    ),
)
BY_KEY: dict[HeadlineKey, Headline] = {headline.key: headline for headline in HEADLINES}


@dataclass(frozen=True)
class Interval:
    """A 95 % interval."""

    low: float
    high: float


@dataclass(frozen=True)
class Distribution:
    """Which share of the episodes have a value, and percentiles over those that do (None: none has)."""

    share: float
    p5: float | None
    p25: float | None
    p50: float | None
    p75: float | None
    p95: float | None


@dataclass(frozen=True)
class Group:
    """The headlines of some of the episodes."""

    episodes: int
    driving_score: float
    success_rate: float
    route_completion: float
    takeovers_per_km: float
    expert_share: float


@dataclass(frozen=True)
class Summary:
    """Episodes summed up: the headlines and their intervals by key, and what else was measured.

    comfort 0..1 and efficiency % (None: no traffic) are means; min_ttc s and post_encroachment_time s are
    distributions; infractions: how often each kind, and how often per km; abilities, scenarios: the headlines of each.
    """

    episode_count: int
    driving_score: float
    success_rate: float
    route_completion: float
    takeovers_per_km: float
    expert_share: float
    intervals: Annotated[dict[HeadlineKey, Interval], Field(min_length=len(HEADLINES))]
    comfort: float
    efficiency: float | None
    min_ttc_median: float | None
    min_ttc: Distribution
    post_encroachment_time: Distribution
    distance_km: float
    infractions: dict[str, int]
    infractions_per_km: dict[str, float]
    abilities: dict[str, Group]
    scenarios: dict[str, Group]


@dataclass(frozen=True)
class Difference:
    """One headline of two models on the same episodes: both values, new - old, the bootstrap 95 % interval of that
    (episodes drawn in pairs), and on how many episodes the new one was higher, equal, lower."""

    metric: HeadlineKey
    old: float
    new: float
    difference: float
    low: float
    high: float
    higher: int
    equal: int
    lower: int


def headline_value(scores: Sequence[EpisodeScore], key: HeadlineKey) -> float:
    """The headline ``key`` of ``scores``. Raises TakeadError where there are none."""
    amounts, weights = _columns(scores, [BY_KEY[key]])
    return float(_ratio(amounts.sum(), weights.sum(), BY_KEY[key].least))


def intervals(scores: Sequence[EpisodeScore], seed: int = 0) -> dict[HeadlineKey, Interval]:
    """The bootstrap 95 % interval of each headline's ``value``."""
    amounts, weights = (_resampled(column, seed) for column in _columns(scores, HEADLINES))
    return {
        headline.key: Interval(*np.percentile(_ratio(amount, weight, headline.least), CONFIDENCE).tolist())
        for headline, amount, weight in zip(HEADLINES, amounts, weights, strict=True)
    }


def aggregate(scores: Sequence[EpisodeScore]) -> Summary:
    """``scores`` summed up. Raises TakeadError where there are none."""
    if not scores:
        raise TakeadError("measures: no episodes, expected at least one result")
    kilometres = sum(score.distance for score in scores) / 1000.0
    kinds = sorted({infraction.kind for score in scores for infraction in score.infractions})
    counts = {kind: sum(i.kind == kind for score in scores for i in score.infractions) for kind in kinds}
    efficiencies = [score.efficiency for score in scores if score.efficiency is not None]
    ttcs = [score.min_ttc for score in scores if score.min_ttc is not None]
    every = _group(scores)
    return Summary(
        episode_count=len(scores),
        driving_score=every.driving_score,
        success_rate=every.success_rate,
        route_completion=every.route_completion,
        takeovers_per_km=every.takeovers_per_km,
        expert_share=every.expert_share,
        intervals=intervals(scores),
        comfort=float(np.mean([score.comfort for score in scores])),
        efficiency=float(np.mean(efficiencies)) if efficiencies else None,
        min_ttc_median=float(np.median(ttcs)) if ttcs else None,
        min_ttc=_distribution([score.min_ttc for score in scores]),
        post_encroachment_time=_distribution([score.post_encroachment_time for score in scores]),
        distance_km=kilometres,
        infractions=counts,
        infractions_per_km={kind: count / max(kilometres, SHORTEST_KM) for kind, count in counts.items()},
        abilities=_groups(scores, lambda score: score.ability),
        scenarios=_groups(scores, lambda score: score.scenario),
    )


def compare_scores(
    old: Sequence[EpisodeScore], new: Sequence[EpisodeScore], keys: Sequence[HeadlineKey] = tuple(BY_KEY), seed: int = 0
) -> dict[HeadlineKey, Difference]:
    """Headlines paired over the episodes (scenario, seed), which must be the same set in both.

    Raises TakeadError where the two sets of episodes differ or are empty.
    """
    first = {(score.scenario, score.seed): score for score in old}
    second = {(score.scenario, score.seed): score for score in new}
    if not first or first.keys() != second.keys() or len(first) != len(old) or len(second) != len(new):
        only = sorted(first.keys() ^ second.keys())[:5]
        raise TakeadError(
            f"measures: {len(old)} and {len(new)} episodes are no pairs (such as {only}), "
            "expected the same scenarios and seeds once in each"
        )
    pairs = sorted(first)
    before, after = [first[pair] for pair in pairs], [second[pair] for pair in pairs]
    return {key: _difference(before, after, BY_KEY[key], seed) for key in keys}


def _difference(
    before: Sequence[EpisodeScore], after: Sequence[EpisodeScore], headline: Headline, seed: int
) -> Difference:
    columns = [np.concatenate(_columns(scores, [headline])) for scores in (before, after)]

    def ratio(sums: FloatArray) -> FloatArray:
        return _ratio(sums[0], sums[1], headline.least)

    old, new = (float(ratio(column.sum(1))) for column in columns)
    # the same seed draws the same episodes for both: they are pairs
    first, second = (ratio(_resampled(column, seed)) for column in columns)
    low, high = np.percentile(second - first, CONFIDENCE).tolist()
    each = ratio(columns[1]) - ratio(columns[0])
    return Difference(
        headline.key,
        old,
        new,
        new - old,
        low,
        high,
        int((each > 1e-9).sum()),
        int((np.abs(each) <= 1e-9).sum()),
        int((each < -1e-9).sum()),
    )


def _columns(scores: Sequence[EpisodeScore], headlines: Sequence[Headline]) -> tuple[FloatArray, FloatArray]:
    """Amounts and weights, each (headlines, episodes)."""
    if not scores:
        raise TakeadError("measures: no episodes, expected at least one result")
    amounts = [[float(headline.amount(score)) for score in scores] for headline in headlines]
    weights = [[float(headline.weight(score)) for score in scores] for headline in headlines]
    return np.array(amounts), np.array(weights)


def _ratio(amount: FloatArray, weight: FloatArray, least: float) -> FloatArray:
    return amount / np.maximum(weight, least)


def _resampled(columns: FloatArray, seed: int) -> FloatArray:
    """Sums over episodes drawn with replacement: (C, E) -> (C, RESAMPLES), a block of resamples at a time."""
    count = columns.shape[1]
    block = max(1, min(RESAMPLES, 2_000_000 // count))
    random = np.random.default_rng(seed)
    sums = [
        columns[:, random.integers(count, size=(min(block, RESAMPLES - done), count))].sum(2)
        for done in range(0, RESAMPLES, block)
    ]
    return np.concatenate(sums, axis=1)


def _group(scores: Sequence[EpisodeScore]) -> Group:
    return Group(len(scores), *(headline_value(scores, headline.key) for headline in HEADLINES))


def _groups(scores: Sequence[EpisodeScore], name: Callable[[EpisodeScore], str]) -> dict[str, Group]:
    return {key: _group([s for s in scores if name(s) == key]) for key in sorted({name(s) for s in scores})}


def _distribution(values: Sequence[float | None]) -> Distribution:
    known = [value for value in values if value is not None]
    cuts = np.percentile(known, (5, 25, 50, 75, 95)).tolist() if known else [None] * 5
    return Distribution(len(known) / len(values), *cuts)
