"""``takead train`` and ``takead export``. Mounted by takead_ros.cli.main, only where torch is installed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import typer
from rich.table import Table as Grid

from takead_ros.cli.rounds import FINAL_EXAMPLE, ROUNDS_EXAMPLE, final, rounds
from takead_ros.console import Progress, stderr, stdout
from takead_ros.files import refuse_existing, writable_folder, write_record
from takead_ros.policy.manifest import manifest_path
from takead_training import data
from takead_training.bc import train_bc
from takead_training.checkpoint import Provenance, load_checkpoint, save_checkpoint
from takead_training.dagger import Mix
from takead_training.export import export as export_model
from takead_training.preference import Preference
from takead_training.rounds import RoundResult, RoundSettings, run_round
from takead_training.trainer import Schedule

train = typer.Typer(no_args_is_help=True, rich_markup_mode="rich", help="Train policies from recorded driving.")
export = typer.Typer(rich_markup_mode="rich")

_JSON = typer.Option(None, "--json", help="Write what came out to this file, '-' for standard output.")
_THREADS = typer.Option(2, help="Threads of torch; the same number gives the same weights.")
_WORKERS = typer.Option(2, help="Processes that read clips.")
_SEED = typer.Option(0, min=0, help="Seed of the order of samples and of the first weights.")


class _Bars:
    """Each phase's progress, with the figures that say most."""

    def __init__(self, shown: Progress) -> None:
        self._shown = shown

    def report(self, phase: str, done: int, total: int, figures: dict[str, float]) -> None:
        named = {name: value for name, value in figures.items() if name in ("loss", "right")}
        self._shown.report(phase, done, total, named)

    def of(self, phase: str) -> Callable[..., None]:
        return lambda done, total, figures=None: self.report(phase, done, total, figures or {})


@train.command(
    epilog="Example: [bold]takead train bc runs/demonstrations --out runs/bc.pt --epochs 20[/bold]",
)
def bc(
    clips: list[Path] = typer.Argument(help="Folders with clips of whole demonstrations (takead drive --record all)."),
    out: Path = typer.Option(..., help="Checkpoint to write; 'takead export' makes a model of it."),
    epochs: int = typer.Option(20, min=1, help="Passes over the samples."),
    batch: int = typer.Option(256, min=1, help="Samples in a step."),
    rate: float = typer.Option(1e-3, min=0.0, help="Peak learning rate."),
    seed: int = _SEED,
    threads: int = _THREADS,
    workers: int = _WORKERS,
    name: str = typer.Option("bc", help="Name of the model, for its manifest."),
    as_json: str | None = _JSON,
) -> None:
    """Clone an expert's demonstrations: a first policy from nothing.

    Ctrl-C leaves OUT.state; the same command goes on from there. Seeds of the test and selection splits are refused.
    """
    refuse_existing(out)
    _refuse_json(as_json)
    writable_folder(out.parent)
    schedule = Schedule(epochs=epochs, batch=batch, rate=rate, seed=seed, threads=threads)
    state = out.with_name(out.name + ".state")
    with _resumable(), Progress() as shown:
        bars = _Bars(shown)
        found = data.find_clips(clips)
        table = data.concatenate(data.load(found, out.parent / "cache", workers, bars.of("read clips")))
        provenance = Provenance(
            name=name,
            stage="bc",
            clips=tuple(clip.manifest.clip_id for clip in found),
            suites=tuple(sorted({clip.manifest.provenance.suite for clip in found})),
            seeds=data.seeds_of(found),
        )
        checkpoint, figures = train_bc(table, provenance, schedule, state, bars.of("behaviour cloning"))
    save_checkpoint(checkpoint, out)
    state.unlink(missing_ok=True)
    _tell({"checkpoint": str(out), "clips": len(found), "samples": data.rows(table), **figures}, as_json)


@train.command(
    "round",
    epilog="Example: [bold]takead train round --parent models/baseline.onnx --clips runs/clips "
    "--demos runs/demonstrations --out runs/round-1[/bold]",
)
def one_round(
    parent: Path = typer.Option(..., help="The exported model that was driving."),
    clips: list[Path] = typer.Option(..., help="Folders with takeover clips."),
    out: Path = typer.Option(..., help="Folder of the round; its model is OUT/model.onnx."),
    demos: list[Path] = typer.Option([], help="Folders with demonstrations to keep in the mix."),
    dagger_epochs: int = typer.Option(RoundSettings().dagger.epochs, min=1, help="Epochs of imitation."),
    preference_epochs: int = typer.Option(RoundSettings().preference.epochs, min=1, help="Epochs of preference."),
    draws: int = typer.Option(Mix().draws, min=1, help="Samples drawn in an epoch."),
    loss: str = typer.Option("dpo", help="Preference loss: dpo or simpo."),
    beta: float = typer.Option(0.1, help="Sharpness of the preference."),
    gamma: float = typer.Option(0.1, help="Margin asked for by simpo."),
    casual: bool = typer.Option(False, help="Learn from casual human overrides and false alarms too."),
    seed: int = _SEED,
    threads: int = _THREADS,
    workers: int = _WORKERS,
    as_json: str | None = _JSON,
) -> None:
    """One round from takeovers: DAgger, then preference optimisation, then export with its gate.

    Ctrl-C leaves a folder that the same command goes on with; a finished round is reported again, not repeated.
    """
    kind: Literal["dpo", "simpo"] = loss  # type: ignore[assignment]  # Preference checks it
    base = RoundSettings()
    settings = RoundSettings(
        mix=Mix(shares=base.mix.shares, draws=draws),
        dagger=Schedule(epochs=dagger_epochs, rate=base.dagger.rate, seed=seed, threads=threads),
        preference=Schedule(epochs=preference_epochs, rate=base.preference.rate, seed=seed, threads=threads),
        pairs=Preference(loss=kind, beta=beta, gamma=gamma),
        workers=workers,
    )
    if not (out / "round.json").exists():
        _refuse_json(as_json)
    with _resumable(), Progress() as shown:
        result = run_round(parent, clips, demos, out, settings, casual, _Bars(shown).report)
    _tell(_round_as_dict(result), as_json)


train.command("rounds", epilog=ROUNDS_EXAMPLE)(rounds)
train.command("final", epilog=FINAL_EXAMPLE)(final)


def _round_as_dict(result: RoundResult) -> dict[str, Any]:
    return {
        "model": str(result.model),
        "sha256": result.sha256,
        **{f"pairs_{name}": count for name, count in result.pairs.items()},
        **{f"{stage}_{name}": value for stage, found in result.figures.items() for name, value in found.items()},
        **{f"parity_{name}": value for name, value in asdict(result.parity).items()},
    }


@export.command(epilog="Example: [bold]takead export runs/bc.pt --out models/baseline.onnx[/bold]")
def export_checkpoint(
    checkpoint: Path = typer.Argument(help="Checkpoint of 'takead train'."),
    out: Path = typer.Option(..., help="ONNX file to write; its manifest lies beside it."),
    overwrite: bool = typer.Option(False, help="Replace an existing model."),
    as_json: str | None = _JSON,
) -> None:
    """Write a checkpoint as an ONNX model with its manifest.

    The gate: on recorded frames ONNX Runtime must plan what torch plans, or nothing is written.
    """
    _refuse_json(as_json)
    writable_folder(out.parent)
    manifest, parity = export_model(load_checkpoint(checkpoint), out, overwrite)
    told = {"model": str(out), "manifest": str(manifest_path(out)), "sha256": manifest.sha256}
    _tell({**told, **{f"parity_{name}": value for name, value in asdict(parity).items()}}, as_json)


@contextmanager
def _resumable() -> Iterator[None]:
    """Ctrl-C ends a training with a word on how to go on, and exit code 130."""
    try:
        yield
    except KeyboardInterrupt as stop:
        stderr.print("stopped; every finished epoch is kept, the same command goes on from there")
        raise typer.Exit(130) from stop


def _refuse_json(as_json: str | None) -> None:
    if as_json not in (None, "-"):
        refuse_existing(Path(str(as_json)))


def _tell(found: dict[str, Any], as_json: str | None) -> None:
    """Print what came out as a table, or write it as JSON."""
    if as_json == "-":
        typer.echo(json.dumps(found, indent=2, sort_keys=True))
        return
    grid = Grid(show_header=False, box=None)
    for key, value in found.items():
        grid.add_row(key, f"{value:.4g}" if isinstance(value, float) else str(value))
    stdout.print(grid)
    if as_json:
        write_record(Path(as_json), found)
