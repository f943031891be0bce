"""Which clips may be learned from: whole ones, with a seed that no model is judged on, that say the same twice."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from takead_ros.domain.errors import TakeadError
from takead_ros.domain.seeds import split_of
from takead_ros.files import open_file
from takead_ros.recording.bag import bag_files
from takead_ros.recording.clip import ClipManifest
from takead_ros.recording.clip_folders import list_clips
from takead_ros.recording.clip_manifests import manifest_inside, read_manifest

FORBIDDEN_SPLITS = ("test", "selection")
_BLOCK = 1 << 20


@dataclass(frozen=True)
class TrainingClip:
    """A clip to learn from: its folder, its manifest and the sha256 of its bag files."""

    path: Path
    manifest: ClipManifest
    sha256: str


@dataclass(frozen=True)
class RefusedClip:
    """A clip that nothing is learned from, and why."""

    path: Path
    why: str


@dataclass(frozen=True)
class Found:
    """Clips sorted by id, and those that were left out for what they are or hold."""

    clips: tuple[TrainingClip, ...]
    refused: tuple[RefusedClip, ...] = ()


def find_clips(
    folders: Sequence[Path], casual: bool = False, unseeded: bool = False, only: frozenset[str] | None = None
) -> Found:
    """The clips below ``folders``. Casual overrides and false alarms are left out unless ``casual``.

    A clip that cannot be read, whose manifest is not the one in its bag, or that names no seed (a vehicle's; learned
    from only where ``unseeded``) is refused and does not stop the others; of two that are the same, the second is.
    ``only``: ids of the clips that are meant,
    such as those of perfect episodes. Raises TakeadError where a folder holds no clip at all, where a clip's seed
    belongs to a test or selection split, and where every clip is refused.
    """
    clips: list[TrainingClip] = []
    seen: dict[str, Path] = {}  # by what the bags hold
    refused: list[RefusedClip] = []
    for folder in folders:
        paths = list_clips(folder)
        if not paths:
            raise TakeadError(f"clip folder '{folder}': no clips in it; record some with 'takead drive --bags'")
        for path in paths:
            try:
                about, inside = read_manifest(path), _copy_in_bag(path)
                digest = _sha256(path)
            except TakeadError as problem:
                refused.append(RefusedClip(path, str(problem)))
                continue
            except OSError as problem:
                refused.append(RefusedClip(path, f"clip {path}: {problem.strerror or problem}"))
                continue
            _guard_seed(path, about, inside)
            why = _why_not(about, inside, unseeded)
            if why:
                refused.append(RefusedClip(path, f"clip {path}: {why}"))
                continue
            first = seen.setdefault(digest, path)  # of those that may be learned from
            if first is not path:
                refused.append(RefusedClip(path, f"clip {path}: is the same as {first}, and is learned from once"))
            elif only is not None and about.clip_id not in only:
                refused.append(RefusedClip(path, f"clip {path}: not of a perfect episode"))
            elif casual or about.judged not in ("casual_override", "false_alarm"):
                clips.append(TrainingClip(path, about, digest))
    if refused and not clips:
        raise TakeadError(f"{refused[0].why} ({len(refused)} clips refused, none left to learn from)")
    return Found(tuple(sorted(clips, key=lambda clip: (clip.manifest.clip_id, clip.sha256))), tuple(refused))


def _guard_seed(path: Path, *manifests: ClipManifest) -> None:
    for about in manifests:
        seed = about.provenance.seed
        if seed is not None and split_of(seed) in FORBIDDEN_SPLITS:
            raise TakeadError(
                f"clip {path}: seed {seed} is a {split_of(seed)} seed; a model judged on it must not learn from it "
                "(expected collection or training seeds)"
            )


def _why_not(about: ClipManifest, inside: ClipManifest, unseeded: bool) -> str:
    """Why a clip must not be learned from; empty where it may."""
    recorded, kept = about.as_recorded(), inside.as_recorded()
    differs = [name for name in recorded if recorded[name] != kept[name]]
    if differs:
        return f"its manifest.json and the copy in its bag differ ({', '.join(differs)})"
    if about.provenance.seed is None and not unseeded:
        return "names no seed, so that nothing shows that no model is judged on it (a vehicle's own: --unseeded)"
    return ""


def _copy_in_bag(path: Path) -> ClipManifest:
    inside = manifest_inside(path)
    if inside is None:
        raise TakeadError(f"clip {path}: no manifest in its bag; expected a clip recorded by takead_ros")
    return inside


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    for file in bag_files(path):
        with open_file(file) as stream:
            while block := stream.read(_BLOCK):
                digest.update(block)
    return digest.hexdigest()


def seeds_of(clips: Sequence[TrainingClip]) -> tuple[int, ...]:
    """The scenario seeds that the clips were recorded with, each once, ascending."""
    return tuple(sorted({c.manifest.provenance.seed for c in clips if c.manifest.provenance.seed is not None}))


def suites_of(clips: Sequence[TrainingClip]) -> tuple[str, ...]:
    return tuple(sorted({clip.manifest.provenance.suite for clip in clips}))
