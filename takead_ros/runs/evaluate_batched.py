"""``takead eval --batched``: both passes in the vector world, many episodes at once (``batched``, ``assisted``)."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from takead_ros.domain.driving import EventKind
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.perception import PerceptionSettings
from takead_ros.files import locked
from takead_ros.measures.driving_score import score_episode
from takead_ros.measures.episode_log import EpisodeLog
from takead_ros.nodes.simulator_node import SimulatorNode
from takead_ros.policy.decide import check_format
from takead_ros.policy.model import Policy, load_model
from takead_ros.runs.assisted import drive_assisted
from takead_ros.runs.batched import drive_batched
from takead_ros.runs.drive import JOURNAL_SUFFIX, EvaluationSettings, say_kept
from takead_ros.runs.episode import EXPERT, EpisodeSpec
from takead_ros.runs.journal import Journal
from takead_ros.runs.progress import Progress
from takead_ros.runs.results import EpisodeResult, Evaluation, PassName, RunSettings, evaluation
from takead_ros.runs.spec import RunSpec
from takead_ros.runs.thresholds import thresholds_of
from takead_ros.runs.workplace import Workers
from takead_ros.scenarios import build
from takead_ros.scenarios.suites import NONE
from takead_ros.simulators.perception import load_perception

MOST = 128  # episodes that a worker drives, and that are kept, together
PARTS, FEWEST = 8, 4  # few episodes are shared out as well, however many workers there are: results stay what they are
Group = tuple[EpisodeSpec, ...]
Results = tuple[EpisodeResult, ...]
BatchWorkers = Workers[Group, Results]


class BatchRunner:
    """A worker that drives groups of episodes, all of one model; loaded models are kept from one to the next."""

    def __init__(self) -> None:
        self._policies: dict[str, Policy] = {}

    def run(self, group: Group) -> Results:
        """The results of ``group``, in its order."""
        model = group[0].model
        if model not in self._policies:
            self._policies[model] = load_model(Path(model))
        results: dict[int, EpisodeResult] = {}
        scenarios, perception = [build(spec.family, spec.seed) for spec in group], perception_of_group(group)
        rules = thresholds_of(group[0].parameters)
        if group[0].takeovers:
            for one in drive_assisted(self._policies[model], scenarios, perception=perception, rules=rules):
                results[one.place] = result_of(group[one.place], one.log)
        else:
            for place, log in drive_batched(
                self._policies[model], scenarios, perception=perception, arbiter=rules.arbiter
            ):
                results[place] = result_of(group[place], log)
        return tuple(results[place] for place in range(len(group)))

    def close(self) -> None:
        """There is nothing to give back."""


def in_groups(episodes: Sequence[EpisodeSpec], most: int) -> list[Group]:
    """``episodes`` in order, in about ``PARTS`` groups of ``FEWEST`` to ``most``; the last one has what is left."""
    size = min(max(-(-len(episodes) // PARTS), FEWEST), most)
    return [tuple(episodes[first : first + size]) for first in range(0, len(episodes), size)]


def perception_of_group(group: Group) -> PerceptionSettings:
    """What the vehicles of ``group``, which are all of one run, perceive."""
    asked = group[0].parameters.get(SimulatorNode.NAME, {}).get("perception", NONE)
    return load_perception(str(asked) or NONE)


def result_of(spec: EpisodeSpec, log: EpisodeLog, clips: tuple[str, ...] = ()) -> EpisodeResult:
    """The result of a drive of ``spec``."""
    triggers = tuple(event.trigger.name.lower() for event in log.events if event.kind is EventKind.START)
    return EpisodeResult(**vars(score_episode(log, spec.suite)), triggers=triggers, driver=spec.driver, clips=clips)


def check_batched(spec: RunSpec) -> None:
    """TakeadError where ``spec`` asks for more than a policy in the vector world, by rules that hold there."""
    if spec.simulator != "vector":
        raise TakeadError(f"--batched --sim {spec.simulator}: expected --sim vector, the world that steps many at once")
    if spec.model == EXPERT:
        raise TakeadError(f"--batched --model {EXPERT}: expected a policy; the expert drives one episode at a time")
    check_format(load_model(spec.model))
    thresholds_of(spec.parameters)


def evaluate_batched(
    spec: RunSpec,
    passes: Sequence[PassName],
    keep: Path | None,
    workers: BatchWorkers,
    progress: Progress,
    label: str,
) -> Evaluation:
    """Every pass of ``spec``, summed up; finished groups are kept beside ``keep``, the file meant for it.

    ``spec`` is checked (``check_batched``). Raises TakeadError as ``drive.evaluate`` does.
    """
    with contextlib.ExitStack() as stack:
        settings = batched_settings(spec)
        journal = None
        if keep is not None:
            stack.enter_context(locked(keep))
            kept = EvaluationSettings(**vars(settings), passes=tuple(passes))
            journal = Journal(keep.with_name(keep.name + JOURNAL_SUFFIX), kept, EpisodeResult)
        specs = {name: spec.episodes(takeovers=name == "assisted") for name in passes}
        done = drive_groups([specs[name] for name in passes], workers, journal, progress, label)
        parts: dict[PassName, list[EpisodeResult]] = {
            name: [done[one.key] for one in mine] for name, mine in specs.items()
        }
        return evaluation(spec.model, settings, parts)


def batched_settings(spec: RunSpec) -> RunSettings:
    """What decides the results: named by its simulator as batched, so that it is not taken for the stack's."""
    settings = spec.settings()
    return replace(settings, simulator=f"{settings.simulator}, batched")


def drive_groups(
    passes: Sequence[Sequence[EpisodeSpec]],
    workers: BatchWorkers,
    journal: Journal[EpisodeResult] | None,
    progress: Progress,
    label: str,
) -> dict[str, EpisodeResult]:
    """The results of all ``passes`` by key, in groups of one pass each; what is in ``journal`` is not driven again."""
    done = dict(journal.results) if journal else {}
    groups: list[Group] = []
    for specs in passes:
        waiting = [one for one in specs if one.key not in done]
        groups += in_groups(waiting, MOST)
    total = sum(map(len, passes))
    try:
        workers.map(groups, _keeper(done, journal, progress, label, total), lambda group: group[0].key, progress)
    except (KeyboardInterrupt, TakeadError):
        say_kept(len(done), total, journal is not None, progress)
        raise
    return done


def _keeper(
    done: dict[str, EpisodeResult], journal: Journal[EpisodeResult] | None, progress: Progress, label: str, total: int
) -> Callable[[Group, Results], None]:
    def finished(group: Group, results: Results) -> None:
        for spec, result in zip(group, results, strict=True):
            done[spec.key] = result
            if journal:
                journal.add(spec.key, result)
        progress.report(label, len(done), total)

    return finished
