"""The gate of a round: whether a new model takes its parent's place, and why."""

from __future__ import annotations

from pydantic.dataclasses import dataclass

from takead_ros.measures.summary import BY_KEY, HeadlineKey
from takead_ros.runs.results import RECORD, PairedComparison, judgement, signed


@dataclass(frozen=True, kw_only=True, config=RECORD)
class GateDecision:
    """The gate's: whether the new model takes the parent's place, and why."""

    promoted: bool
    reasons: tuple[str, ...]


def decide_promotion(found: PairedComparison) -> GateDecision:
    """Promote where the Driving Score on the selection seeds went up and no headline is worse beyond its interval."""
    reasons = []
    for key, difference in found.differences.items():
        if judgement(difference) == "worse":
            reasons.append(f"{_told(key, found)}: worse beyond its interval")
    score = found.differences["driving_score"]
    if not score.difference > 0.0:
        reasons.append(f"{_told('driving_score', found)}: no gain")
    if reasons:
        return GateDecision(promoted=False, reasons=tuple(reasons))
    settled = "" if judgement(score) == "better" else " (not settled: more selection seeds would have to decide)"
    return GateDecision(promoted=True, reasons=(f"{_told('driving_score', found)}: a gain{settled}, nothing worse",))


def _told(key: HeadlineKey, found: PairedComparison) -> str:
    headline, difference = BY_KEY[key], found.differences[key]
    written = headline.written
    return (
        f"{headline.title} {written.format(difference.old)} -> {written.format(difference.new)} "
        f"({signed(written, difference.low)} .. {signed(written, difference.high)})"
    )
