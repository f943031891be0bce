"""``takead model``: what an ONNX policy says about itself, whether it is sound, and its bundle for vehicles."""

from __future__ import annotations

from pathlib import Path

import typer

from takead_ros.cli.json_output import JSON, STDOUT, give_json, json_file
from takead_ros.console import fields, say, show_table, table
from takead_ros.domain.errors import TakeadError
from takead_ros.files import locked, new_output, read_file, to_json, write_atomically
from takead_ros.nodes.configuration import parse_configuration
from takead_ros.policy.bundle import LAST_RELEASE, PARAMETERS, SUFFIX, Seal, older, open_bundle, pack
from takead_ros.policy.manifest import KEY as METADATA
from takead_ros.policy.manifest import Manifest, ModelManifest, format_in
from takead_ros.policy.model import EXPECTED, Policy, is_bundle, load_model, onnx_of, open_model
from takead_ros.policy.onnx_file import metadata
from takead_ros.policy.onnx_session import PROVIDERS
from takead_ros.policy.shipped import model_path
from takead_ros.policy.signing import fingerprint, private_key, public_key
from takead_ros.prediction.model import FORMAT as ROAD_USERS_FORMAT
from takead_ros.prediction.model import load_road_user_model

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode="rich", add_completion=False, help="Show, verify or bundle an ONNX policy."
)
MODEL = typer.Argument(help="ONNX model: a file, a bundle, or the name of a shipped one, such as baseline or agents.")
KEY = typer.Option(None, help="Ed25519 public key (PEM): only a bundle that it signed is accepted.")


@app.callback()
def _model() -> None:
    """Show, verify or bundle an ONNX policy and its manifest."""


@app.command(epilog="Example: [bold]takead model show baseline[/bold]")
def show(
    model: str = MODEL,
    as_json: str | None = JSON,
) -> None:
    """Print what the manifest says: origin, training, inputs and outputs. A model that is not sound is refused."""
    json_file(as_json)
    path = model_path(model)
    manifest: ModelManifest = load_road_user_model(path).manifest if _of_road_users(path) else load_model(path).manifest
    if as_json != STDOUT:
        fields(_origin(manifest), width=10)
        tensors = {**manifest.inputs, **manifest.outputs}.items()
        rows = [(name, "x".join(map(str, tensor.shape)), tensor.description) for name, tensor in tensors]
        show_table(table("tensor", "shape", "what it is", rows=rows))
    give_json(manifest.model_dump(mode="json"), as_json)


def _of_road_users(path: Path) -> bool:
    """Whether a file says that it holds a model of road users; what is no model at all is left to who loads it."""
    if is_bundle(path):
        return False
    data = read_file(path, "an ONNX model")
    try:
        told = metadata(data, METADATA, str(path))
    except TakeadError:
        return False
    return told is not None and format_in(told) == ROAD_USERS_FORMAT


def _origin(manifest: ModelManifest) -> dict[str, str]:
    seeds = manifest.seeds
    return {
        "name": manifest.name,
        "sha256": manifest.sha256,
        "stage": manifest.stage,
        "parent": manifest.parent or "none",
        "clips": str(len(manifest.clips)),
        "seeds": f"{len(seeds)} ({seeds[0]} to {seeds[-1]})" if seeds else "none",
        "suites": ", ".join(manifest.suites) or "none",
        "training": to_json(manifest.training),
        "encoding": manifest.encoding,
        **({"anchors": manifest.anchors_sha256} if isinstance(manifest, Manifest) else {}),
        "opset": str(manifest.opset),
        "git commit": manifest.git_commit or "unknown",
        "software": manifest.software_version,
    }


@app.command(epilog="Example: [bold]takead model verify baseline --provider cpu[/bold]")
def verify(
    model: str = MODEL,
    provider: str = typer.Option("cpu", help=f"Where it must run: {', '.join(PROVIDERS)}."),
    key: Path | None = KEY,
    as_json: str | None = JSON,
) -> None:
    """Load the model as a vehicle would: file, manifest, hashes, anchors, interface and provider must all fit; of a
    bundle also its checksums, parameters and, with --key, its signature. A model of road users, as a dream would.

    Exit code 2 and the reason where one does not.
    """
    json_file(as_json)
    path = model_path(model)
    others = key is None and _of_road_users(path)
    loaded = load_road_user_model(path, provider) if others else _opened(read_file(path, EXPECTED), path, provider, key)
    seal = loaded.seal if isinstance(loaded, Policy) else None
    found = {
        "model": str(path),
        "sound": True,
        "format": loaded.manifest.format,
        "sha256": loaded.sha256,
        "provider": loaded.provider,
        "encoding": loaded.manifest.encoding,
        "release": seal.release if seal else None,
        "signed_by": seal.signer if seal else "",
    }
    if as_json != STDOUT:
        of = "" if isinstance(loaded, Policy) else "a model of road users, "
        words = f"{path}: sound, {of}sha256 {loaded.sha256}, runs on {loaded.provider}"
        say(f"{words}{_sealed(seal) if seal else ''}")
    give_json(found, as_json)


@app.command(epilog="Example: [bold]takead model bundle baseline --release 1 --out baseline.tar.zst[/bold]")
def bundle(
    model: str = MODEL,
    out: Path = typer.Option(help=f"Bundle to write, a new file *{SUFFIX}."),
    release: int = typer.Option(min=0, max=LAST_RELEASE, help="Of the release: higher than that of every earlier one."),
    params: Path | None = typer.Option(None, help="ROS parameter file for the vehicle's nodes, to go with the model."),
    sign: Path | None = typer.Option(None, help="Ed25519 private key (PEM) to sign with."),
) -> None:
    """Put a model, its manifest, parameters and checksums into one signed file for vehicles.

    The same input gives the same bytes. A model or a parameter file that is not sound is refused.
    """
    if not is_bundle(out):
        raise TakeadError(f"output '{out}': expected a name that ends in {SUFFIX}")
    with new_output(out):
        path = model_path(model)
        data = read_file(path, EXPECTED)
        manifest = open_model(data, path).manifest
        given = None if params is None else read_file(params, "a ROS parameter file")
        if given is not None:
            parse_configuration(given, str(params))
        key = None if sign is None else private_key(sign)
        write_atomically(out, pack(onnx_of(data, path), manifest, release, given, key))
    signer = "" if key is None else fingerprint(key.public_key())
    say(f"{out}: model '{manifest.name}' {manifest.sha256[:12]}{_sealed(Seal(release, signer))}")


@app.command(
    epilog="Example: [bold]takead model install new.tar.zst --to /opt/takead/model.tar.zst --key team.pem[/bold]"
)
def install(
    model: Path = typer.Argument(help="Bundle to take into use."),
    to: Path = typer.Option(help="Where the vehicle's launch looks for its bundle; what is there is replaced."),
    key: Path | None = KEY,
    allow_older: bool = typer.Option(False, "--allow-older", help="Also replace a bundle of a later release."),
) -> None:
    """Take a bundle into use on this vehicle: verified as by `verify`, then put in place, whole or not at all.

    A bundle of a lower release than the one in place is refused, unless --allow-older says that this is meant.
    """
    for path in (model, to):
        if not is_bundle(path):
            raise TakeadError(f"'{path}': expected a bundle, a name that ends in {SUFFIX}")
    data = read_file(model, "a bundle")
    policy = _opened(data, model, "cpu", key)
    with locked(to):  # of two at once the older one must not come last
        if (to.exists() or to.is_symlink()) and not allow_older:
            present = open_bundle(read_file(to, "a bundle"), str(to))
            if back := older(policy.seal, present.seal):
                raise TakeadError(f"{model}: {back} at '{to}'; expected a later one, or --allow-older")
        write_atomically(to, data)
    assert policy.seal is not None  # it came in a bundle
    say(f"{to}: model '{policy.manifest.name}' {policy.sha256[:12]}{_sealed(policy.seal)}")


def _opened(data: bytes, path: Path, provider: str, key: Path | None) -> Policy:
    """The model in a file's bytes, once its bundle's parameters are known to fit as well."""
    policy = open_model(data, path, provider, None if key is None else public_key(key))
    if policy.parameters is not None:
        parse_configuration(policy.parameters, f"{path}/{PARAMETERS}")
    return policy


def _sealed(seal: Seal) -> str:
    return f", release {seal.release}, {f'signed by {seal.signer[:12]}' if seal.signer else 'no signature checked'}"
