"""From the plan and the rows to networks: each arm is trained from the same one, in equally many steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.takeover_learning.plan import Arm, Plan
from benchmarks.takeover_learning.rows import FRAME_S, cut, driven, from_first, windows
from takead_training.checkpoint import Checkpoint, ModelProvenance, load_checkpoint, load_parent
from takead_training.data.clips import TrainingClip, seeds_of, suites_of
from takead_training.data.dataset import Dataset
from takead_training.export.export_model import export_model
from takead_training.rounds import parity_frames
from takead_training.settings import Aggregation, Mix, Schedule
from takead_training.stages.dagger import DAGGER
from takead_training.stages.registry import stage_of
from takead_training.stages.stage import Outcome, Stage, run_stages

Report = Callable[[str, int, int, dict[str, float]], None]
SHARES = {  # of the buckets, by kind of arm; what an arm has none of goes to the others
    "none": {"demonstration": 1.0},
    "takeovers": {"demonstration": 0.45, "pre": 0.25, "takeover": 0.2, "post": 0.1, "relabelled": 0.0},
    "labelled": {"demonstration": 0.45, "takeover": 0.55, "pre": 0.0, "post": 0.0, "relabelled": 0.0},
    "dense": {"demonstration": 0.3, "pre": 0.2, "takeover": 0.15, "post": 0.1, "relabelled": 0.25},
    "windows": {"demonstration": 0.45, "whole": 0.55},
    "routes": {"demonstration": 0.45, "whole": 0.55},
    "known": {"demonstration": 0.45, "whole": 0.55},
}


def spent(assisted: Sequence[Dataset]) -> tuple[int, int]:
    """How many frames the expert drove in the assisted drives, and the mean length of a takeover in frames."""
    found = [stretch for data in assisted for stretch in driven(data)]
    frames = sum(one.last - one.first for one in found)
    return frames, max(round(frames / max(len(found), 1)), 1)


def lesson(
    arm: Arm, assisted: Sequence[Dataset], whole: Sequence[Dataset], further: Dataset
) -> tuple[Dataset | None, float]:
    """What an arm learns from beside the demonstrations, and the seconds of the expert's driving that it cost.

    assisted, whole: of each round, the drives of the arm's routes with takeovers, and those of the expert alone.
    """
    if arm.kind == "none":
        return None, 0.0
    frames, length = spent(assisted)
    if arm.kind in ("takeovers", "labelled", "dense"):
        return _joined(assisted), frames * FRAME_S
    wanted = round(min(frames * arm.times, 1e9))
    if arm.kind == "windows":
        alone = _joined(whole)
        chosen = cut(alone, windows(alone, wanted, length, seed=0))
    else:
        data = _joined(whole) if arm.kind == "routes" else further
        chosen = cut(data, from_first(data, wanted))
    plain = int((chosen.column("perturbed") == 0).sum())
    return chosen, plain * FRAME_S


def _joined(data: Sequence[Dataset]) -> Dataset:
    return Dataset(data[0].format, [part for one in data for part in one.parts])


def learn(
    plan: Plan,
    arm: Arm,
    seed: int,
    start: Path,
    kept: Dataset,
    own: Dataset | None,
    clips: Sequence[TrainingClip],
    out: Path,
    report: Report,
) -> Path:
    """Train the network of the exported model ``start`` on ``kept`` demonstrations and the arm's ``own`` rows, of
    ``clips`` in all; export to ``out``. Goes on where it was stopped."""
    net, manifest = load_parent(start)
    parts = [*kept.parts, *(own.parts if own is not None else ())]
    data = Dataset(kept.format, parts)
    data = data.with_columns(of_round=(np.arange(len(data)) >= len(kept)).astype(np.int64))
    mix = Mix(shares={**dict.fromkeys(Mix().shares, 0.0), **SHARES[arm.kind]}, draws=plan.draws)
    schedule = Schedule(epochs=plan.epochs * arm.longer, rate=plan.rate, seed=seed, threads=1)
    stages: list[Stage[Any]] = [DAGGER.with_settings(Aggregation(mix, schedule))]
    for name in arm.stages:
        stage = stage_of(name)
        settings: Any = stage.settings
        plain = replace(settings, mix=mix, schedule=replace(settings.schedule, seed=seed, threads=1))
        stages.append(stage.with_settings(plain))
    made = ModelProvenance(
        name=f"{arm.name}-{seed}", stage=manifest.stage, parent=manifest.sha256,
        clips=tuple(clip.manifest.clip_id for clip in clips), suites=suites_of(clips), seeds=seeds_of(clips),
        training={name: value for name, value in manifest.training.items() if name != "network"},
    )  # fmt: skip
    _stages(stages, net, data, made, out.with_suffix(".pt"), report, seed)
    export_model(load_checkpoint(out.with_suffix(".pt")), out, overwrite=True)
    return out


def _stages(
    stages: Sequence[Stage[Any]], net: Any, data: Dataset, made: ModelProvenance, last: Path, report: Report, seed: int
) -> Checkpoint:
    def place(number: int, stage: Stage[Any]) -> Path:
        return last if number == len(stages) - 1 else last.with_name(f"{last.stem}.{number}-{stage.name}.pt")

    def done(stage: Stage[Any], outcome: Outcome) -> None:
        figures = ", ".join(f"{name} {value:.3g}" for name, value in outcome.history[-1].items())
        report(f"{last.stem}: {stage.name}: {figures}", 1, 1, {})

    frames = parity_frames(data, np.arange(len(data)), seed)
    return run_stages(stages, net, data, made, frames, place, report, done)
