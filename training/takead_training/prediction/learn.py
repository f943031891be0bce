"""A model of road users from folders of clips to one checkpoint, with its errors on held-out drives."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from takead_ros.domain.errors import TakeadError
from takead_ros.files import new_output
from takead_ros.prediction.model import load_road_user_model
from takead_ros.runs.road_users import Displacement, displacements
from takead_training.checkpoint import ModelProvenance
from takead_training.data.clips import RefusedClip, TrainingClip, find_clips, seeds_of, suites_of
from takead_training.prediction.checkpoint import FRAMES, PredictionCheckpoint, export_prediction, save_prediction
from takead_training.prediction.read import CACHE, read_samples
from takead_training.prediction.train import PredictionSamples, train_prediction
from takead_training.settings import Prediction

HOLD_OUT = 10  # every tenth episode is held out, and one at least
Report = Callable[[str, int, int, dict[str, float]], None]  # phase, done, total, figures


@dataclass(frozen=True)
class RoadUsersLearned:
    """What was learned from: clips, clips held out, samples; the last figures; the errors on ``windows`` of 4 s of
    those held out; and what was left out."""

    clips: int
    held_out: int
    samples: int
    figures: dict[str, float]
    windows: int
    displacements: tuple[Displacement, ...]
    refused: tuple[RefusedClip, ...]


def learn_road_users(
    clips: Sequence[Path],
    out: Path,
    settings: Prediction,
    name: str,
    report: Report,
    windows: int = 100,
    workers: int = 1,
    unseeded: bool = False,
) -> RoadUsersLearned:
    """Write the checkpoint ``out``, a model called ``name``, from the clips below the folders ``clips``.

    ``windows``: at most so many of the held-out drives are rolled out. Encoded clips are kept in a folder beside
    ``out``; what is unfinished goes on from ``out``.state. Raises TakeadError where there is too little.
    """
    with new_output(out):
        found = find_clips(clips, casual=True, unseeded=unseeded)
        parts, unread = read_samples(
            found.clips, out.parent / CACHE, workers, lambda at, of: report("read clips", at, of, {})
        )
        usable = [(clip, part) for clip, part in zip(found.clips, parts, strict=True) if part is not None]
        if not usable:
            raise TakeadError(f"{unread[0].why} ({len(unread)} clips, none left to learn from)")
        held = held_out([clip for clip, _ in usable])
        samples = PredictionSamples([part for _, part in usable])
        learned = [clip for clip, _ in usable if clip not in held]
        rows = samples.of_parts(i for i, (clip, _) in enumerate(usable) if clip not in held)
        state = out.with_name(out.name + ".state")
        net, history = train_prediction(
            samples, rows, settings, state, lambda at, of, figures: report("agents", at, of, figures)
        )
        frames = samples.batch(rows[np.linspace(0, len(rows) - 1, FRAMES).astype(np.int64)], ())
        ids = tuple(clip.manifest.clip_id for clip in learned)
        made = ModelProvenance(name, "random", None, ids, suites_of(learned), seeds_of(learned))
        checkpoint = PredictionCheckpoint(net.eval(), made, frames)
        errors, count = _rolled_out(checkpoint, held, windows, report)
        used = {
            **asdict(settings),
            "samples": len(rows),
            "held_out": sorted({episode_of(clip) for clip in held}),
            "windows": count,
            "figures": [asdict(one) for one in errors],
        }
        save_prediction(PredictionCheckpoint(net, made.after("agents", used), frames), out)
        state.unlink(missing_ok=True)
    return RoadUsersLearned(
        len(learned), len(held), len(rows), history[-1], count, tuple(errors), (*found.refused, *unread)
    )


def episode_of(clip: TrainingClip) -> str:
    """The drive that a clip is of: all its clips are learned from, or none."""
    made = clip.manifest.provenance
    return f"{made.suite}/{made.scenario}/{made.seed if made.seed is not None else clip.manifest.clip_id}"


def held_out(clips: Sequence[TrainingClip]) -> list[TrainingClip]:
    """The clips of every HOLD_OUT-th episode, in an order that no family and no seed has a say in.

    Raises TakeadError where all are of one episode.
    """
    episodes = sorted({episode_of(clip) for clip in clips}, key=lambda name: hashlib.sha256(name.encode()).digest())
    if len(episodes) < 2:
        raise TakeadError(f"road users: all clips are of one episode ({episodes[0]}); expected two, one is held out")
    chosen = set(episodes[HOLD_OUT - 1 :: HOLD_OUT] or episodes[-1:])
    return [clip for clip in clips if episode_of(clip) in chosen]


def _rolled_out(
    checkpoint: PredictionCheckpoint, held: Sequence[TrainingClip], windows: int, report: Report
) -> tuple[list[Displacement], int]:
    """The held-out figures of a network, through the very file that export would make of it."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.onnx"
        export_prediction(checkpoint, file)
        model = load_road_user_model(file)
        return displacements(
            [clip.path for clip in held], model, windows, lambda at, of: report("roll out held-out clips", at, of, {})
        )
