"""``takead model``: what an ONNX policy says about itself, and whether it is sound."""

from __future__ import annotations

import json
from pathlib import Path

import typer
from rich.table import Table

from takead_ros.console import stdout
from takead_ros.policy.manifest import Manifest
from takead_ros.policy.model import PROVIDERS, load_model

app = typer.Typer(no_args_is_help=True, rich_markup_mode="rich", help="Show or verify an ONNX policy.")


@app.callback()
def _model() -> None:
    """Show or verify an ONNX policy and its manifest."""


@app.command(epilog="Example: [bold]takead model show models/baseline.onnx[/bold]")
def show(
    model: Path = typer.Argument(help="ONNX policy."),
    as_json: bool = typer.Option(False, "--json", help="Print the whole manifest as JSON."),
) -> None:
    """Print what the manifest says: origin, training, inputs and outputs. A model that is not sound is refused."""
    manifest = load_model(model).manifest
    if as_json:
        typer.echo(manifest.to_json(), nl=False)
        return
    grid = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for name, value in _origin(manifest).items():
        grid.add_row(f"[bold]{name}[/bold]", value)
    stdout.print(grid)
    tensors = Table("tensor", "shape", "what it is")
    for name, tensor in {**manifest.inputs, **manifest.outputs}.items():
        tensors.add_row(name, "x".join(map(str, tensor.shape)), tensor.description)
    stdout.print(tensors)


def _origin(manifest: Manifest) -> dict[str, str]:
    seeds = manifest.seeds
    return {
        "name": manifest.name,
        "sha256": manifest.sha256,
        "stage": manifest.stage,
        "parent": manifest.parent or "none",
        "clips": str(len(manifest.clips)),
        "seeds": f"{len(seeds)} ({seeds[0]} to {seeds[-1]})" if seeds else "none",
        "suites": ", ".join(manifest.suites) or "none",
        "training": json.dumps(manifest.training, sort_keys=True),
        "encoding": manifest.encoding,
        "anchors": manifest.anchors_sha256,
        "opset": str(manifest.opset),
        "git commit": manifest.git_commit or "unknown",
        "software": manifest.software_version,
    }


@app.command(epilog="Example: [bold]takead model verify models/baseline.onnx --provider cpu[/bold]")
def verify(
    model: Path = typer.Argument(help="ONNX policy."),
    provider: str = typer.Option("cpu", help=f"Where it must run: {', '.join(PROVIDERS)}."),
    as_json: bool = typer.Option(False, "--json", help="Print the result as JSON."),
) -> None:
    """Load the model as a vehicle would: file, manifest, hashes, anchors, interface and provider must all fit.

    Exit code 2 and the reason where one does not.
    """
    policy = load_model(model, provider)
    found = {
        "model": str(model),
        "sound": True,
        "sha256": policy.sha256,
        "provider": policy.provider,
        "encoding": policy.manifest.encoding,
    }
    if as_json:
        typer.echo(json.dumps(found, indent=2, sort_keys=True))
    else:
        stdout.print(f"{model}: sound, sha256 {policy.sha256}, runs on {policy.provider}", soft_wrap=True)
