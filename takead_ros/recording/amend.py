"""What is added to a clip's manifest after it was recorded: a person's label, where it was exported to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from takead_ros.files import locked
from takead_ros.recording import clip_manifests
from takead_ros.recording.clip import MANIFEST_FILE, ClipManifest
from takead_ros.recording.writer import write_durably


def amend(clip: Path, change: Callable[[ClipManifest], None]) -> ClipManifest:
    """Apply ``change`` to the manifest of the folder ``clip`` as it is now, and write it; nobody else's change is lost.

    Raises TakeadError where it cannot be read, or is being changed by another process, and OSError where it cannot be
    written.
    """
    file = clip / MANIFEST_FILE
    with locked(file):
        manifest = clip_manifests.read_manifest(clip)
        change(manifest)
        write_durably(file, manifest.to_json())
    return manifest
