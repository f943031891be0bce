"""Takeovers of the old policy and the new policy at the same place: which tell most, and films of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from pydantic.dataclasses import dataclass as record

from takead_ros.domain.errors import TakeadError
from takead_ros.files import locked, open_file, read_record, writable_folder, write_record
from takead_ros.pictures.side_by_side import AFTER_S, BEFORE_S, film, record_drive, save_film
from takead_ros.recording.reader import Frame
from takead_ros.runs.episode import EpisodeRunner, EpisodeSpec
from takead_ros.runs.progress import Progress
from takead_ros.runs.results import RECORD, EvaluatedEpisode, Evaluation, pairs
from takead_ros.runs.workers import open_workers
from takead_ros.runs.workplace import Workplace

FOLDER, FACTS = "takeovers", "moments.json"
SHOWN = 3
SPARE = 2  # drawn as well where one of the first shows nothing
TRIGGERS = ("collision_predicted", "time_to_collision", "off_route", "steering_disagreement", "stuck")
SOONEST_S = 8.0  # of an infraction that a film leads up to
LATER_S = 8.0  # for which a drive goes on after the infraction that it leads up to
SLOWER = 1.5  # times as long as the old policy the new one may take to the place
SAME_PLACE_M = 15.0


@record(frozen=True, kw_only=True, config=RECORD)
class Moment:
    """A takeover that is shown, and what is to be said about it. gif, still: files beside the list of them."""

    scenario: str
    seed: int
    trigger: str
    takeovers_after: int
    caption: str
    gif: str
    still: str


@record(frozen=True, kw_only=True, config=RECORD)
class Moments:
    """The content of moments.json: what is shown of which models (sha256)."""

    models: tuple[str, str]
    moments: tuple[Moment, ...]


@dataclass(frozen=True)
class Shown:
    """An episode to be shown. until_s: s at which the old policy's drive may end (None: its takeover may be later)."""

    scenario: str
    seed: int
    until_s: float | None


@dataclass(frozen=True)
class _Job:
    """Both drives of one choice, and the name of its pictures."""

    old: EpisodeSpec
    new: EpisodeSpec
    folder: Path
    name: str


class MomentWorker:
    """Drives and draws one choice after the other."""

    def __init__(self) -> None:
        self._runner = EpisodeRunner()

    def run(self, job: _Job) -> Moment | None:
        """None where nobody took over, or where the new policy never comes to that place."""
        old = record_drive(self._runner, job.old)
        if not old.takeovers:
            return None
        new = record_drive(self._runner, job.new)
        stamp, trigger = old.takeovers[0]
        there = same_place(old.frames, new.frames, stamp)
        if there is None:
            return None
        first, last = there - BEFORE_S * 1e9, there + AFTER_S * 1e9
        takeovers = sum(first <= taken <= last for taken, _ in new.takeovers)
        gif, still = f"{job.name}.gif", f"{job.name}.png"
        save_film(film(old, new, (stamp, there)), job.folder / gif, job.folder / still)
        return Moment(
            scenario=job.old.family,
            seed=job.old.seed,
            trigger=trigger,
            takeovers_after=takeovers,
            caption=_caption(job.old, trigger, takeovers),
            gif=gif,
            still=still,
        )

    def close(self) -> None:
        self._runner.close()


def ensure(
    run: Path, before: Evaluation, after: Evaluation, place: Workplace, progress: Progress
) -> tuple[Moment, ...]:
    """The moments of the run in folder ``run``, drawn from new drives of both models where they are not there yet.

    Their bags are kept beside them, in ``FOLDER``. None where the old policy was never taken over and never failed. A
    broken file is made again.
    """
    folder, models = run / FOLDER, (before.model_sha256, after.model_sha256)
    with suppress(TakeadError):
        found = read_record(Moments, folder / FACTS, "what a report shows")
        names = [name for moment in found.moments for name in (moment.gif, moment.still)]
        if found.models == models and all(_is_picture(folder / name) for name in names):
            return found.moments
    chosen = choose(pairs(before, after))[: SHOWN + SPARE]
    if not chosen:
        return ()
    writable_folder(folder)
    with locked(folder):
        jobs = [_job(folder, i + 1, one, before, after) for i, one in enumerate(chosen)]
        made: dict[str, Moment] = {}
        label = "drawing takeovers"
        with open_workers(MomentWorker, place) as pool:
            waiting = jobs
            while waiting and len(made) < SHOWN:
                turn, waiting = waiting[: SHOWN - len(made)], waiting[SHOWN - len(made) :]
                progress.report(label, len(made), len(made) + len(turn))

                def finished(job: _Job, moment: Moment | None) -> None:
                    if moment is not None:
                        made[job.name] = moment

                pool.map(turn, finished, lambda job: job.name, progress)
        found = Moments(models=models, moments=tuple(made[name] for name in sorted(made)))
        write_record(folder / FACTS, found)
        progress.report(label, len(made), len(made))
        return found.moments


def choose(episodes: Sequence[tuple[EvaluatedEpisode, EvaluatedEpisode]]) -> list[Shown]:
    """The pairs that tell most, best first: those in which the old policy was taken over, for what lay ahead, and the
    new one not, or less. Where both only drove alone: those in which the old one did something wrong early and the new
    one, which came further, nothing at that place."""
    if any(old.triggers for old, _ in episodes):
        taken = sorted((pair for pair in episodes if pair[0].triggers), key=_worth, reverse=True)
        return [Shown(old.scenario, old.seed, None) for old, _ in taken]
    found = []
    for old, new in episodes:
        early = [one for one in old.infractions if one.time >= SOONEST_S][:1]
        for one in early:
            clean = all(math.hypot(other.x - one.x, other.y - one.y) > SAME_PLACE_M for other in new.infractions)
            if clean and new.driving_score > old.driving_score:
                found.append((one.kind == "blocked", one.time, Shown(old.scenario, old.seed, one.time + LATER_S)))
    return [choice for *_, choice in sorted(found, key=lambda one: one[:2])]


def same_place(old: Sequence[Frame], new: Sequence[Frame], stamp: int) -> int | None:
    """The stamp (ns) at which the ego of ``new`` first is nearest to where that of ``old`` was at ``stamp``; None where
    it never comes within ``SAME_PLACE_M`` m."""
    there = min(old, key=lambda frame: abs(frame.stamp - stamp)).world.ego
    gaps = [math.hypot(frame.world.ego.x - there.x, frame.world.ego.y - there.y) for frame in new]
    nearest = min(range(len(gaps)), key=gaps.__getitem__, default=None)
    return None if nearest is None or gaps[nearest] > SAME_PLACE_M else new[nearest].stamp


def _worth(pair: tuple[EvaluatedEpisode, EvaluatedEpisode]) -> tuple[float, ...]:
    old, new = pair
    trigger = old.triggers[0]
    return (
        float(trigger in TRIGGERS[:2] and new.takeovers == 0),
        float(new.takeovers == 0),
        new.driving_score - old.driving_score,
        float(len(TRIGGERS) - TRIGGERS.index(trigger)) if trigger in TRIGGERS else 0.0,
    )


def _job(folder: Path, number: int, choice: Shown, before: Evaluation, after: Evaluation) -> _Job:
    def spec(content: Evaluation, name: str, until_s: float | None) -> EpisodeSpec:
        return EpisodeSpec(
            content.suite,
            choice.scenario,
            choice.seed,
            content.path,
            True,
            str(folder / name),
            simulator=before.simulator.split()[0],
            parameters=before.parameters,
            until_s=until_s,
        )

    later = None if choice.until_s is None else SLOWER * choice.until_s + LATER_S
    return _Job(spec(before, "before", choice.until_s), spec(after, "after", later), folder, f"takeover-{number}")


def _caption(spec: EpisodeSpec, trigger: str, takeovers: int) -> str:
    after = {0: "the new policy drives on by itself", 1: "the new policy is taken over once"}.get(
        takeovers, f"the new policy is taken over {takeovers} times"
    )
    return (
        f"Held-out scenario {spec.family}, seed {spec.seed}. Left: the old policy; the expert takes over "
        f"({trigger.replace('_', ' ')}). Right: at the same place {after}. Orange and teal: the policy's plan; green: "
        "the expert's."
    )


def _is_picture(path: Path) -> bool:
    try:
        with open_file(path) as file, Image.open(file) as picture:
            picture.verify()
    except (OSError, SyntaxError, Image.DecompressionBombError):
        return False
    return True
