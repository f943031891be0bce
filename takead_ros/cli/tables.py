"""Evaluations and comparisons as tables that fit 80 columns."""

from __future__ import annotations

from collections.abc import Mapping

from rich import box
from rich.table import Table

from takead_ros.console import cell
from takead_ros.measures.summary import HEADLINES, Difference, Group, Headline
from takead_ros.runs.results import Evaluation, PairedComparison, judgement, signed

COLOURS = {"better": "green", "worse": "red", "open": "yellow"}


def evaluation_table(content: Evaluation) -> Table:
    """The headlines of each scenario family and of all episodes, and the intervals of the latter."""
    table = Table(
        title=cell(f"{content.model} on suite {content.suite}, {content.episode_count} episodes"),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1),
        pad_edge=False,
    )
    table.add_column("scenario", overflow="fold")
    for title in ("Score", "Success", "Route", "Takeovers/km", "Expert", "n"):
        table.add_column(title, justify="right", no_wrap=True)
    own = content.passes.get("unassisted") or content.passes["assisted"]
    taken = content.passes.get("assisted") or own
    for name in own.scenarios:
        table.add_row(name, *_cells(own.scenarios[name], taken.scenarios.get(name, own.scenarios[name])))
    table.add_section()
    every = [headline.written.format(getattr(content, headline.key)) for headline in HEADLINES]
    table.add_row("all", *every, str(content.episode_count), style="bold")
    table.add_row("  95 % from", *(h.written.format(content.intervals[h.key].low) for h in HEADLINES), "", style="dim")
    table.add_row("  to", *(h.written.format(content.intervals[h.key].high) for h in HEADLINES), "", style="dim")
    return table


def _cells(own: Group, taken: Group) -> list[str]:
    figures = (own.driving_score, own.success_rate, own.route_completion, taken.takeovers_per_km, taken.expert_share)
    written = [headline.written.format(figure) for headline, figure in zip(HEADLINES, figures, strict=True)]
    return [*written, str(own.episodes)]


def evaluation_notes(content: Evaluation) -> list[str]:
    """What is said below the table: infractions by kind, triggers, the simulator's own measures."""
    lines = []
    if content.infractions:
        lines.append("infractions per km: " + _counted(content.infractions, content.infractions_per_km))
    if content.triggers:
        counts = sorted(content.triggers.items(), key=lambda item: (-item[1], item[0]))
        lines.append("takeovers by trigger: " + ", ".join(f"{name} {count}" for name, count in counts))
    if content.verdict is not None:
        own = ", ".join(f"{name} {figure:.2f}" for name, figure in content.verdict.items())
        lines.append(f"the simulator's own measures, means: {own}")
    return lines


def _counted(counts: Mapping[str, int], per_km: Mapping[str, float]) -> str:
    ordered = sorted(counts, key=lambda kind: (-counts[kind], kind))
    return ", ".join(f"{kind} {per_km[kind]:.2f} ({counts[kind]})" for kind in ordered)


def comparison_table(content: PairedComparison, families: bool = True) -> Table:
    """Both values, their paired difference with its 95 % interval, and on how many episodes the second did better."""
    table = Table(
        title=cell(f"{content.episode_count} episodes, the same for both (suite {content.suite})"),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1),
        pad_edge=False,
    )
    table.add_column("", overflow="fold")
    for title in ("before", "after", "change", "95 % interval", "+/=/-"):
        table.add_column(title, justify="right", no_wrap=True)
    for headline in HEADLINES:
        _row(table, headline.title, headline, content.differences[headline.key])
    if families:
        table.add_section()
        for name, found in content.scenarios.items():
            _row(table, name, HEADLINES[0], found)
    return table


def comparison_notes(content: PairedComparison) -> list[str]:
    """Who is who, what the colours and the last column mean, and the infractions of both."""
    lines = [
        f"before: {content.before.model} {content.before.model_sha256[:12]}",
        f"after:  {content.after.model} {content.after.model_sha256[:12]}",
        "+/=/-: episodes on which the second did better, the same, worse.",
        "Green, red: the interval lies on one side of zero; yellow: not settled",
        "(also wherever there are fewer than 10 episodes).",
    ]
    if content.infractions_per_km:
        pairs = content.infractions_per_km.items()
        lines.append("infractions per km: " + ", ".join(f"{kind} {a:.2f} -> {b:.2f}" for kind, (a, b) in pairs))
    return lines


def _row(table: Table, title: str, headline: Headline, found: Difference) -> None:
    wins, losses = (found.higher, found.lower) if headline.sense > 0 else (found.lower, found.higher)
    colour = COLOURS[judgement(found)]
    written = headline.written
    table.add_row(
        cell(title),
        written.format(found.old),
        written.format(found.new),
        f"[{colour}]{signed(written, found.difference)}[/{colour}]",
        f"{signed(written, found.low).removesuffix(' pp')} .. {signed(written, found.high)}",
        f"{wins}/{found.equal}/{losses}",
    )
