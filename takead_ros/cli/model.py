"""``takead model``: what an ONNX policy says about itself, and whether it is sound."""

from __future__ import annotations

import json

import typer

from takead_ros.cli.json_output import JSON, STDOUT, give_json, json_file
from takead_ros.console import fields, say, stdout, table
from takead_ros.policy.manifest import Manifest
from takead_ros.policy.model import PROVIDERS, load_model
from takead_ros.policy.shipped import model_path

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode="rich", add_completion=False, help="Show or verify an ONNX policy."
)


@app.callback()
def _model() -> None:
    """Show or verify an ONNX policy and its manifest."""


@app.command(epilog="Example: [bold]takead model show baseline[/bold]")
def show(
    model: str = typer.Argument(help="ONNX policy: a file, or the name of a shipped one, such as baseline."),
    as_json: str | None = JSON,
) -> None:
    """Print what the manifest says: origin, training, inputs and outputs. A model that is not sound is refused."""
    json_file(as_json)
    manifest = load_model(model_path(model)).manifest
    if as_json != STDOUT:
        fields(_origin(manifest), width=10)
        tensors = {**manifest.inputs, **manifest.outputs}.items()
        rows = [(name, "x".join(map(str, tensor.shape)), tensor.description) for name, tensor in tensors]
        stdout.print(table("tensor", "shape", "what it is", rows=rows))
    give_json(json.loads(manifest.to_json()), as_json)


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


@app.command(epilog="Example: [bold]takead model verify baseline --provider cpu[/bold]")
def verify(
    model: str = typer.Argument(help="ONNX policy: a file, or the name of a shipped one, such as baseline."),
    provider: str = typer.Option("cpu", help=f"Where it must run: {', '.join(PROVIDERS)}."),
    as_json: str | None = JSON,
) -> None:
    """Load the model as a vehicle would: file, manifest, hashes, anchors, interface and provider must all fit.

    Exit code 2 and the reason where one does not.
    """
    json_file(as_json)
    policy = load_model(path := model_path(model), provider)
    found = {
        "model": str(path),
        "sound": True,
        "sha256": policy.sha256,
        "provider": policy.provider,
        "encoding": policy.manifest.encoding,
    }
    if as_json != STDOUT:
        say(f"{path}: sound, sha256 {policy.sha256}, runs on {policy.provider}")
    give_json(found, as_json)
