"""Driving Score, Success Rate and their company by the definitions of CARLA Leaderboard 2.0 and Bench2Drive v0.0.3.

Re-implemented from the definitions as pure functions: one log in, one result out; results in, summary out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, fields
from typing import Any

import numpy as np

from takead_ros.domain.driving import EventKind, Source
from takead_ros.domain.errors import TakeadError
from takead_ros.measures.episode_log import End, EpisodeLog
from takead_ros.measures.infractions import Infraction, find_infractions
from takead_ros.measures.ride_quality import comfort, efficiency, min_time_to_collision, post_encroachment_time

SUCCESS_COMPLETION = 0.999
RESAMPLES = 10_000
PERCENTILES = (5, 25, 50, 75, 95)

Metric = str
COMPARED: tuple[Metric, ...] = ("driving_score", "success_rate", "route_completion", "takeovers_per_km", "expert_share")


@dataclass(frozen=True)
class EpisodeResult:
    """One scored episode.

    driving_score 0..100; success: goal reached in time without an infraction (success_rate: the same as 0 or 1);
    route_completion 0..1; penalty 0..1: product of the infractions' factors; takeovers: how
    often another took the wheel from the policy (once more where a handback is rolled back); expert_share 0..1 of the
    ticks on which anyone but the policy drove an axis; min_ttc s (None: never within 3 s); comfort 0..1; efficiency %
    (None: no traffic); duration s; distance m; mean_speed m/s; end: why it ended; post_encroachment_time s (None: no
    paths crossed within 5 s, or not known).
    """

    suite: str
    scenario: str
    seed: int
    ability: str
    threat: bool
    driving_score: float
    success: bool
    success_rate: float
    route_completion: float
    penalty: float
    infractions: tuple[Infraction, ...]
    takeovers: int
    takeovers_per_km: float
    expert_share: float
    min_ttc: float | None
    comfort: float
    efficiency: float | None
    duration: float
    distance: float
    mean_speed: float
    end: str
    post_encroachment_time: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """As JSON values; ``from_dict`` reads it back."""
        return {**asdict(self), "infractions": [asdict(infraction) for infraction in self.infractions]}

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> EpisodeResult:
        """From what ``as_dict`` gave; other keys are left aside. Raises TakeadError that names a missing one."""
        needed = [field.name for field in fields(EpisodeResult) if field.default is MISSING]
        missing = [name for name in needed if name not in values]
        if missing:
            raise TakeadError(
                f"episode result: keys {', '.join(missing)} are missing, expected what 'takead eval' writes"
            )
        known = {field.name: values[field.name] for field in fields(EpisodeResult) if field.name in values}
        return EpisodeResult(**{**known, "infractions": tuple(Infraction(**item) for item in values["infractions"])})


def score(log: EpisodeLog, suite: str = "") -> EpisodeResult:
    """Scores one episode. An episode that still runs is scored as far as it has come."""
    infractions = tuple(find_infractions(log))
    completion = 1.0 if log.end is End.GOAL else float(np.clip(log.route_s.max() / log.route_length, 0.0, 1.0))
    penalty = math.prod(infraction.factor for infraction in infractions)
    distance = float(np.hypot(np.diff(log.x), np.diff(log.y)).sum())
    takeovers = sum(event.kind is EventKind.START for event in log.events)
    others = [any(source not in (Source.POLICY, Source.NONE) for source in pair) for pair in log.sources]
    ttc, encroachment = min_time_to_collision(log), post_encroachment_time(log)
    success = log.end is End.GOAL and completion >= SUCCESS_COMPLETION and not infractions
    return EpisodeResult(
        suite=suite,
        scenario=log.family,
        seed=log.seed,
        ability=log.ability,
        threat=log.threat,
        driving_score=100.0 * completion * penalty,
        success=success,
        success_rate=float(success),
        route_completion=completion,
        penalty=penalty,
        infractions=infractions,
        takeovers=takeovers,
        takeovers_per_km=takeovers / max(distance / 1000.0, 1e-3),
        expert_share=float(np.mean(others)) if others else 0.0,
        min_ttc=ttc if math.isfinite(ttc) else None,
        comfort=comfort(log),
        efficiency=efficiency(log),
        duration=log.duration,
        distance=distance,
        mean_speed=distance / max(log.duration, log.step_s),
        end=log.end.value,
        post_encroachment_time=encroachment if math.isfinite(encroachment) else None,
    )


def aggregate(results: Sequence[EpisodeResult]) -> dict[str, Any]:
    """Summary of episodes as JSON values.

    Means over episodes, except takeovers_per_km (all takeovers over all km) and expert_share (weighted by time).
    ``abilities`` and ``scenarios``: for each, its episodes, success_rate and driving_score. ``infractions``: counts per
    kind. ``min_ttc`` and ``post_encroachment_time``: percentiles over the episodes that have one, and their share.
    Raises TakeadError where there is nothing to sum up.
    """
    if not results:
        raise TakeadError("measures: no episodes, expected at least one result")
    kilometres = sum(result.distance for result in results) / 1000.0
    seconds = np.array([result.duration for result in results])
    kinds = sorted({infraction.kind for result in results for infraction in result.infractions})
    efficiencies = [result.efficiency for result in results if result.efficiency is not None]
    ttcs = [result.min_ttc for result in results if result.min_ttc is not None]
    return {
        "episode_count": len(results),
        "driving_score": _mean([result.driving_score for result in results]),
        "success_rate": _mean([result.success_rate for result in results]),
        "route_completion": _mean([result.route_completion for result in results]),
        "takeovers_per_km": sum(result.takeovers for result in results) / max(kilometres, 1e-3),
        "expert_share": float(np.average([r.expert_share for r in results], weights=np.maximum(seconds, 1e-3))),
        "comfort": _mean([result.comfort for result in results]),
        "efficiency": _mean(efficiencies) if efficiencies else None,
        "min_ttc_median": float(np.median(ttcs)) if ttcs else None,
        "min_ttc": _distribution([result.min_ttc for result in results]),
        "post_encroachment_time": _distribution([result.post_encroachment_time for result in results]),
        "distance_km": kilometres,
        "infractions": {
            kind: sum(infraction.kind == kind for r in results for infraction in r.infractions) for kind in kinds
        },
        "abilities": _groups(results, "ability"),
        "scenarios": _groups(results, "scenario"),
    }


def _distribution(values: Sequence[float | None]) -> dict[str, float | None]:
    """Percentiles over the values there are, and which share of all these are."""
    known = [value for value in values if value is not None]
    cuts = np.percentile(known, PERCENTILES).tolist() if known else [None] * len(PERCENTILES)
    return {"share": len(known) / len(values), **{f"p{p}": cut for p, cut in zip(PERCENTILES, cuts, strict=True)}}


def _groups(results: Sequence[EpisodeResult], key: str) -> dict[str, dict[str, float]]:
    names = sorted({str(getattr(result, key)) for result in results})
    table = {}
    for name in names:
        group = [result for result in results if getattr(result, key) == name]
        table[name] = {
            "episodes": len(group),
            "success_rate": _mean([result.success_rate for result in group]),
            "driving_score": _mean([result.driving_score for result in group]),
        }
    return table


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))


@dataclass(frozen=True)
class Difference:
    """One measure of two models on the same episodes: means, paired mean difference new - old, bootstrap 95 % interval
    of it, and on how many episodes the new one was higher, equal, lower."""

    metric: str
    old: float
    new: float
    difference: float
    low: float
    high: float
    higher: int
    equal: int
    lower: int


def compare(
    old: Sequence[EpisodeResult], new: Sequence[EpisodeResult], seed: int = 0, metrics: Sequence[Metric] = COMPARED
) -> dict[str, Difference]:
    """Paired comparison over the episodes (scenario, seed) that both have, which must be the same set.

    The interval is the percentile bootstrap over episodes with 10,000 resamples from ``seed``. Raises TakeadError where
    the two sets of episodes differ or are empty.
    """
    first = {(result.scenario, result.seed): result for result in old}
    second = {(result.scenario, result.seed): result for result in new}
    if not first or first.keys() != second.keys() or len(first) != len(old) or len(second) != len(new):
        only = sorted(first.keys() ^ second.keys())[:5]
        raise TakeadError(
            f"measures: {len(old)} and {len(new)} episodes are no pairs (such as {only}), "
            "expected the same scenarios and seeds once in each"
        )
    keys = sorted(first)
    rows = np.random.default_rng(seed).integers(len(keys), size=(RESAMPLES, len(keys)))
    result = {}
    for metric in metrics:
        before = np.array([float(getattr(first[key], metric)) for key in keys])
        after = np.array([float(getattr(second[key], metric)) for key in keys])
        change = after - before
        low, high = np.percentile(change[rows].mean(1), [2.5, 97.5])
        result[metric] = Difference(
            metric, _mean(before.tolist()), _mean(after.tolist()), float(change.mean()), float(low), float(high),
            int((change > 1e-9).sum()), int((np.abs(change) <= 1e-9).sum()), int((change < -1e-9).sum()),
        )  # fmt: skip
    return result


__all__ = ["Difference", "EpisodeLog", "EpisodeResult", "Infraction", "aggregate", "compare", "score"]
