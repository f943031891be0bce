"""The failures of an evaluation as animations: each episode is driven once more, into a bag, and drawn."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic.dataclasses import dataclass as record

from takead_ros.files import locked, writable_folder, write_record
from takead_ros.pictures.side_by_side import record_drive, save_drive
from takead_ros.runs.drive import check_folder
from takead_ros.runs.episode import EpisodeRunner, EpisodeSpec
from takead_ros.runs.journal import check_same_settings
from takead_ros.runs.progress import Progress
from takead_ros.runs.results import RECORD, EpisodeResult, Evaluation, RunSettings
from takead_ros.runs.spec import RunSpec
from takead_ros.runs.workers import open_workers
from takead_ros.runs.workplace import Workplace

MARK = "films.json"


@record(frozen=True, kw_only=True, config=RECORD)
class FilmSettings(RunSettings):
    """Of a folder of films."""

    takeovers: bool


@dataclass(frozen=True)
class FilmJob:
    """An episode to be drawn to ``path`` under a line of ``text``."""

    spec: EpisodeSpec
    text: str
    path: Path


class FilmWorker:
    """Drives and draws one episode after the other."""

    def __init__(self) -> None:
        self._runner = EpisodeRunner()

    def run(self, job: FilmJob) -> None:
        save_drive(record_drive(self._runner, job.spec), job.text, job.path)

    def close(self) -> None:
        self._runner.close()


def film_failures(content: Evaluation, spec: RunSpec, folder: Path, place: Workplace, progress: Progress) -> list[Path]:
    """Draw every episode of ``content`` that did not succeed to ``folder``, as FAMILY-SEED.gif; those there are kept.

    Drawn is the drive that the scores come from. Raises TakeadError where the folder holds something else, or films of
    another run.
    """
    takeovers = "unassisted" not in content.passes
    failed = [episode for episode in content.episodes if not episode.success]
    check_folder(folder, MARK)
    writable_folder(folder)
    with locked(folder):
        settings = FilmSettings(**vars(spec.settings()), takeovers=takeovers)
        if (folder / MARK).exists():
            check_same_settings(folder / MARK, settings)
        else:
            write_record(folder / MARK, settings)
        specs = {(one.family, one.seed): one for one in spec.episodes(takeovers)}
        jobs = [FilmJob(specs[e.scenario, e.seed], _text(e), folder / f"{e.scenario}-{e.seed}.gif") for e in failed]
        waiting = [job for job in jobs if not job.path.exists()]
        done = len(jobs) - len(waiting)
        label = "drawing failures"
        progress.report(label, done, len(jobs))

        def finished(_: FilmJob, __: None) -> None:
            nonlocal done
            done += 1
            progress.report(label, done, len(jobs))

        with open_workers(FilmWorker, place) as pool:
            pool.map(waiting, finished, lambda job: job.path.name, progress)
        return [job.path for job in jobs]


def _text(episode: EpisodeResult) -> str:
    kinds = ", ".join(dict.fromkeys(infraction.kind for infraction in episode.infractions)) or episode.end
    return f"{episode.scenario} {episode.seed}: {episode.driving_score:.0f}, {kinds}".replace("_", " ")
