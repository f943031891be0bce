"""The table: each arm against the baseline and against the arms that it is meant to beat, paired by episode."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from benchmarks.takeover_learning.evaluate import Scores
from takead_ros.measures.summary import CONFIDENCE, RESAMPLES
from takead_ros.runs.results import Evaluation

Driven = Scores | Evaluation  # the scores of one network's episodes
TTC_S = 3.0  # of an episode in which nobody ever came nearer than that


def paired(new: Sequence[Driven], old: Sequence[Driven]) -> tuple[float, float, float]:
    """Difference of Driving Scores (means over training seeds) with its bootstrap 95 % interval over episodes."""
    apart = _means(new) - _means(old)
    random = np.random.default_rng(0)
    drawn = apart[random.integers(0, len(apart), (RESAMPLES, len(apart)))].mean(1)
    low, high = np.percentile(drawn, CONFIDENCE)
    return float(apart.mean()), float(low), float(high)


def _means(runs: Sequence[Driven]) -> np.ndarray:
    return np.mean([[episode.driving_score for episode in run.episodes] for run in runs], axis=0)


def table(scores: Mapping[str, Sequence[Scores]], seconds: Mapping[str, float], against: Sequence[str]) -> list[str]:
    """Lines of a Markdown table. scores: of each arm, one run for each training seed; against: the arms that every
    other is compared with, as far as they are there."""
    others = [name for name in against if name in scores]
    lines = [
        "| arm | expert s | Driving Score | training seeds | Success | completion | standing | min TTC s | "
        + " | ".join(f"against {name}" for name in others) + " |",
        "|---" * (8 + len(others)) + "|",
    ]  # fmt: skip
    for name, runs in scores.items():
        each = [float(np.mean([e.driving_score for e in run.episodes])) for run in runs]
        episodes = [e for run in runs for e in run.episodes]
        success = np.mean([e.success for e in episodes])
        completion = np.mean([e.route_completion for e in episodes])
        standing = f"{np.mean([run.standing for run in runs]):.2f}" if all(run.standing for run in runs) else ""
        ttc = np.mean([TTC_S if e.min_ttc is None else e.min_ttc for e in episodes])
        found = [paired(runs, scores[other]) for other in others]
        gains = [
            "" if other == name else f"{gain:+.1f} ({low:+.1f} to {high:+.1f})"
            for other, (gain, low, high) in zip(others, found, strict=True)
        ]
        lines.append(
            f"| {name} | {seconds.get(name, 0.0):.0f} | {np.mean(each):.1f} | {min(each):.1f} to {max(each):.1f} "
            f"| {success:.2f} | {completion:.2f} | {standing} | {ttc:.2f} | " + " | ".join(gains) + " |"
        )
    return lines


def infractions(scores: Mapping[str, Sequence[Scores]]) -> list[str]:
    """Lines of a Markdown table: infractions per km by kind, and how the episodes ended."""
    kinds, counts, rows = set(), {}, {}
    for name, runs in scores.items():
        episodes = [e for run in runs for e in run.episodes]
        length = sum(e.distance for e in episodes) / 1000.0
        counts[name] = {k: n / length for k, n in Counter(i.kind for e in episodes for i in e.infractions).items()}
        kinds |= set(counts[name])
        ends = Counter(e.end for e in episodes)
        rows[name] = ", ".join(f"{end} {count / len(episodes):.0%}" for end, count in ends.most_common())
    order = sorted(kinds)
    lines = ["| arm | " + " | ".join(order) + " | ended |", "|---" * (len(order) + 2) + "|"]
    for name in scores:
        lines.append(
            f"| {name} | " + " | ".join(f"{counts[name].get(k, 0.0):.2f}" for k in order) + f" | {rows[name]} |"
        )
    return lines
