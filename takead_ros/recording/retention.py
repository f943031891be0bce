"""Which clips may go when space or age asks for it. Pure, but for the sizes that the caller measures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from takead_ros.recording.clip import ClipManifest


@dataclass(frozen=True)
class Policy:
    """``max_age`` s since ``created`` (None: any); ``max_bytes`` of all clips together (None: any). Clips of at least
    ``keep_severity`` stay whatever happens. Clips that were never exported stay unless ``unexported`` says otherwise.
    """

    max_age: float | None = None
    max_bytes: int | None = None
    keep_severity: float = 1.1
    unexported: bool = False


@dataclass(frozen=True)
class Stored:
    """A clip on disk: ``age`` s (None where the manifest does not say when it was made), ``size`` bytes."""

    path: Path
    manifest: ClipManifest
    age: float | None
    size: int


@dataclass(frozen=True)
class Decision:
    """``delete``: with the reason for each. ``withheld``: would have to go, but are not exported or too severe."""

    delete: list[tuple[Stored, str]]
    withheld: list[tuple[Stored, str]]


def decide(clips: list[Stored], policy: Policy) -> Decision:
    """What the policy asks for: first what is too old, then the least severe and oldest until the rest fits."""
    decision = Decision([], [])
    left = list(clips)
    for clip in clips:
        if policy.max_age is not None and clip.age is not None and clip.age > policy.max_age:
            _settle(decision, clip, "too old", policy, left)
    if policy.max_bytes is not None:
        spared = {clip.path for clip, _ in decision.withheld}
        for clip in sorted(left, key=lambda c: (c.manifest.severity, -(c.age or 0.0), c.path)):
            if sum(other.size for other in left) <= policy.max_bytes:
                break
            if clip.path not in spared:
                _settle(decision, clip, "too much in all", policy, left)
    return decision


def _settle(decision: Decision, clip: Stored, why: str, policy: Policy, left: list[Stored]) -> None:
    if clip.manifest.severity >= policy.keep_severity:
        decision.withheld.append((clip, f"{why}, but severity {clip.manifest.severity:.2f} is kept"))
    elif not clip.manifest.exported and not policy.unexported:
        decision.withheld.append((clip, f"{why}, but it was never exported"))
    else:
        decision.delete.append((clip, why))
        left.remove(clip)
