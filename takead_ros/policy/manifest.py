"""What a model file says about itself: its JSON manifest, inside the ONNX file and beside it.

``sha256`` identifies the model (``onnx_file.model_sha256``). ``manifest_sha256`` is the hash of the manifest's own
canonical JSON without that field; an edited manifest no longer matches it.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from takead_ros.domain.errors import TakeadError
from takead_ros.files import parse_json

KEY = "takead_manifest"  # name of the ONNX metadata entry
FORMAT = "takead-model-2"
KINDS = {"takead-model": "policy", "takead-road-users": "model of road users"}  # by their formats, but the version
SpeedDecode = Literal["plan", "mode", "median", "mean"]
SPEED_DECODES: tuple[str, ...] = get_args(SpeedDecode)
# What the control branch decides at run time, by the words of ``takead export`` and as a manifest says it.
CONTROL_DECODES: dict[str, bool | Literal["hybrid", "only"]] = {
    "none": False, "mean": True, "hybrid": "hybrid", "only": "only",
}  # fmt: skip


class Tensor(BaseModel):
    """One input or output: shape without the batch axis, and what it holds in which unit and frame."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    shape: tuple[int, ...]
    dtype: str = "float32"
    description: str


class Decoding(BaseModel):
    """How the heads become one command at run time; each fusion can be switched off.

    speed: what decides the speed along the chosen path: the plan itself, or the mode, median or mean of the speed head.
    control: what the control branch decides: nothing (false), half of the acceleration (true), all of it, with the
    steering left to the plan (hybrid: TakeAD's output, a long path and a reactive pedal), or the command (only).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    speed: SpeedDecode = "plan"
    control: bool | Literal["hybrid", "only"] = True

    @staticmethod
    def of(speed: str, control: str = "mean") -> Decoding:
        """Raises TakeadError for a word that is none of SPEED_DECODES or CONTROL_DECODES."""
        if speed not in SPEED_DECODES:
            raise TakeadError(f"--decode-speed '{speed}': expected one of {', '.join(SPEED_DECODES)}")
        if control not in CONTROL_DECODES:
            raise TakeadError(f"--decode-control '{control}': expected one of {', '.join(CONTROL_DECODES)}")
        return Decoding(speed=speed, control=CONTROL_DECODES[control])  # type: ignore[arg-type]

    @property
    def control_place(self) -> int:
        """Place of ``control`` in CONTROL_DECODES, which the kernels know it by."""
        return list(CONTROL_DECODES.values()).index(self.control)


M = TypeVar("M", bound="ModelManifest")


class ModelManifest(BaseModel):
    """What every model file says about itself, whatever it is for. A kind of model is a subclass with its ``format``
    and what is true of that kind only."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    format: str
    name: str
    architecture: str  # of the network, as the training names it
    inputs: dict[str, Tensor]
    outputs: dict[str, Tensor]
    encoding: str
    frames: str = "REP-105 (map, base_link = centre of the box), REP-103 axes, steering and yaw positive left"
    units: str = "SI: m, s, rad, m/s, m/s^2"
    normalisation: dict[str, float]
    opset: int
    sha256: str
    parent: str | None = None  # sha256 of the model that this one was trained from
    stage: str  # random, or the last stage of training
    clips: tuple[str, ...] = ()
    suites: tuple[str, ...] = ()
    seeds: tuple[int, ...] = ()
    training: dict[str, Any] = {}
    git_commit: str | None = None
    software_version: str
    manifest_sha256: str = ""

    def sealed(self: M) -> M:
        """The same manifest with its own hash filled in."""
        return self.model_copy(update={"manifest_sha256": self.own_sha256()})

    def own_sha256(self) -> str:
        body = self.model_dump(mode="json", exclude={"manifest_sha256"})
        text = json.dumps(body, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def to_json(self) -> str:
        return json.dumps(self.model_dump(mode="json"), indent=1, sort_keys=True, allow_nan=False) + "\n"


class Manifest(ModelManifest):
    """Everything that a vehicle or a sceptic must know of a policy before using it."""

    format: str = FORMAT
    needs: tuple[str, ...] = ("scene",)  # topics that the policy node subscribes to
    decoding: Decoding = Decoding()
    speed_bins: tuple[float, ...]
    anchors_sha256: str
    plan_steps: int
    plan_dt: float


def manifest_path(model: Path) -> Path:
    """Where the copy of the manifest beside a model lies: ``x.onnx`` -> ``x.manifest.json``."""
    return model.with_suffix(".manifest.json")


def parse_manifest(text: str | bytes, where: str) -> Manifest:
    """The manifest of a policy in ``text``. Raises TakeadError that names ``where`` and the first thing wrong."""
    return parse_as(Manifest, FORMAT, text, where)


def parse_as(kind: type[M], expected: str, text: str | bytes, where: str) -> M:
    """The manifest of one ``kind`` of model, whose format is called ``expected``. Raises TakeadError as above."""
    format = format_in(text)
    if format not in (None, expected):
        other = KINDS.get(str(format).rpartition("-")[0])
        if other is not None and other != KINDS[expected.rpartition("-")[0]]:
            raise TakeadError(
                f"{where}: is a {other} (format '{format}'); expected a {KINDS[expected.rpartition('-')[0]]} "
                f"('{expected}')"
            )
        raise TakeadError(f"{where}: manifest format '{format}', expected '{expected}' (export the model again)")
    try:
        manifest = kind.model_validate_json(text)
        own = manifest.own_sha256()
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "JSON"
        raise TakeadError(f"{where}: not a valid {expected} manifest ({field}: {first['msg']})") from error
    except (ValueError, RecursionError) as error:
        raise TakeadError(f"{where}: not a valid {expected} manifest ({error})") from error
    if manifest.manifest_sha256 != own:
        raise TakeadError(f"{where}: manifest was edited: its content no longer matches its manifest_sha256")
    return manifest


def format_in(text: str | bytes) -> object:
    """The format that a manifest says it has; None where it says nothing that can be read."""
    try:
        return parse_json(text).get("format")
    except (ValueError, AttributeError):
        return None
