"""A model alone on the deployment's routes, in the vector world, many at once; scores kept as a record."""

from __future__ import annotations

from pathlib import Path

from pydantic.dataclasses import dataclass

from benchmarks.takeover_learning.rerank import drive_reranked
from takead_ros.domain.seeds import parse_seeds
from takead_ros.files import read_record, write_record
from takead_ros.measures.driving_score import EpisodeScore, score
from takead_ros.policy.model import load_model
from takead_ros.runs.batched import drive_batched
from takead_ros.runs.results import RECORD
from takead_ros.scenarios.suites import load_suite
from takead_ros.simulators.perception import load_perception

STANDING_MPS = 0.1


@dataclass(frozen=True, kw_only=True, config=RECORD)
class Scores:
    """The JSON file: who drove what, and the episodes' scores in the order of suite and seeds.

    standing: share of each episode's time at less than STANDING_MPS.
    """

    model_sha256: str
    suite: str
    perception: str
    seeds: str
    episodes: tuple[EpisodeScore, ...]
    standing: tuple[float, ...]


def evaluate(model: Path, suite: str, perception: str, seeds: str, file: Path, reranked: bool = False) -> Scores:
    """The scores kept in ``file`` where they are of this model and these routes, else driven and kept there anew.
    ``reranked``: with its plans ranked by the rule score."""
    policy = load_model(model)
    if file.exists():
        found = read_record(Scores, file, "scores of this benchmark")
        if (found.model_sha256, found.suite, found.perception, found.seeds) == (
            policy.sha256,
            suite,
            perception,
            seeds,
        ):
            return found
    scenarios = load_suite(suite).episodes(parse_seeds(seeds))
    settings = load_perception(perception)
    if reranked:
        logs = {place: drive_reranked(policy, one, settings) for place, one in enumerate(scenarios)}
    else:
        logs = dict(drive_batched(policy, scenarios, perception=settings))
    found = Scores(
        model_sha256=policy.sha256, suite=suite, perception=perception, seeds=seeds,
        episodes=tuple(score(logs[place], suite) for place in range(len(scenarios))),
        standing=tuple(float((logs[place].speed < STANDING_MPS).mean()) for place in range(len(scenarios))),
    )  # fmt: skip
    write_record(file, found)
    return found
