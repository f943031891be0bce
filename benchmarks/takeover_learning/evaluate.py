"""A model alone on the deployment's routes; scores kept as a record.

In the vector world many at once, without the nodes; in another simulator by the user's own ``takead eval``, with all of
them.
"""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from pydantic.dataclasses import dataclass

from benchmarks.takeover_learning.drives import takead
from benchmarks.takeover_learning.rerank import drive_reranked
from takead_ros.domain.seeds import parse_seeds
from takead_ros.files import read_record, write_record
from takead_ros.measures.driving_score import EpisodeScore, score_episode
from takead_ros.policy.model import load_model
from takead_ros.runs.batched import drive_batched
from takead_ros.runs.results import RECORD, read_evaluation
from takead_ros.scenarios.suites import load_suite
from takead_ros.simulators.perception import load_perception

STANDING_MPS = 0.1


@dataclass(frozen=True, kw_only=True, config=RECORD)
class Scores:
    """The JSON file: who drove what, and the episodes' scores in the order of suite and seeds.

    standing: share of each episode's time at less than STANDING_MPS; none where ``takead eval`` drove.
    """

    model_sha256: str
    suite: str
    perception: str
    seeds: str
    episodes: tuple[EpisodeScore, ...]
    standing: tuple[float, ...]


def evaluate_elsewhere(
    model: Path, simulator: str, suite: str, perception: str, seeds: str, file: Path, workers: int
) -> Scores:
    """The scores of ``takead eval --json FILE``, which goes on where it was stopped."""
    if not file.exists():
        takead(
            "eval", "--sim", simulator, "--suite", suite, "--perception", perception, "--seeds", seeds, "--model",
            str(model), "--passes", "unassisted", "--workers", str(workers), "--json", str(file),
        )  # fmt: skip
    found = read_evaluation(file)
    names = [field.name for field in fields(EpisodeScore)]
    return Scores(
        model_sha256=found.model_sha256, suite=suite, perception=perception, seeds=seeds, standing=(),
        episodes=tuple(EpisodeScore(**{name: getattr(one, name) for name in names}) for one in found.episodes),
    )  # fmt: skip


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
        episodes=tuple(score_episode(logs[place], suite) for place in range(len(scenarios))),
        standing=tuple(float((logs[place].speed < STANDING_MPS).mean()) for place in range(len(scenarios))),
    )  # fmt: skip
    write_record(file, found)
    return found
