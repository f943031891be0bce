"""The models that come with the package, by name."""

from __future__ import annotations

from pathlib import Path

from takead_ros.domain.errors import TakeadError, unknown
from takead_ros.policy.manifest import FORMAT, format_in, manifest_path, parse_manifest
from takead_ros.resources import resource


def model_path(name: str | Path) -> Path:
    """The file that ``name`` means: a shipped model by its name, such as ``baseline``, else a path (ONNX file, bundle).

    A file that is called like a shipped model is meant by ``./baseline``. Raises TakeadError where there is no such
    file.
    """
    text = str(name)
    shipped = {path.stem: path for path in resource("models").glob("*.onnx")}
    if text in shipped:
        return shipped[text]
    path = Path(text).expanduser()
    if not path.exists():
        words = f"an ONNX file, a bundle, or a shipped model by its name ({', '.join(sorted(shipped))})"
        if text == "expert":
            raise TakeadError(f"model 'expert': is no network, and does not drive here; expected {words}")
        raise unknown("model", text, [*shipped, "expert"], words)
    if not path.is_file():
        raise TakeadError(f"model '{text}': no file; expected an ONNX file or a bundle")
    return path


def shipped_model(sha256: str) -> Path | None:
    """The ONNX file of the shipped policy with this ``sha256``; None where none has it."""
    for path in sorted(resource("models").glob("*.onnx")):
        beside = manifest_path(path)
        told = beside.read_bytes()
        if format_in(told) == FORMAT and parse_manifest(told, str(beside)).sha256 == sha256:
            return path
    return None
