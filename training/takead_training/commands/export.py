"""``takead export``: a checkpoint as an ONNX model."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import typer

from takead_ros.cli.json_output import JSON, json_file
from takead_ros.files import locked, writable_folder
from takead_ros.policy.manifest import CONTROL_DECODES, SPEED_DECODES, Decoding, manifest_path
from takead_training.commands.parts import tell

app = typer.Typer(add_completion=False, rich_markup_mode="rich")


@app.command(epilog="Example: [bold]takead export runs/bc.pt --out runs/bc.onnx[/bold]")
def export_checkpoint(
    checkpoint: Path = typer.Argument(help="Checkpoint of 'takead train'."),
    out: Path = typer.Option(..., help="ONNX file to write; its manifest lies beside it."),
    overwrite: bool = typer.Option(False, help="Replace an existing model."),
    decode_speed: str = typer.Option("plan", help=f"What decides the speed at run time: {', '.join(SPEED_DECODES)}."),
    decode_control: str = typer.Option(
        "mean",
        help=f"What the control branch decides at run time: {', '.join(CONTROL_DECODES)} (nothing; half of the "
        "acceleration; all of it, the steering being the plan's, as TakeAD; the whole command).",
    ),
    as_json: str | None = JSON,
) -> None:
    """Write a checkpoint as an ONNX model with its manifest.

    A policy, or a model of road users. The gate: on recorded frames ONNX Runtime must plan (predict) what torch does,
    or nothing is written.
    """
    json_file(as_json)
    writable_folder(out.parent)
    decoding = Decoding.of(decode_speed, decode_control)
    from takead_training.export.export_file import export_file  # here, because torch takes seconds

    with locked(out):
        manifest, parity = export_file(checkpoint, out, overwrite, decoding)
    told = {"model": str(out), "manifest": str(manifest_path(out)), "sha256": manifest.sha256}
    tell({**told, **{f"parity_{name}": value for name, value in asdict(parity).items()}}, as_json)
