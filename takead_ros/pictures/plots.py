"""The report's figures, as SVG text drawn by matplotlib without a display."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from takead_ros.measures.summary import BY_KEY, HeadlineKey, Summary
from takead_ros.runs.learning_curve import CurvePoint
from takead_ros.runs.results import EpisodeResult

OLD, NEW, INK, FAINT = "#d97706", "#0f766e", "#1f2937", "#9ca3af"


def _figure(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.add_subplot()
    _plain(axes)
    return figure, axes


def _plain(axes: Axes) -> None:
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(FAINT)
    axes.tick_params(colors=INK, labelsize=9)
    axes.grid(axis="y", color="#e5e7eb", linewidth=0.8)
    axes.set_axisbelow(True)


def _svg(figure: Figure) -> str:
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue()[text.getvalue().index("<svg") :]


def paired_scores(episodes: Sequence[tuple[EpisodeResult, EpisodeResult]]) -> str:
    """Driving Score of each episode, old model (across) against new (up); the same seed in both, one dot each."""
    figure, axes = _figure(5.2, 4.4)
    families = sorted({old.scenario for old, _ in episodes})
    axes.plot([0, 100], [0, 100], color=FAINT, linewidth=1, linestyle="--", zorder=1)
    markers = "osD^vP*Xhp<>"
    for i, family in enumerate(families):
        pairs = [(old.driving_score, new.driving_score) for old, new in episodes if old.scenario == family]
        # dots of equal scores would hide each other: a small fixed step to the side by their rank
        across = [a + 0.7 * (j % 5 - 2) for j, (a, _) in enumerate(pairs)]
        up = [b + 0.7 * (j // 5 % 5 - 2) for j, (_, b) in enumerate(pairs)]
        axes.scatter(
            across, up, s=34, alpha=0.75, marker=markers[i % len(markers)], label=family.replace("_", " "), linewidths=0
        )
    axes.text(4, 97, "better now", color=NEW, fontsize=10, va="top")
    axes.text(97, 4, "worse now", color=OLD, fontsize=10, ha="right")
    axes.set(xlabel="Driving Score before", ylabel="Driving Score after", xlim=(-4, 104), ylim=(-4, 104))
    axes.legend(fontsize=7.5, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return _svg(figure)


def headlines(old: Summary, new: Summary, keys: Sequence[HeadlineKey]) -> str:
    """The headlines ``keys`` before and after, each with its bootstrap 95 % interval, in a panel of its own scale."""
    figure = Figure(figsize=(0.6 + 2.0 * len(keys), 2.4), layout="constrained")
    for i, headline in enumerate(BY_KEY[key] for key in keys):
        axes = figure.add_subplot(1, len(keys), i + 1)
        _plain(axes)
        scale = 100.0 if "%" in headline.template else 1.0
        for place, summary, colour in ((0, old, OLD), (1, new, NEW)):
            found, interval = getattr(summary, headline.key), summary.intervals[headline.key]
            axes.plot([place, place], [scale * interval.low, scale * interval.high], color=colour, linewidth=2.0)
            axes.plot(place, scale * found, marker="o", color=colour, markersize=7)
            axes.annotate(
                headline.template.format(found),
                (place, scale * found),
                (8, 0),
                textcoords="offset points",
                fontsize=8,
                color=INK,
                va="center",
            )
        axes.set(xlim=(-0.4, 1.7))
        axes.set_xticks([0, 1], ["before", "after"])
        axes.set_ylim(bottom=0.0)
        axes.set_title(headline.title + (", %" if scale > 1.0 else ""), fontsize=9, color=INK, loc="left")
    return _svg(figure)


def learning_curve(points: Sequence[CurvePoint]) -> str:
    """Driving Score over the expert's seconds at takeovers, with the interval of each point."""
    figure, axes = _figure(5.2, 3.0)
    across = [point.expert_s for point in points]
    axes.plot(across, [point.score for point in points], color=NEW, linewidth=1.5, marker="o", markersize=6)
    for point, place in zip(points, across, strict=True):
        axes.plot([place, place], [point.interval.low, point.interval.high], color=NEW, linewidth=1.2, alpha=0.6)
        axes.annotate(
            f"{point.name}: {point.score:.1f}",
            (place, point.score),
            (7, -11),
            textcoords="offset points",
            fontsize=8,
            color=INK,
        )
    axes.set(xlabel="seconds that the expert drove at takeovers", ylabel="Driving Score", ylim=(0, 105))
    axes.set_xlim(-0.04 * across[-1], 1.2 * across[-1])
    return _svg(figure)


def takeovers_by_trigger(old: Mapping[str, int], new: Mapping[str, int], per: str) -> str:
    """Takeovers by what triggered them, before and after; ``per`` says over which drives they were counted."""
    names = sorted({*old, *new}, key=lambda name: (-old.get(name, 0) - new.get(name, 0), name))
    figure, axes = _figure(5.2, 0.9 + 0.5 * max(len(names), 1))
    axes.grid(axis="y", visible=False)
    axes.grid(axis="x", color="#e5e7eb", linewidth=0.8)
    for offset, counts, colour, label in ((-0.2, old, OLD, "before"), (0.2, new, NEW, "after")):
        places = [i + offset for i in range(len(names))]
        bars = axes.barh(places, [counts.get(name, 0) for name in names], height=0.36, color=colour, label=label)
        axes.bar_label(bars, fontsize=8, padding=2, color=INK)
    axes.set_yticks(range(len(names)), [name.replace("_", " ") for name in names])
    axes.invert_yaxis()
    axes.set_xlabel(f"takeovers, {per}")
    axes.legend(fontsize=8, frameon=False, loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2, borderaxespad=0.2)
    return _svg(figure)


def abilities(old: Mapping[str, float], new: Mapping[str, float]) -> str:
    """Success rate (0-1) of each ability, before and after."""
    names = sorted({*old, *new})
    figure, axes = _figure(5.2, 3.2)
    for offset, rates, colour, label in ((-0.2, old, OLD, "before"), (0.2, new, NEW, "after")):
        places = [i + offset for i in range(len(names))]
        bars = axes.bar(places, [100.0 * rates.get(name, 0.0) for name in names], 0.36, color=colour, label=label)
        axes.bar_label(bars, fmt="%.0f", fontsize=8, color=INK)
    axes.set_xticks(range(len(names)), [name.replace("_", "\n") for name in names])
    axes.set(ylabel="success, %", ylim=(0, 112))
    axes.legend(fontsize=8, frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return _svg(figure)


def training_curves(history: Mapping[str, Sequence[Mapping[str, float]]]) -> str:
    """One panel for each phase of training (``dagger``, ``preference``): its losses, or other figures, by epoch."""
    phases = [name for name in history if history[name]]
    figure = Figure(figsize=(5.2, 2.5 * max(len(phases), 1)), layout="constrained")
    for i, phase in enumerate(phases):
        axes = figure.add_subplot(len(phases), 1, i + 1)
        _plain(axes)
        rows = history[phase]
        names = [name for name in rows[0] if name not in ("epoch", "step", "steps", "pairs")]
        for name in names:
            values = [row.get(name, float("nan")) for row in rows]
            axes.plot(
                range(1, len(rows) + 1), values, marker="o", markersize=3, linewidth=1.5, label=name.replace("_", " ")
            )
        axes.set_title(phase.replace("_", " "), fontsize=10, color=INK, loc="left")
        axes.set_xlabel("epoch", fontsize=9)
        axes.set_xticks(range(1, len(rows) + 1))
        axes.legend(fontsize=7.5, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return _svg(figure)
