"""Which clips may go when space or age asks for it. Pure, but for the sizes that the caller measures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from takead_ros.domain.errors import TakeadError
from takead_ros.recording.clip import ClipManifest


@dataclass(frozen=True)
class RetentionPolicy:
    """``max_age_s`` since ``created`` (None: any); ``max_bytes`` of all clips together (None: any). Clips of at least
    ``keep_severity`` (None: no such bound) stay whatever happens. Clips that were never exported stay unless
    ``unexported`` says otherwise. Raises TakeadError for a policy that asks for nothing, or for what cannot be.
    """

    max_age_s: float | None = None
    max_bytes: int | None = None
    keep_severity: float | None = None
    unexported: bool = False

    def __post_init__(self) -> None:
        if self.max_age_s is None and self.max_bytes is None:
            raise TakeadError("nothing says which clips may go; expected a greatest age or a greatest size of all")
        # Written so that NaN, which is neither more nor less than anything, fails.
        if self.keep_severity is not None and not 0.0 <= self.keep_severity <= 1.0:
            raise TakeadError(f"severity {self.keep_severity} to keep: expected 0 to 1")
        if self.max_age_s is not None and not 0.0 <= self.max_age_s < float("inf"):
            raise TakeadError(f"greatest age {self.max_age_s} s: expected seconds, at least 0")
        if self.max_bytes is not None and self.max_bytes < 0:
            raise TakeadError(f"greatest size {self.max_bytes} bytes: expected at least 0")


@dataclass(frozen=True)
class Stored:
    """A clip on disk: ``age_s`` (None where the manifest does not say when it was made), ``size`` bytes; ``foreign``:
    why its folder is not a clip and nothing else (empty: it is)."""

    path: Path
    manifest: ClipManifest
    age_s: float | None
    size: int
    foreign: str = ""


@dataclass(frozen=True)
class RetentionDecision:
    """``delete``: with the reason for each. ``withheld``: would have to go, but are not exported, too severe, or more
    than a clip."""

    delete: list[tuple[Stored, str]]
    withheld: list[tuple[Stored, str]]


def choose_deletions(clips: list[Stored], policy: RetentionPolicy) -> RetentionDecision:
    """What the policy asks for: first what is too old, then the least severe and oldest until the rest fits."""
    decision = RetentionDecision([], [])
    left = list(clips)
    for clip in clips:
        if policy.max_age_s is not None and clip.age_s is not None and clip.age_s > policy.max_age_s:
            _settle(decision, clip, "too old", policy, left)
    if policy.max_bytes is not None:
        spared = {clip.path for clip, _ in decision.withheld}
        for clip in sorted(left, key=lambda c: (c.manifest.severity, -(c.age_s or 0.0), c.path)):
            if sum(other.size for other in left) <= policy.max_bytes:
                break
            if clip.path not in spared:
                _settle(decision, clip, "too much in all", policy, left)
    return decision


def _settle(decision: RetentionDecision, clip: Stored, why: str, policy: RetentionPolicy, left: list[Stored]) -> None:
    if clip.foreign:
        decision.withheld.append((clip, f"{why}, but it {clip.foreign}"))
    elif policy.keep_severity is not None and clip.manifest.severity >= policy.keep_severity:
        decision.withheld.append((clip, f"{why}, but severity {clip.manifest.severity:.2f} is kept"))
    elif not clip.manifest.exported and not policy.unexported:
        decision.withheld.append((clip, f"{why}, but it was never exported"))
    else:
        decision.delete.append((clip, why))
        left.remove(clip)
