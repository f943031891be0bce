"""Behaviour cloning from folders of clips to one checkpoint. Killed anywhere, it goes on at its last epoch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from takead_ros.files import new_output
from takead_training.architectures.registry import ARCHITECTURES
from takead_training.checkpoint import ModelProvenance
from takead_training.data import cache
from takead_training.data.clips import RefusedClip, find_clips, seeds_of, suites_of
from takead_training.data.perfect import perfect_clips
from takead_training.rounds import Report, parity_frames
from takead_training.stages.bc import BC, Cloning
from takead_training.stages.devices import Devices
from takead_training.stages.stage import Outcome, Stage, run_stages


@dataclass(frozen=True)
class Cloned:
    """What was learned from: clips, those of takeovers among them, samples; the last figures; what was left out."""

    clips: int
    takeovers: int
    samples: int
    figures: dict[str, float]
    refused: tuple[RefusedClip, ...]


def clone(
    clips: Sequence[Path],
    out: Path,
    settings: Cloning,
    name: str,
    report: Report,
    workers: int = 1,
    unseeded: bool = False,
    perfect: Sequence[Path] = (),
    devices: Devices | None = None,
) -> Cloned:
    """Write the checkpoint ``out``, a model called ``name``, from the clips below the folders ``clips``.

    unseeded: also clips that name no seed. perfect: evaluations; only their episodes with a Driving Score of 100.
    Encoded clips are kept in the folder ``cache`` beside ``out``. Raises TakeadError where there is too little.
    """
    last: dict[str, float] = {}

    def done(stage: Stage[Any], outcome: Outcome) -> None:
        last.update(outcome.history[-1])

    with new_output(out):
        found = find_clips(clips, False, unseeded, perfect_clips(perfect) if perfect else None)
        format = ARCHITECTURES[settings.architecture].format
        data, unread = cache.load(
            found.clips, out.parent / "cache", format, workers, lambda at, of: report("read clips", at, of, {})
        )
        learned = [clip for clip in found.clips if clip.path not in {one.path for one in unread}]
        ids = tuple(clip.manifest.clip_id for clip in learned)
        made = ModelProvenance(name, "random", None, ids, suites_of(learned), seeds_of(learned))
        frames = parity_frames(data, np.arange(len(data)), settings.schedule.seed)
        run_stages(
            [BC.with_settings(settings)], None, data, made, frames, lambda number, stage: out, report, done, devices
        )
    takeovers = sum(clip.manifest.kind != "demonstration" for clip in learned)
    return Cloned(len(learned), takeovers, len(data), last, (*found.refused, *unread))
