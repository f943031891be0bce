"""What driving leaves behind, typed from birth: one episode, a model's evaluation, the comparison of two.

These classes are also the schemas of the files: journal lines and the JSON of ``drive``, ``eval`` and ``compare``. They
are read back strictly (``files.read_record``): every key known, every number finite.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from takead_ros.domain.errors import TakeadError
from takead_ros.files import read_record
from takead_ros.measures.driving_score import EpisodeScore
from takead_ros.measures.summary import (
    BY_KEY,
    FEWEST,
    Difference,
    HeadlineKey,
    Summary,
    aggregate,
    compare_scores,
    headline_value,
)
from takead_ros.runs.machine import Machine, this_environment

RECORD = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)
PassName = Literal["unassisted", "assisted"]
PASSES: tuple[PassName, ...] = ("unassisted", "assisted")
# measured without a takeover, where that was driven
ALONE_KEYS: tuple[HeadlineKey, ...] = ("driving_score", "success_rate", "route_completion")
ASSISTED_KEYS: tuple[HeadlineKey, ...] = ("takeovers_per_km", "expert_share")


@dataclass(frozen=True, kw_only=True, config=RECORD)
class EpisodeResult(EpisodeScore):
    """One driven episode: its score, and how it came about.

    triggers: of each takeover, in order; driver: ``expert``, ``alone`` or ``assisted``; clips: paths below the run's
    folder; verdict: what the simulator says of it by its own measures (None: it has none).
    """

    triggers: tuple[str, ...]
    driver: str
    clips: tuple[str, ...] = ()
    verdict: dict[str, float] | None = None


@dataclass(frozen=True, kw_only=True, config=RECORD)
class EvaluatedEpisode(EpisodeResult):
    """The same episode driven alone (or, where only that was driven, assisted) and ``assisted``.

    takeovers, takeovers_per_km, expert_share, triggers and clips are those of the assisted drive.
    """

    assisted: EpisodeResult


@dataclass(frozen=True, kw_only=True, config=RECORD)
class RunSettings:
    """Everything that decides a run's result, so that only the same run is continued.

    model_sha256: "" for the expert. parameters: of the nodes where a file changed them, by node.
    """

    model_sha256: str
    suite: str
    families: tuple[str, ...]
    seeds: Annotated[tuple[int, ...], Field(min_length=1)]
    version: str
    simulator: str
    parameters: dict[str, dict[str, bool | int | float | str | tuple[str, ...]]]


@dataclass(frozen=True, kw_only=True, config=RECORD)
class Evaluation(RunSettings, Summary):
    """The JSON of ``eval`` and ``drive``.

    The summary holds the scores of the unassisted pass where there is one, takeovers and the expert's share of the
    assisted one; ``passes`` holds both whole. path: of the model's file, or ``expert``; triggers: how many takeovers
    of each; verdict: means of the simulator's own.
    """

    model: str
    path: str
    environment: Machine
    triggers: dict[str, int]
    verdict: dict[str, float] | None
    passes: Annotated[dict[PassName, Summary], Field(min_length=1)]
    episodes: Annotated[tuple[EvaluatedEpisode, ...], Field(min_length=1)]

    @property
    def assisted(self) -> list[EpisodeResult]:
        """The episodes as they were driven with the expert ready to take over."""
        return [episode.assisted for episode in self.episodes]


@dataclass(frozen=True, kw_only=True, config=RECORD)
class ModelName:
    model: str
    model_sha256: str


@dataclass(frozen=True, kw_only=True, config=RECORD)
class PairedComparison:
    """Two evaluations of the same episodes as pairs: the difference of each headline that was measured in both (how
    often the expert takes over only where it was ready to), and each family's Driving Score."""

    before: ModelName
    after: ModelName
    suite: str
    families: tuple[str, ...]
    seeds: Annotated[tuple[int, ...], Field(min_length=1)]
    episode_count: int
    differences: Annotated[dict[HeadlineKey, Difference], Field(min_length=len(ALONE_KEYS))]
    scenarios: dict[str, Difference]
    infractions_per_km: dict[str, tuple[float, float]]  # before, after; driven alone
    version: str
    simulator: str
    environment: Machine


def evaluation(model: str, settings: RunSettings, passes: Mapping[PassName, Sequence[EpisodeResult]]) -> Evaluation:
    """Sum up ``passes``: results by pass name (``unassisted``, ``assisted``), in the same order of episodes."""
    alone = passes["unassisted"] if "unassisted" in passes else passes["assisted"]
    assisted = passes.get("assisted", alone)
    found: dict[PassName, Summary] = {name: aggregate(results) for name, results in passes.items()}
    own, taken = (found.get(name) or next(iter(found.values())) for name in PASSES)
    headline: dict[str, Any] = {
        **_shallow(own),
        **{key: getattr(taken, key) for key in ASSISTED_KEYS},
        "intervals": {**own.intervals, **{key: taken.intervals[key] for key in ASSISTED_KEYS}},
    }
    return Evaluation(
        **headline,
        **_shallow(settings),
        model=Path(model).name,
        path=model,
        environment=this_environment(),
        triggers=dict(sorted(Counter(name for result in assisted for name in result.triggers).items())),
        verdict=_mean_verdict(alone),
        passes=found,
        episodes=tuple(_pair(a, b) for a, b in zip(alone, assisted, strict=True)),
    )


def read_evaluation(path: Path) -> Evaluation:
    """What ``takead eval --json`` or ``takead drive --json`` wrote. Raises TakeadError where it is something else, and
    where its headlines are not those of its episodes: a figure is one wherever it is shown."""
    found = read_record(Evaluation, path, "JSON written by 'takead eval' or 'takead drive' of this version")
    for keys, scores in ((ALONE_KEYS, found.episodes), (ASSISTED_KEYS, found.assisted)):
        for key in keys:
            told, own = getattr(found, key), headline_value(scores, key)
            if not math.isclose(told, own, rel_tol=1e-9, abs_tol=1e-9):
                raise TakeadError(f"'{path}': {key} is {told:g}, that of its episodes {own:g}; expected the same")
    return found


def comparison(before: Evaluation, after: Evaluation) -> PairedComparison:
    """Two evaluations as pairs. Raises TakeadError where the episodes are not the same."""
    alone = compare_scores(before.episodes, after.episodes, ALONE_KEYS)
    ready = "assisted" in before.passes and "assisted" in after.passes
    assisted = compare_scores(before.assisted, after.assisted, ASSISTED_KEYS) if ready else {}
    families = sorted({episode.scenario for episode in before.episodes})
    kinds = sorted({*before.infractions_per_km, *after.infractions_per_km})
    return PairedComparison(
        before=ModelName(model=before.model, model_sha256=before.model_sha256),
        after=ModelName(model=after.model, model_sha256=after.model_sha256),
        suite=before.suite,
        families=before.families,
        seeds=before.seeds,
        episode_count=before.episode_count,
        differences={**alone, **assisted},
        scenarios={name: _score_of(name, before, after) for name in families},
        infractions_per_km={
            kind: (before.infractions_per_km.get(kind, 0.0), after.infractions_per_km.get(kind, 0.0)) for kind in kinds
        },
        version=before.version,
        simulator=before.simulator,
        environment=after.environment,
    )


def pairs(before: Evaluation, after: Evaluation) -> list[tuple[EvaluatedEpisode, EvaluatedEpisode]]:
    """The same episodes of both, whatever order each has them in. The two hold the same episodes (``comparison``)."""
    theirs = {(episode.scenario, episode.seed): episode for episode in after.episodes}
    return [(episode, theirs[episode.scenario, episode.seed]) for episode in before.episodes]


def judgement(difference: Difference) -> str:
    """``better``, ``worse`` or ``open``: whether the interval lies on one side of zero. A bootstrap over a handful of
    episodes settles nothing, so that it is open there. Raises TakeadError where the interval is not finite."""
    if not (math.isfinite(difference.low) and math.isfinite(difference.high)):
        raise TakeadError(
            f"{difference.metric}: interval {difference.low} .. {difference.high}; expected finite numbers"
        )
    if difference.low <= 0.0 <= difference.high or difference.higher + difference.equal + difference.lower < FEWEST:
        return "open"
    return "better" if (difference.low > 0.0) == (BY_KEY[difference.metric].sense > 0) else "worse"


def signed(template: str, value: float) -> str:
    """A difference in the unit of its headline; shares in percentage points."""
    text = f"{100.0 * value:+.1f} pp" if "%" in template else template.replace("{:", "{:+").format(value)
    return text if text.strip("+-0. p") else text.replace("-", "+")  # no "-0.0"


def _score_of(family: str, before: Evaluation, after: Evaluation) -> Difference:
    old, new = ([e for e in part.episodes if e.scenario == family] for part in (before, after))
    return compare_scores(old, new, ["driving_score"])["driving_score"]


def _shallow(record: EpisodeScore | Summary | RunSettings) -> dict[str, Any]:
    """Its fields, to be those of another record."""
    return {field.name: getattr(record, field.name) for field in fields(record)}


def _pair(alone: EpisodeResult, assisted: EpisodeResult) -> EvaluatedEpisode:
    keys = ("takeovers", "takeovers_per_km", "expert_share", "triggers", "clips")
    return EvaluatedEpisode(**{**_shallow(alone), **{key: getattr(assisted, key) for key in keys}}, assisted=assisted)


def _mean_verdict(results: Sequence[EpisodeResult]) -> dict[str, float] | None:
    found = [result.verdict for result in results if result.verdict is not None]
    return {key: sum(one[key] for one in found) / len(found) for key in found[0]} if found else None
