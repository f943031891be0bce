"""The figures of the page."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.expert_report.episodes import Episode, grouped, mean

GOOD, INK, FAINT = "#0f766e", "#1f2937", "#9ca3af"
COLOURS = ("#d97706", "#7c3aed", "#2563eb", "#db2777", "#65a30d")


def _axes(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.add_subplot()
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.tick_params(colors=INK, labelsize=8)
    axes.grid(color="#e5e7eb", linewidth=0.7)
    axes.set_axisbelow(True)
    return figure, axes


def _save(figure: Figure, path: Path) -> None:
    text = io.StringIO()
    with rc_context({"svg.hashsalt": "takead", "svg.fonttype": "none", "font.family": "sans-serif"}):
        figure.savefig(text, format="svg", metadata={"Date": None})  # the same figure, the same small file
    path.write_text("\n".join(line.rstrip() for line in text.getvalue().splitlines()) + "\n", encoding="utf-8")


def plot_families(drivers: Mapping[str, Sequence[Episode]], path: Path) -> None:
    names = list(grouped(drivers["expert"]))
    figure, axes = _axes(7.2, 0.6 + 0.23 * len(names))
    for i, (driver, episodes) in enumerate(drivers.items()):
        groups = grouped(episodes)
        rows = [row for row, family in enumerate(names) if family in groups]
        scores = [mean(groups[names[row]], "driving_score") for row in rows]
        first = driver == "expert"
        places = [row if first else row + 0.13 * (i - 0.5 * len(drivers)) for row in rows]  # equal scores stay apart
        axes.scatter(
            scores,
            places,
            s=46 if first else 20,
            color=GOOD if first else COLOURS[i - 1],
            marker="D" if first else "o",
            label=driver,
            alpha=0.9,
            linewidths=0,
            zorder=3 if first else 2,
        )
    axes.set_yticks(range(len(names)), [name.replace("_", " ") for name in names])
    axes.invert_yaxis()
    axes.set(xlabel="Driving Score", xlim=(-2, 102))
    axes.legend(fontsize=8, frameon=False, loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=5, borderaxespad=0.2)
    _save(figure, path)


def plot_shares(drivers: Mapping[str, Sequence[Episode]], name: str, label: str, limit: float, path: Path) -> None:
    """Which share of a driver's episodes has at most this value; an episode without one lies beyond the right end."""
    figure, axes = _axes(5.2, 3.0)
    for i, (driver, episodes) in enumerate(drivers.items()):
        values = sorted(limit if episode[name] is None else float(episode[name]) for episode in episodes)
        share = np.arange(1, len(values) + 1) / len(values)
        first = driver == "expert"
        axes.step(
            [0.0, *values],
            [0.0, *share],
            where="post",
            label=driver,
            linewidth=2.2 if first else 1.3,
            color=GOOD if first else COLOURS[i - 1],
        )
    axes.set(xlabel=label, ylabel="share of episodes at or below", xlim=(0.0, limit), ylim=(0.0, 1.0))
    axes.legend(fontsize=8, frameon=False)
    _save(figure, path)
