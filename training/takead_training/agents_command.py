"""``takead train agents``: a model of road users from clips. Mounted by ``takead_training.cli``."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import typer

from takead_ros.cli.json_output import JSON, STDOUT, give_json, json_file
from takead_ros.console import ProgressBars, fields, say, show_table, table
from takead_ros.domain.errors import TakeadError
from takead_ros.files import new_output, refuse_existing
from takead_ros.prediction.model import load_road_user_model
from takead_ros.runs.road_users import Displacement, displacements
from takead_training.checkpoint import ModelProvenance
from takead_training.data.clips import RefusedClip, TrainingClip, find_clips, seeds_of, suites_of
from takead_training.prediction.checkpoint import FRAMES, PredictionCheckpoint, export_prediction, save_prediction
from takead_training.prediction.read import CACHE, read_samples
from takead_training.prediction.train import Prediction, PredictionSamples, train_prediction
from takead_training.stages.fit import Schedule
from takead_training.verb_parts import SEED, UNSEEDED, WORKERS, resumable, tell_refused

EXAMPLE = "Example: [bold]takead train agents runs/drives --out runs/agents.pt --epochs 12[/bold]"
HOLD_OUT = 10  # every tenth episode is held out, and one at least


def agents(
    clips: list[Path] = typer.Argument(help="Folders with clips; whole drives show most (takead drive --record all)."),
    out: Path = typer.Option(..., help="Checkpoint to write; 'takead export' makes a model of it."),
    epochs: int = typer.Option(Prediction().schedule.epochs, min=1, help="Passes over the samples."),
    batch: int = typer.Option(256, min=1, help="Samples in a step."),
    rate: float = typer.Option(1e-3, min=0.0, help="Peak learning rate."),
    modes: int = typer.Option(Prediction().modes, min=1, max=32, help="Ways on that are told of each road user."),
    windows: int = typer.Option(100, min=1, max=10_000, help="Held-out windows of 4 s to roll out."),
    seed: int = SEED,
    threads: int = typer.Option(1, min=1, max=256, help="Threads of torch; the same number gives the same weights."),
    workers: int = WORKERS,
    name: str = typer.Option("agents", help="Name of the model, for its manifest."),
    unseeded: bool = UNSEEDED,
    as_json: str | None = JSON,
) -> None:
    """Learn how road users move, from clips: a small prediction model that is told what the ego plans.

    Every tenth episode is held out: there all road users are rolled out for 4 s beside the recorded ego, and end so far
    from the record. Ctrl-C leaves OUT.state; the same command goes on from there. Seeds of the test and selection
    splits are refused.
    """
    refuse_existing(out)
    json_file(as_json)
    settings = Prediction(Schedule(epochs=epochs, batch=batch, rate=rate, seed=seed, threads=threads), modes=modes)
    with resumable(), new_output(out), ProgressBars() as shown:
        found = find_clips(clips, casual=True, unseeded=unseeded)
        parts, unread = read_samples(
            found.clips, out.parent / CACHE, workers, lambda at, of: shown.report("read clips", at, of)
        )
        usable = [(clip, part) for clip, part in zip(found.clips, parts, strict=True) if part is not None]
        if not usable:
            raise TakeadError(f"{unread[0].why} ({len(unread)} clips, none left to learn from)")
        held = held_out([clip for clip, _ in usable])
        samples = PredictionSamples([part for _, part in usable])
        learned = [clip for clip, _ in usable if clip not in held]
        rows = samples.of_parts(i for i, (clip, _) in enumerate(usable) if clip not in held)
        state = out.with_name(out.name + ".state")
        report = partial(_report, shown)
        net, history = train_prediction(samples, rows, settings, state, report)
        frames = samples.batch(rows[np.linspace(0, len(rows) - 1, FRAMES).astype(np.int64)], ())
        made = ModelProvenance(
            name,
            "random",
            None,
            tuple(clip.manifest.clip_id for clip in learned),
            suites_of(learned),
            seeds_of(learned),
        )
        checkpoint = PredictionCheckpoint(net.eval(), made, frames)
        figures, count = _rolled_out(checkpoint, held, windows, shown)
        used = {
            **asdict(settings),
            "samples": len(rows),
            "held_out": sorted({episode_of(clip) for clip in held}),
            "windows": count,
            "figures": [asdict(one) for one in figures],
        }
        save_prediction(PredictionCheckpoint(net, made.after("agents", used), frames), out)
        state.unlink(missing_ok=True)
    told = {
        "checkpoint": str(out),
        "clips": len(learned),
        "held_out": len(held),
        "refused": len(found.refused) + len(unread),
        "samples": len(rows),
        **history[-1],
    }
    _tell(told, figures, count, (*found.refused, *unread), as_json)


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
    checkpoint: PredictionCheckpoint, held: Sequence[TrainingClip], windows: int, shown: ProgressBars
) -> tuple[list[Displacement], int]:
    """The held-out figures of a network, through the very file that export would make of it."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.onnx"
        export_prediction(checkpoint, file)
        model = load_road_user_model(file)
        return displacements(
            [clip.path for clip in held], model, windows, lambda at, of: shown.report("roll out held-out clips", at, of)
        )


def _report(shown: ProgressBars, done: int, total: int, figures: dict[str, float]) -> None:
    shown.report("agents", done, total, {name: figures[name] for name in ("loss", "right")})


def _tell(
    told: dict[str, Any],
    figures: Sequence[Displacement],
    windows: int,
    refused: Sequence[RefusedClip],
    as_json: str | None,
) -> None:
    tell_refused(tuple(refused))
    if as_json != STDOUT:
        fields({key: f"{value:.4g}" if isinstance(value, float) else value for key, value in told.items()}, 24)
        rows = [
            (one.agents, one.group, f"{one.horizon_s:g} s", str(one.count), f"{one.ade_m:.2f} m", f"{one.fde_m:.2f} m")
            for one in figures
        ]
        show_table(table("held out", "of", "after", "count", "ADE", "FDE", rows=rows))
        say(
            f"{windows} windows of 4 s, everybody who moves in them, the ego as recorded. Replay would be 0 by "
            "definition; rules are told the recorded way and speeds of each, the others only what was until then"
        )
    give_json({**told, "windows": windows, "displacements": [asdict(one) for one in figures]}, as_json)
