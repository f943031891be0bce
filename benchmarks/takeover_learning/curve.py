"""The curve over the unit of account, the expert's second: Driving Score and Success, takeovers and the controls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.takeover_learning.evaluate import Scores
from benchmarks.takeover_learning.plan import CONTROLS, Arm
from takead_ros.measures.summary import CONFIDENCE, RESAMPLES

INK, FAINT, TAKEOVERS, CONTROL = "#1f2937", "#9ca3af", "#0f766e", "#d97706"
FIGURES = {"Driving Score": "driving_score", "Success": "success_rate"}


def draw(
    scores: Mapping[str, Sequence[Scores]], seconds: Mapping[str, float], arms: Sequence[Arm], title: str, file: Path
) -> None:
    """Write an SVG. scores, seconds: of the arm before (``baseline``) and of each of ``arms``; bars are bootstrap 95 %
    intervals over routes. Arms that are trained longer are drawn filled, with a line through those of takeovers."""
    with rc_context({"svg.hashsalt": "takead", "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 9}):
        figure = Figure(figsize=(9.6, 3.9), layout="constrained")
        for axes, (label, name) in zip(figure.subplots(1, 2), FIGURES.items(), strict=True):
            _panel(axes, scores, seconds, arms, name)
            axes.set_ylabel(label, color=INK)
        figure.suptitle(f"{title}; green: takeovers, orange: controls; filled: trained longer", color=INK, fontsize=10)
        figure.savefig(file, format="svg", metadata={"Date": None})  # the same scores, the same file


def _panel(
    axes: Axes, scores: Mapping[str, Sequence[Scores]], seconds: Mapping[str, float], arms: Sequence[Arm], name: str
) -> None:
    before, _, _ = _mean(scores["baseline"], name)
    axes.axhline(before, color=FAINT, linewidth=1, linestyle="--", zorder=1)
    axes.annotate("before", (1.0, before), xycoords=("axes fraction", "data"), ha="right", va="bottom", color=FAINT)
    lines: dict[bool, list[tuple[float, float]]] = {False: [(0.0, before)], True: [(0.0, before)]}
    for arm in arms:
        if arm.name not in scores:
            continue
        control, long = arm.kind in CONTROLS, arm.longer > 1
        colour = CONTROL if control else TAKEOVERS
        value, low, high = _mean(scores[arm.name], name)
        at = seconds[arm.name]
        axes.errorbar(
            at, value, [[value - low], [high - value]], color=colour, marker="o", markersize=6, capsize=3, linewidth=1,
            markerfacecolor=colour if long else "white", zorder=3,
        )  # fmt: skip
        axes.annotate(arm.name, (at, value), xytext=(5, 5), textcoords="offset points", color=colour, fontsize=7.5)
        if arm.kind == "takeovers" and not arm.stages:
            lines[long].append((at, value))
    for long, points in lines.items():
        x, y = zip(*sorted(points), strict=True)
        axes.plot(x, y, color=TAKEOVERS, linewidth=1.2, linestyle="-" if long else ":", zorder=2)
    axes.set_xlabel("seconds that the expert drove", color=INK)
    axes.margins(x=0.12)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.tick_params(colors=INK)


def _mean(runs: Sequence[Scores], name: str) -> tuple[float, float, float]:
    """Mean over episodes and training seeds, with its interval over episodes."""
    each = np.mean([[float(getattr(episode, name)) for episode in run.episodes] for run in runs], axis=0)
    random = np.random.default_rng(0)
    low, high = np.percentile(each[random.integers(0, len(each), (RESAMPLES, len(each)))].mean(1), CONFIDENCE)
    return float(each.mean()), float(low), float(high)
