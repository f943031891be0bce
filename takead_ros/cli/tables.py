"""Evaluations and comparisons as tables that fit 80 columns."""

from __future__ import annotations

from collections.abc import Mapping

from rich.text import Text

from takead_ros.console import cell
from takead_ros.measures.summary import BY_KEY, HEADLINES, Difference, Group, Headline
from takead_ros.runs.loop_state import LoopState
from takead_ros.runs.results import Evaluation, PairedComparison, judgement, signed
from takead_ros.text_table import TableColumn, TextTable

COLOURS = {"better": "green", "worse": "red", "open": "yellow"}


def evaluation_table(content: Evaluation) -> TextTable:
    """The headlines of each scenario family and of all episodes, and the intervals of the latter."""
    titles = ("Score", "Success", "Route", "Takeovers/km", "Expert", "n")
    table = TextTable(
        [TableColumn("scenario"), *(TableColumn(title, right=True) for title in titles)],
        cell(f"{content.model} on suite {content.suite}, {content.episode_count} episodes"),
    )
    own = content.passes.get("unassisted") or content.passes["assisted"]
    taken = content.passes.get("assisted") or own
    for name in own.scenarios:
        table.rows.append(
            _styled("", name, *_cells(own.scenarios[name], taken.scenarios.get(name, own.scenarios[name])))
        )
    table.rows.append(None)
    every = [headline.template.format(getattr(content, headline.key)) for headline in HEADLINES]
    table.rows.append(_styled("bold", "all", *every, str(content.episode_count)))
    lows, highs = ([getattr(content.intervals[h.key], end) for h in HEADLINES] for end in ("low", "high"))
    for title, ends in (("  95 % from", lows), ("  to", highs)):
        written = (headline.template.format(value) for headline, value in zip(HEADLINES, ends, strict=True))
        table.rows.append(_styled("dim", title, *written, ""))
    return table


def _styled(style: str, *texts: str) -> tuple[Text, ...]:
    return tuple(cell(text, style) for text in texts)


def _cells(own: Group, assisted: Group) -> list[str]:
    figures = (
        own.driving_score,
        own.success_rate,
        own.route_completion,
        assisted.takeovers_per_km,
        assisted.expert_share,
    )
    written = [headline.template.format(figure) for headline, figure in zip(HEADLINES, figures, strict=True)]
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


def comparison_table(content: PairedComparison, families: bool = True) -> TextTable:
    """Both values, their paired difference with its 95 % interval, and on how many episodes the second did better."""
    titles = ("before", "after", "change", "95 % interval", "+/=/-")
    table = TextTable(
        [TableColumn(), *(TableColumn(title, right=True) for title in titles)],
        cell(f"{content.episode_count} episodes, the same for both (suite {content.suite}; {content.simulator})"),
    )
    for key, found in content.differences.items():
        table.rows.append(_row(BY_KEY[key].title, BY_KEY[key], found))
    if families:
        table.rows.append(None)
        for name, found in content.scenarios.items():
            table.rows.append(_row(name, HEADLINES[0], found))
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


def _row(title: str, headline: Headline, difference: Difference) -> tuple[Text, ...]:
    wins, losses = (
        (difference.higher, difference.lower) if headline.sense > 0 else (difference.lower, difference.higher)
    )
    template = headline.template
    return (
        cell(title),
        cell(template.format(difference.old)),
        cell(template.format(difference.new)),
        cell(signed(template, difference.difference), COLOURS[judgement(difference)]),
        cell(f"{signed(template, difference.low).removesuffix(' pp')} .. {signed(template, difference.high)}"),
        cell(f"{wins}/{difference.equal}/{losses}"),
    )


def rounds_table(state: LoopState) -> TextTable:
    """What each round came to."""
    made = TextTable(
        [TableColumn(title) for title in ("round", "parent", "clips", "model")] + [TableColumn("gate", wrap=True)]
    )
    for done in state.rounds:
        verdict = "" if done.decision is None else "promoted" if done.decision.promoted else "parent kept"
        why = "" if done.decision is None else ": " + "; ".join(done.decision.reasons)
        clips = "" if done.clips is None else str(done.clips)
        texts = (str(done.number), done.parent_sha256[:12], clips, (done.model_sha256 or "")[:12], verdict + why)
        made.rows.append(tuple(map(cell, texts)))
    return made
