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


def decide_promotion(comparison: PairedComparison) -> GateDecision:
    """Promote where the Driving Score on the selection seeds went up and no headline is worse beyond its interval."""
    reasons = []
    for key, difference in comparison.differences.items():
        if judgement(difference) == "worse":
            reasons.append(f"{_summary(key, comparison)}: worse beyond its interval")
    score = comparison.differences["driving_score"]
    if not score.difference > 0.0:
        reasons.append(f"{_summary('driving_score', comparison)}: no gain")
    if reasons:
        return GateDecision(promoted=False, reasons=tuple(reasons))
    settled = "" if judgement(score) == "better" else " (not settled: more selection seeds would have to decide)"
    return GateDecision(
        promoted=True, reasons=(f"{_summary('driving_score', comparison)}: a gain{settled}, nothing worse",)
    )


def _summary(key: HeadlineKey, comparison: PairedComparison) -> str:
    headline, difference = BY_KEY[key], comparison.differences[key]
    template = headline.template
    return (
        f"{headline.title} {template.format(difference.old)} -> {template.format(difference.new)} "
        f"({signed(template, difference.low)} .. {signed(template, difference.high)})"
    )
