"""``takead train`` and ``takead export``. Mounted by takead_ros.cli.verbs, only where torch is installed."""

from __future__ import annotations

from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import typer

from takead_ros.cli.json_output import JSON, json_file
from takead_ros.cli.rounds import FINAL_EXAMPLE, ROUNDS_EXAMPLE, final, rounds
from takead_ros.console import ProgressBars, warn
from takead_ros.files import locked, new_output, refuse_existing, writable_folder
from takead_ros.policy.manifest import SPEED_DECODES, Decoding, ModelManifest, manifest_path
from takead_ros.policy.shipped import model_path
from takead_training.agents_command import EXAMPLE as AGENTS_EXAMPLE
from takead_training.agents_command import agents
from takead_training.architectures.registry import ARCHITECTURES, DEFAULT
from takead_training.checkpoint import ModelProvenance, load_checkpoint
from takead_training.collect_command import COLLECT_EXAMPLE, collect_command
from takead_training.data import cache
from takead_training.data.clean import Clean
from takead_training.data.clips import find_clips, seeds_of, suites_of
from takead_training.data.mix import Mix
from takead_training.data.perfect import perfect_clips
from takead_training.export.export_model import export_model
from takead_training.export.parity import Parity
from takead_training.predictability_command import EXAMPLE, predictability
from takead_training.prediction.checkpoint import (
    PredictionParity,
    export_prediction,
    is_prediction,
    load_prediction,
)
from takead_training.rounds import RoundResult, RoundSettings, parity_frames, run_round
from takead_training.stages.bc import BC, Cloning
from takead_training.stages.dagger import Aggregation
from takead_training.stages.devices import ACCELERATORS, PRECISIONS, Devices
from takead_training.stages.distil import Distil
from takead_training.stages.fit import Schedule
from takead_training.stages.imitation import Imitation
from takead_training.stages.preference import Preference
from takead_training.stages.registry import STAGES, stage_of
from takead_training.stages.stage import Outcome, Stage, run_stages
from takead_training.verb_parts import SEED, THREADS, UNSEEDED, WORKERS, resumable, tell, tell_refused

train = typer.Typer(
    no_args_is_help=True, rich_markup_mode="rich", add_completion=False, help="Train policies from recorded driving."
)
export = typer.Typer(rich_markup_mode="rich", add_completion=False)

_ACCELERATOR = typer.Option("cpu", help=f"What trains: {', '.join(ACCELERATORS)} (auto: CUDA where there is one).")
_DEVICES = typer.Option(1, min=1, max=64, help="How many of them; a batch is shared out among them.")
_PRECISION = typer.Option("32", help=f"Of the network: {', '.join(PRECISIONS)} (with CUDA only).")
_SPEED_TARGET = typer.Option(Imitation().speed_target, help="What the speed head learns: two_hot or nearest bins.")
_SPEED_DROPOUT = typer.Option(0.0, help="Share of samples in which the ego's own speed is hidden.")


def _report(shown: ProgressBars, phase: str, done: int, total: int, figures: dict[str, float]) -> None:
    """Each phase's progress, with the figures that say most."""
    shown.report(phase, done, total, {name: value for name, value in figures.items() if name in ("loss", "right")})


@train.command(
    epilog="Examples:\n\n"
    "[bold]takead train bc runs/demonstrations --out runs/bc.pt --epochs 20[/bold]\n\n"
    "[bold]takead train bc runs/demonstrations --out runs/bc.pt --accelerator cuda --precision bf16-mixed[/bold]",
)
def bc(
    clips: list[Path] = typer.Argument(help="Folders with clips of whole demonstrations (takead drive --record all)."),
    out: Path = typer.Option(..., help="Checkpoint to write; 'takead export' makes a model of it."),
    epochs: int = typer.Option(20, min=1, help="Passes over the samples."),
    batch: int = typer.Option(256, min=1, help="Samples in a step."),
    rate: float = typer.Option(1e-3, min=0.0, help="Peak learning rate."),
    architecture: str = typer.Option(DEFAULT, help=f"The network: {', '.join(ARCHITECTURES)}."),
    perfect: list[Path] = typer.Option(
        [], help="JSON of 'takead drive': learn only from its episodes with a Driving Score of 100."
    ),
    thin_standing: bool = typer.Option(False, help="Of L standstill frames in a row keep the square root of L."),
    change_weight: float = typer.Option(1.0, help="How often frames where the expert changes something are drawn."),
    speed_target: str = _SPEED_TARGET,
    speed_dropout: float = _SPEED_DROPOUT,
    seed: int = SEED,
    threads: int = THREADS,
    workers: int = WORKERS,
    accelerator: str = _ACCELERATOR,
    devices: int = _DEVICES,
    precision: str = _PRECISION,
    name: str = typer.Option("bc", help="Name of the model, for its manifest."),
    unseeded: bool = UNSEEDED,
    as_json: str | None = JSON,
) -> None:
    """Clone an expert's demonstrations: a first policy from nothing.

    Clips of takeovers are cloned as well, wherever the expert has a plan, and counted in a warning: 'takead train
    round' weighs them for what they are. Ctrl-C leaves OUT.state; the same command goes on from there. Seeds of the
    test and selection splits are refused.
    """
    refuse_existing(out)
    json_file(as_json)
    hardware = Devices(accelerator, devices, precision)  # type: ignore[arg-type]  # it checks its words
    stage = BC.with_settings(
        Cloning(
            Schedule(epochs=epochs, batch=batch, rate=rate, seed=seed, threads=threads),
            architecture,
            Clean(thin_standing, change_weight),
            Imitation(speed_target, speed_dropout),  # type: ignore[arg-type]  # Imitation checks it
        )
    )
    last: dict[str, float] = {}

    def done(stage: Stage[Any], outcome: Outcome) -> None:
        last.update(outcome.history[-1])

    with resumable(), new_output(out), ProgressBars() as shown:
        report = partial(_report, shown)
        found = find_clips(clips, False, unseeded, perfect_clips(perfect) if perfect else None)
        format = ARCHITECTURES[architecture].format
        data, unread = cache.load(
            found.clips, out.parent / "cache", format, workers, lambda at, of: report("read clips", at, of, {})
        )
        learned = [clip for clip in found.clips if clip.path not in {one.path for one in unread}]
        ids = tuple(clip.manifest.clip_id for clip in learned)
        made = ModelProvenance(name, "random", None, ids, suites_of(learned), seeds_of(learned))
        frames = parity_frames(data, np.arange(len(data)), seed)
        run_stages([stage], None, data, made, frames, lambda number, stage: out, report, done, hardware)
    tell_refused((*found.refused, *unread))
    parts = sum(clip.manifest.kind != "demonstration" for clip in learned)
    if parts:
        warn(
            f"{parts} of {len(learned)} clips are takeovers, no whole demonstrations; their frames are cloned like all "
            "others ('takead train round' is for takeovers)"
        )
    told = {"checkpoint": str(out), "clips": len(learned), "takeovers": parts}
    tell({**told, "refused": len(found.refused) + len(unread), "samples": len(data), **last}, as_json)


@train.command(
    "round",
    epilog="Example: [bold]takead train round --parent models/baseline.onnx --clips runs/clips "
    "--demos runs/demonstrations --out runs/round-1[/bold]",
)
def one_round(
    parent: str = typer.Option(..., help="The exported model that was driving: a file, or a shipped one by name."),
    out: Path = typer.Option(..., help="Folder of the round; its model is OUT/model.onnx."),
    clips: list[Path] = typer.Option([], help="Folders with takeover clips."),
    collected: list[Path] = typer.Option([], help="Folders of 'takead train collect'."),
    demos: list[Path] = typer.Option([], help="Folders with demonstrations to keep in the mix."),
    cache_in: Path | None = typer.Option(
        None,
        "--cache",
        help="Folder of encoded clips, for rounds that learn from the same (default: OUT/cache).",
    ),
    base: str = typer.Option("", help="Model to train from in the parent's place: a file, or a shipped one by name."),
    stages: str = typer.Option("dagger,preference", help=f"What is done, in order, of {', '.join(STAGES)}."),
    dagger_epochs: int = typer.Option(Aggregation().schedule.epochs, min=1, help="Epochs of imitation."),
    preference_epochs: int = typer.Option(Preference().schedule.epochs, min=1, help="Epochs of preference."),
    distil_epochs: int = typer.Option(Distil().schedule.epochs, min=1, help="Epochs of distillation."),
    draws: int = typer.Option(Mix().draws, min=1, help="Samples drawn in an epoch."),
    share: list[str] = typer.Option([], help="Share of a bucket, such as takeover=0.3; see docs/learning.md."),
    loss: str = typer.Option("dpo", help="Preference loss: dpo or simpo."),
    rejected: str = typer.Option("own", help="Rejected side: own (top choice) or near_miss (unsafe anchor)."),
    beta: float = typer.Option(0.1, help="Sharpness of the preference."),
    gamma: float = typer.Option(0.1, help="Margin asked for by simpo."),
    target: str = typer.Option("scores", help="What is distilled: scores, or optimum (KL-regularised)."),
    score_weight: float = typer.Option(1.0, help="Weight of the score against similarity to the expert."),
    speed_target: str = _SPEED_TARGET,
    speed_dropout: float = _SPEED_DROPOUT,
    casual: bool = typer.Option(False, help="Learn from casual human overrides and false alarms too."),
    unseeded: bool = UNSEEDED,
    seed: int = SEED,
    threads: int = THREADS,
    workers: int = WORKERS,
    accelerator: str = _ACCELERATOR,
    devices: int = _DEVICES,
    precision: str = _PRECISION,
    as_json: str | None = JSON,
) -> None:
    """One round from takeovers: its stages one after the other, then export with its gate.

    Ctrl-C leaves a folder that the same command goes on with; a finished round is reported again, not repeated.
    """
    mix = Mix(shares={**Mix().shares, **_shares(share)}, draws=draws)
    imitation = Imitation(speed_target, speed_dropout)  # type: ignore[arg-type]  # each class checks its words
    every = {
        "dagger": Aggregation(mix, replace(Aggregation().schedule, epochs=dagger_epochs), imitation),
        "distil": Distil(
            target=target,  # type: ignore[arg-type]
            score_weight=score_weight,
            mix=mix,
            imitation=imitation,
            schedule=replace(Distil().schedule, epochs=distil_epochs),
        ),
        "preference": Preference(
            loss,  # type: ignore[arg-type]
            rejected,  # type: ignore[arg-type]
            beta,
            gamma,
            mix=mix,
            imitation=imitation,
            schedule=replace(Preference().schedule, epochs=preference_epochs),
        ),
    }
    chosen = []
    for word in stages.split(","):
        stage = stage_of(word.strip())
        own: Any = every.get(stage.name, stage.settings)
        chosen.append(stage.with_settings(replace(own, schedule=replace(own.schedule, seed=seed, threads=threads))))
    settings = RoundSettings(tuple(chosen), seed, workers, Devices(accelerator, devices, precision))  # type: ignore[arg-type]
    json_file(as_json)
    with resumable(), ProgressBars() as shown:
        result = run_round(
            model_path(parent),
            clips,
            demos,
            out,
            settings,
            casual,
            partial(_report, shown),
            model_path(base) if base else None,
            unseeded,
            collected,
            cache_in,
        )
    for why in result.refused:
        warn(f"left out: {why}")
    tell(_round_as_dict(result), as_json)


train.command("collect", epilog=COLLECT_EXAMPLE)(collect_command)
train.command("rounds", epilog=ROUNDS_EXAMPLE)(rounds)
train.command("final", epilog=FINAL_EXAMPLE)(final)
train.command("predictability", epilog=EXAMPLE)(predictability)
train.command("agents", epilog=AGENTS_EXAMPLE)(agents)


def _shares(words: list[str]) -> dict[str, float]:
    """``name=number`` words. Mix checks the names and numbers. Raises BadParameter for other words."""
    found = {}
    for word in words:
        name, _, number = word.partition("=")
        try:
            found[name] = float(number)
        except ValueError as problem:
            raise typer.BadParameter(f"--share '{word}': expected BUCKET=SHARE, such as takeover=0.3") from problem
    return found


def _round_as_dict(result: RoundResult) -> dict[str, Any]:
    return {
        "model": str(result.model),
        "sha256": result.sha256,
        "refused": len(result.refused),
        **{f"pairs_{name}": count for name, count in result.pairs.items()},
        **{f"{stage}_{name}": value for stage, found in result.figures.items() for name, value in found.items()},
        **{f"parity_{name}": value for name, value in asdict(result.parity).items()},
    }


@export.command(epilog="Example: [bold]takead export runs/bc.pt --out runs/bc.onnx[/bold]")
def export_checkpoint(
    checkpoint: Path = typer.Argument(help="Checkpoint of 'takead train'."),
    out: Path = typer.Option(..., help="ONNX file to write; its manifest lies beside it."),
    overwrite: bool = typer.Option(False, help="Replace an existing model."),
    decode_speed: str = typer.Option("plan", help=f"What decides the speed at run time: {', '.join(SPEED_DECODES)}."),
    as_json: str | None = JSON,
) -> None:
    """Write a checkpoint as an ONNX model with its manifest.

    A policy, or a model of road users. The gate: on recorded frames ONNX Runtime must plan (predict) what torch does,
    or nothing is written.
    """
    json_file(as_json)
    writable_folder(out.parent)
    decoding = Decoding.of(decode_speed)
    with locked(out):
        manifest: ModelManifest
        parity: Parity | PredictionParity
        if is_prediction(checkpoint):
            manifest, parity = export_prediction(load_prediction(checkpoint), out, overwrite)
        else:
            manifest, parity = export_model(load_checkpoint(checkpoint), out, overwrite, decoding)
    told = {"model": str(out), "manifest": str(manifest_path(out)), "sha256": manifest.sha256}
    tell({**told, **{f"parity_{name}": value for name, value in asdict(parity).items()}}, as_json)
