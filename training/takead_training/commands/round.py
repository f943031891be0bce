"""``takead train round``: one round from takeovers."""

from __future__ import annotations

import inspect
from dataclasses import replace
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand

from takead_ros.cli.json_output import JSON, json_file
from takead_ros.console import ProgressBars
from takead_ros.policy.shipped import model_path
from takead_training.commands.parts import (
    ACCELERATOR,
    DEVICES,
    FORECAST,
    PRECISION,
    SEED,
    SPEED_DROPOUT,
    SPEED_TARGET,
    THREADS,
    UNSEEDED,
    WORKERS,
    phases,
    resumable,
    tell,
    tell_refused,
)
from takead_training.settings import RULES, Aggregation, Distil, Imitation, Mix, Preference

app = typer.Typer(add_completion=False, rich_markup_mode="rich")


class _Checked(TyperCommand):
    """Refuses what no stage can have while it is parsed, so that who only parses (``takead train rounds``) hears it."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        rest = super().parse_args(ctx, args)
        if not ctx.resilient_parsing:
            settings_of(**{name: ctx.params[name] for name in inspect.signature(settings_of).parameters})
        return rest


@app.command(
    cls=_Checked,
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
    stages: str = typer.Option("dagger,preference", help="What is done, in order, of bc, dagger, distil, preference."),
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
    rule: str = typer.Option("recorded", help=f"What scores anchors (distil, near_miss): {', '.join(RULES)}."),
    speed_target: str = SPEED_TARGET,
    speed_dropout: float = SPEED_DROPOUT,
    forecast: float = FORECAST,
    imitation_weight: float = typer.Option(1.0, help="Of the imitation term beside preference or distillation."),
    casual: bool = typer.Option(False, help="Learn from casual human overrides and false alarms too."),
    unseeded: bool = UNSEEDED,
    seed: int = SEED,
    threads: int = THREADS,
    workers: int = WORKERS,
    accelerator: str = ACCELERATOR,
    devices: int = DEVICES,
    precision: str = PRECISION,
    as_json: str | None = JSON,
) -> None:
    """One round from takeovers: its stages one after the other, then export with its gate.

    Ctrl-C leaves a folder that the same command goes on with; a finished round is reported again, not repeated.
    """
    json_file(as_json)
    from takead_training.rounds import RoundSettings, run_round  # here, because torch takes seconds
    from takead_training.stages.devices import Devices
    from takead_training.stages.registry import stage_of

    every = settings_of(
        share, draws, speed_target, speed_dropout, forecast, imitation_weight, dagger_epochs, target, score_weight,
        rule, distil_epochs, loss, rejected, beta, gamma, preference_epochs,
    )  # fmt: skip
    chosen = []
    for word in stages.split(","):
        stage = stage_of(word.strip())
        own: Any = every.get(stage.name, stage.settings)
        chosen.append(stage.with_settings(replace(own, schedule=replace(own.schedule, seed=seed, threads=threads))))
    settings = RoundSettings(tuple(chosen), seed, workers, Devices(accelerator, devices, precision))  # type: ignore[arg-type]
    with resumable(), ProgressBars() as shown:
        result = run_round(
            model_path(parent),
            clips,
            demos,
            out,
            settings,
            casual,
            phases(shown),
            model_path(base) if base else None,
            unseeded,
            collected,
            cache_in,
        )
    tell_refused(result.refused)
    tell(result.as_dict(), as_json)


def settings_of(
    share: list[str],
    draws: int,
    speed_target: str,
    speed_dropout: float,
    forecast: float,
    imitation_weight: float,
    dagger_epochs: int,
    target: str,
    score_weight: float,
    rule: str,
    distil_epochs: int,
    loss: str,
    rejected: str,
    beta: float,
    gamma: float,
    preference_epochs: int,
) -> dict[str, Any]:
    """What the options of this verb say of each stage. Raises TakeadError, without torch, for what none can do."""
    mix = Mix(shares={**Mix().shares, **_shares(share)}, draws=draws)
    imitation = Imitation(speed_target, speed_dropout, forecast=forecast)  # type: ignore[arg-type]  # each class checks its words
    beside = replace(imitation, weight=imitation_weight, forecast=0.0)
    return {
        "dagger": Aggregation(mix, replace(Aggregation().schedule, epochs=dagger_epochs), imitation),
        "distil": Distil(
            target=target,  # type: ignore[arg-type]
            score_weight=score_weight,
            rule=rule,  # type: ignore[arg-type]
            mix=mix,
            imitation=beside,
            schedule=replace(Distil().schedule, epochs=distil_epochs),
        ),
        "preference": Preference(
            loss,  # type: ignore[arg-type]
            rejected,  # type: ignore[arg-type]
            beta,
            gamma,
            rule=rule,  # type: ignore[arg-type]
            mix=mix,
            imitation=beside,
            schedule=replace(Preference().schedule, epochs=preference_epochs),
        ),
    }


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
