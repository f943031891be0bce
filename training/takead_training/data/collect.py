"""Takeovers straight to rows: a policy drives many episodes of the vector world at once, and what the recorder would
have put into clips is encoded there and then. No bag is written, and none is read.

    OUT/episodes.jsonl   what was asked for, then each finished episode with the names of its lessons
    OUT/index.json, ...  the rows of these and the worlds that they lie in, as ``data.cache`` keeps those of clips

Stopped at any point, the same call goes on with the episodes that are left.
"""

from __future__ import annotations

import hashlib
from functools import cached_property
from pathlib import Path

from pydantic.dataclasses import dataclass

from takead_ros.domain.errors import TakeadError
from takead_ros.domain.seeds import split_of
from takead_ros.files import locked, parse_record, to_json, writable_folder
from takead_ros.policy.format import PolicyFormat
from takead_ros.policy.model import Policy, load_model
from takead_ros.runs.assisted import drive_assisted
from takead_ros.runs.drive import JOURNAL, check_folder
from takead_ros.runs.evaluate_batched import Group, check_batched, in_groups, perception_of_group, result_of
from takead_ros.runs.journal import Journal, journal_overview
from takead_ros.runs.progress import Progress
from takead_ros.runs.results import RECORD, EpisodeResult, Evaluation, RunSettings, evaluation
from takead_ros.runs.spec import RunSpec
from takead_ros.runs.thresholds import thresholds_of
from takead_ros.runs.workplace import Workers
from takead_ros.scenarios import build
from takead_training.data.cache import Encoded, ShardWriter, encode_frames, rows_of, sound_index
from takead_training.data.clips import FORBIDDEN_SPLITS
from takead_training.data.dataset import ClipRows
from takead_training.data.samples import VERSION

MOST = 32  # episodes that a worker drives, and that are kept, together
Lessons = tuple[tuple[EpisodeResult, tuple[Encoded, ...]], ...]


@dataclass(frozen=True, kw_only=True, config=RECORD)
class CollectSettings(RunSettings):
    """Of a folder of rows: whose they are and how they were encoded."""

    format: str
    samples: str


class Collector:
    """A worker: drives groups of episodes of one model and encodes its takeovers; the model is kept."""

    def __init__(self) -> None:
        self._policies: dict[str, Policy] = {}

    def run(self, group: Group) -> Lessons:
        """Of each episode of ``group``, in its order: its result, and what is to be learned from its takeovers."""
        model = group[0].model
        policy = self._policies[model] = self._policies.get(model) or load_model(Path(model))
        scenarios = [build(spec.family, spec.seed) for spec in group]
        found: dict[int, tuple[EpisodeResult, tuple[Encoded, ...]]] = {}
        perception, rules = perception_of_group(group), thresholds_of(group[0].parameters)
        for driven in drive_assisted(policy, scenarios, perception=perception, record=True, rules=rules):
            spec = group[driven.place]
            names = [_name(policy.sha256, spec.key, number) for number in range(len(driven.clips))]
            lessons = tuple(
                encode_frames(clip.moments, name, policy.format) for name, clip in zip(names, driven.clips, strict=True)
            )
            keys = tuple(_key(name, policy.format) for name in names)
            found[driven.place] = result_of(spec, driven.log, keys), lessons
        return tuple(found[place] for place in range(len(group)))

    def close(self) -> None:
        """There is nothing to give back."""


def collect(spec: RunSpec, out: Path, workers: Workers[Group, Lessons], progress: Progress, label: str) -> Evaluation:
    """Drive ``spec`` with the expert ready to take over, and keep the rows of its takeovers in ``out``.

    Raises TakeadError for what the batched drive cannot do, for seeds that models are judged on, and where ``out``
    holds something else or is in use.
    """
    check_batched(spec)
    _guard_seeds("--seeds", spec.seeds)
    format = load_model(spec.model).format
    check_folder(out, JOURNAL)
    with locked(writable_folder(out)):
        settings = CollectSettings(**vars(spec.settings()), format=format.name, samples=VERSION)
        journal, index = Journal(out / JOURNAL, settings, EpisodeResult), sound_index(out)
        shards = ShardWriter(out, index)
        specs = spec.episodes(takeovers=True)
        done = {
            key: result for key, result in journal.results.items() if all(each in index.clips for each in result.clips)
        }
        waiting = [one for one in specs if one.key not in done]
        groups = in_groups(waiting, MOST)

        def finished(group: Group, driven: Lessons) -> None:
            for result, lessons in driven:
                for key, lesson in zip(result.clips, lessons, strict=True):
                    shards.add(key, lesson)
            shards.close()
            for one, (result, _) in zip(group, driven, strict=True):
                journal.add(one.key, result)
                done[one.key] = result
            progress.report(label, len(done), len(specs))

        progress.report(label, len(done), len(specs))
        workers.map(groups, finished, lambda group: group[0].key, progress)
        return evaluation(spec.model, spec.settings(), {"assisted": [done[one.key] for one in specs]})


class Collected:
    """A folder of ``collect`` to learn from. Raises TakeadError where it is none, is of seeds that models are judged
    on, or was encoded in another way than ``format`` is now."""

    def __init__(self, folder: Path, format: PolicyFormat) -> None:
        self.folder = folder
        if not (folder / JOURNAL).is_file():
            raise TakeadError(f"'{folder}': holds no {JOURNAL}; expected a folder of 'takead train collect'")
        told, _ = journal_overview(folder / JOURNAL)
        expected = "the settings of 'takead train collect'"
        self.settings = parse_record(CollectSettings, to_json(told), f"'{folder / JOURNAL}' line 1", expected)
        _guard_seeds(f"'{folder}'", self.settings.seeds)
        found, now = (self.settings.format, self.settings.samples), (format.name, VERSION)
        if found != now:
            raise TakeadError(f"'{folder}': rows of {' '.join(found)}, expected {' '.join(now)} (collect them again)")
        with locked(folder):
            results = Journal(folder / JOURNAL, self.settings, EpisodeResult).results
            index = sound_index(folder)
        self.names = {
            clip: _name(self.settings.model_sha256, key, number)
            for key in sorted(results)
            for number, clip in enumerate(results[key].clips)
        }
        lost = [name for clip, name in self.names.items() if clip not in index.clips]
        if lost:
            raise TakeadError(
                f"'{folder}': the rows of {lost[0]} and {len(lost) - 1} more are gone or not what they were; expected "
                "them as they were collected (the same 'takead train collect' makes them again)"
            )
        self._index = index

    @cached_property
    def parts(self) -> list[ClipRows]:
        """One for each takeover clip, in an order that does not depend on how they were driven."""
        return rows_of(self.folder, self._index, self.names)

    @property
    def digest(self) -> str:
        """sha256 of what is learned from it."""
        return hashlib.sha256(to_json([sorted(self.names), sorted(self._index.shards.items())]).encode()).hexdigest()


def _guard_seeds(where: str, seeds: tuple[int, ...]) -> None:
    for seed in seeds:
        if split_of(seed) in FORBIDDEN_SPLITS:
            raise TakeadError(
                f"{where}: seed {seed} is a {split_of(seed)} seed; a model judged on it must not learn from it "
                "(expected collection or training seeds)"
            )


def _name(model_sha256: str, episode: str, number: int) -> str:
    return f"{model_sha256[:12]}-{episode}-{number}"


def _key(name: str, format: PolicyFormat) -> str:
    return f"{hashlib.sha256(name.encode()).hexdigest()[:32]}-{format.name}-{VERSION}"
