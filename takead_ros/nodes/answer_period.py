"""Which scenes are answered: policy and expert must answer the same ones, or no frame would hold both sides."""

from __future__ import annotations

EARLY_NS = 5_000_000  # a stamp this much before its period still counts as in it: stamps are rounded


def slot(stamp: int, period_ns: int) -> int:
    """Number of the period that a scene's stamp (ns) lies in; the first scene of each is the one to answer."""
    return (stamp + EARLY_NS) // period_ns
