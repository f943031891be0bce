"""The table: each arm against the baseline and against the arms that it is meant to beat, paired by episode."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from takead_ros.measures.driving_score import EpisodeScore

RESAMPLES = 10_000


def paired(new: Sequence[Sequence[EpisodeScore]], old: Sequence[Sequence[EpisodeScore]]) -> tuple[float, float, float]:
    """Difference of Driving Scores (means over training seeds) with its bootstrap 95 % interval over episodes."""
    apart = _means(new) - _means(old)
    random = np.random.default_rng(0)
    drawn = apart[random.integers(0, len(apart), (RESAMPLES, len(apart)))].mean(1)
    low, high = np.percentile(drawn, (2.5, 97.5))
    return float(apart.mean()), float(low), float(high)


def _means(runs: Sequence[Sequence[EpisodeScore]]) -> np.ndarray:
    return np.mean([[episode.driving_score for episode in run] for run in runs], axis=0)


def table(scores: Mapping[str, Sequence[Sequence[EpisodeScore]]], seconds: Mapping[str, float]) -> list[str]:
    """Lines of a Markdown table. scores: of each arm, one run for each training seed; ``baseline`` among them."""
    lines = [
        "| arm | expert s | Driving Score | spread over training seeds | Success | completion | against the baseline |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, runs in scores.items():
        each = [float(np.mean([e.driving_score for e in run])) for run in runs]
        success = np.mean([[e.success for e in run] for run in runs])
        completion = np.mean([[e.route_completion for e in run] for run in runs])
        gain, low, high = paired(runs, scores["baseline"])
        spread = f"{min(each):.1f} to {max(each):.1f}"
        against = "" if name == "baseline" else f"{gain:+.1f} ({low:+.1f} to {high:+.1f})"
        lines.append(
            f"| {name} | {seconds.get(name, 0.0):.0f} | {np.mean(each):.1f} | {spread} | {success:.2f} "
            f"| {completion:.2f} | {against} |"
        )
    return lines
