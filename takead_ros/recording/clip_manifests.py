"""What a clip says about itself: ``manifest.json`` beside its bag, and the copy in the bag."""

from __future__ import annotations

from pathlib import Path

from mcap.reader import make_reader

from takead_ros.domain.errors import TakeadError
from takead_ros.files import content_of, open_file
from takead_ros.recording.bag import DAMAGE, Scan, bag_files, salvage
from takead_ros.recording.clip import (
    MANIFEST_FILE,
    MAX_MANIFEST,
    METADATA_NAME,
    ClipManifest,
    parse_manifest,
)


def read_manifest(path: Path | str) -> ClipManifest:
    """What a clip says about itself (``manifest.json``, else the copy in the bag).

    Raises TakeadError where there is none or it does not fit the schema.
    """
    path = Path(path)
    beside = path / MANIFEST_FILE
    if beside.is_file():
        return _manifest_beside(beside)
    inside = manifest_inside(path)
    if inside is None:
        raise TakeadError(
            f"clip '{path}': no {MANIFEST_FILE} and none in the bag; expected a clip recorded by takead_ros"
        )
    return inside


def manifest_inside(path: Path | str) -> ClipManifest | None:
    """The copy of the manifest in a clip's bag; None where it has none. Raises TakeadError where it cannot be read."""
    for file in bag_files(Path(path)):
        text = _indexed_manifest(file)
        if text is None:
            scan = Scan()
            for _ in salvage(file, scan):
                pass
            text = scan.manifest
            if text is None and scan.damage:
                raise TakeadError(f"bag file '{file}': damaged, {scan.damage}; try: takead clips recover {path}")
        if text is not None:
            return parse_manifest(text, file)
    return None


def agreed_manifest(path: Path | str) -> ClipManifest:
    """The manifest of a clip whose two copies agree in all that was recorded: seeds, model, events, digest.

    For those who learn from clips: a clip that was edited, or that lost a copy, is refused with TakeadError.
    """
    path = Path(path)
    inside, beside = manifest_inside(path), path / MANIFEST_FILE
    if inside is None or not beside.is_file():
        lost = "the bag holds no manifest" if inside is None else f"{MANIFEST_FILE} is missing"
        raise TakeadError(f"clip '{path}': {lost}; expected both copies (see: takead clips verify)")
    outside = _manifest_beside(beside)
    before, after = inside.as_recorded(), outside.as_recorded()
    changed = [name for name in before if before[name] != after[name]]
    if changed:
        raise TakeadError(
            f"clip '{path}': {MANIFEST_FILE} and the manifest in the bag differ in '{changed[0]}'; "
            "expected what was recorded (see: takead clips verify)"
        )
    return outside


def _manifest_beside(file: Path) -> ClipManifest:
    try:
        if file.stat().st_size > MAX_MANIFEST:
            raise TakeadError(f"clip manifest '{file}': {file.stat().st_size} bytes; expected at most {MAX_MANIFEST}")
        return parse_manifest(content_of(file), file)
    except OSError as problem:
        raise TakeadError(f"clip manifest '{file}': {problem.strerror}; expected a file that can be read") from problem


def _indexed_manifest(file: Path) -> str | None:
    """The manifest by the index at the file's end; None where that does not lead to one."""
    try:
        with open_file(file) as stream:
            for record in make_reader(stream).iter_metadata():
                if record.name == METADATA_NAME:
                    return record.metadata.get("manifest")
    except (OSError, *DAMAGE):
        return None
    return None
