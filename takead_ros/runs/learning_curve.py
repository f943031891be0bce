"""What a loop has come to over the seconds that the expert drove: the project's unit of account."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from takead_ros.measures.summary import Interval
from takead_ros.runs.loop_state import LoopState, Round
from takead_ros.runs.results import Evaluation, read_evaluation

DRIVEN, SELECTION = "drive.json", "selection"


@dataclass(frozen=True)
class CurvePoint:
    """One model of a loop. name: ``first``, or the round that made it; expert_s: s that the expert had driven at
    takeovers until then; score: its Driving Score on the selection seeds, with the interval over their episodes."""

    name: str
    expert_s: float
    score: float
    interval: Interval


def takeovers_of(folder: Path, done: Round) -> Evaluation | None:
    """The drives of round ``done`` in which the expert took over; None where they are not there (yet)."""
    file = folder / f"round-{done.number}" / DRIVEN
    return read_evaluation(file) if file.exists() else None


def expert_seconds(content: Evaluation) -> float:
    """s that the expert drove."""
    return sum(episode.expert_share * episode.duration for episode in content.assisted)


def learning_curve(folder: Path, state: LoopState) -> list[CurvePoint]:
    """The first model and that of each round of the loop in ``folder``, as far as they were evaluated."""
    models, spent = [("first", 0.0, state.first_sha256)], 0.0
    for done in state.rounds:
        content = takeovers_of(folder, done)
        if content is None or done.model_sha256 is None:
            break
        spent += expert_seconds(content)
        models.append((f"round {done.number}", spent, done.model_sha256))
    points = []
    for name, seconds, sha256 in models:
        file = folder / SELECTION / f"{sha256[:12]}.json"
        if file.exists():
            found = read_evaluation(file)
            points.append(CurvePoint(name, seconds, found.driving_score, found.intervals["driving_score"]))
    return points
