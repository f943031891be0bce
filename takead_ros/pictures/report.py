"""One self-contained HTML page of a run, with everything that it shows inside."""

from __future__ import annotations

import base64
import html
import shlex
from collections.abc import Sequence
from pathlib import Path
from string import Template

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from takead_ros import __version__
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.seeds import split_of
from takead_ros.files import content_of, locked, read_record, writable_folder, write_atomically
from takead_ros.measures.summary import BY_KEY, HeadlineKey
from takead_ros.pictures import moments, plots
from takead_ros.runs.final import AFTER, BEFORE, COMPARISON, FAMILIES, MANY
from takead_ros.runs.learning_curve import expert_seconds, learning_curve, takeovers_of
from takead_ros.runs.loop_state import STATE, LoopState, read_state
from takead_ros.runs.progress import Progress
from takead_ros.runs.results import (
    Evaluation,
    PairedComparison,
    comparison,
    judgement,
    pairs,
    read_evaluation,
    signed,
)
from takead_ros.runs.workplace import Workplace

PAGE = "report.html"
_WORDS = {"better": "better", "worse": "worse", "open": "not settled"}


@dataclass(frozen=True, config=ConfigDict(strict=True, extra="ignore"))
class _TrainingRecord:
    """The part of a trainer's ``round.json`` that is drawn: figures by epoch, of each stage."""

    history: dict[str, list[dict[str, float]]]


def write_report(run: Path, progress: Progress, place: Workplace) -> Path:
    """Write ``report.html`` of the run in folder ``run`` from what lies there: before.json, after.json, and loop.json.

    Draws takeovers (``moments``), driven anew at ``place``, where they are not there yet, and leaves them out where
    there is none to show. Raises TakeadError where the run is not complete.
    """
    if not run.is_dir():
        raise TakeadError(f"run '{run}': no such folder; expected the folder of 'takead demo' or of two evaluations")
    writable_folder(run)
    with locked(run):
        before, after = read_evaluation(run / BEFORE), read_evaluation(run / AFTER)
        content = comparison(before, after)
        state = read_state(run) if (run / STATE).exists() else None
        shown = moments.ensure(run, before, after, place, progress)
        sections = [
            _rounds_section(run, state) if state else "",
            _moments_section(run, shown) if shown else "",
            _plots_section(run, list(content.differences), before, after, state),
            _infractions_section(content),
            _families_section(run / FAMILIES) if (run / FAMILIES / COMPARISON).exists() else "",
        ]
        fields = {
            "title": "Learning from takeovers, before and after",
            "verdict": _verdict(content),
            "table": _table(content) + (_more(run / MANY) if (run / MANY / COMPARISON).exists() else ""),
            "sections": "\n".join(section for section in sections if section),
            "facts": _facts(run, content, before, state),
            "version": html.escape(__version__),
        }
        page = Template((Path(__file__).with_name(PAGE)).read_text(encoding="utf-8")).substitute(fields)
        write_atomically(run / PAGE, page)
        return run / PAGE


def _verdict(content: PairedComparison) -> str:
    """One sentence that says no more than the intervals allow."""
    score, takeovers = content.differences["driving_score"], content.differences.get("takeovers_per_km")
    start = (
        f"Over {content.episode_count} held-out episodes ({html.escape(content.simulator)}) the Driving Score went "
        "from "
        f'<b class="old">{score.old:.1f}</b> to <b class="new">{score.new:.1f}</b>'
    )
    ends = {
        "better": "; the paired difference is above zero with 95 % confidence.",
        "worse": "; the paired difference is below zero with 95 % confidence.",
        "open": "; that difference is not settled: more seeds would have to decide.",
    }
    counted = f" Takeovers per km: {takeovers.old:.2f} before, {takeovers.new:.2f} after." if takeovers else ""
    return start + ends[judgement(score)] + counted


def _table(content: PairedComparison) -> str:
    rows = []
    for key, found in content.differences.items():
        headline, written = BY_KEY[key], BY_KEY[key].template
        judged = judgement(found)
        same = not (found.higher or found.lower)
        rows.append(
            f"<tr><td>{html.escape(headline.title)}</td><td>{written.format(found.old)}</td>"
            f'<td class="new">{written.format(found.new)}</td><td>{signed(written, found.difference)}</td>'
            f"<td>{signed(written, found.low)} to {signed(written, found.high)}</td>"
            f"<td>{found.higher} / {found.equal} / {found.lower}</td>"
            f'<td><span class="tag {judged}">{"no change" if same else _WORDS[judged]}</span></td></tr>'
        )
    heads = ("", "before", "after", "paired difference", "95 % interval", "higher / equal / lower", "")
    return _html_table(heads, rows)


def _more(folder: Path) -> str:
    """The same comparison over more episodes."""
    content = comparison(read_evaluation(folder / BEFORE), read_evaluation(folder / AFTER))
    told = f"The same two policies alone on {content.episode_count} held-out episodes, {content.simulator}:"
    return f"<p>{html.escape(told)}</p>{_table(content)}"


def _html_table(heads: tuple[str, ...], rows: list[str]) -> str:
    head = "".join(f"<th>{html.escape(name)}</th>" for name in heads)
    return f'<div class="card"><table><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'


def _figure(body: str, caption: str) -> str:
    return f'<figure class="card">{body}<figcaption>{html.escape(caption)}</figcaption></figure>'


def _rounds_section(run: Path, state: LoopState) -> str:
    rows = []
    for done in state.rounds:
        decision, driven = done.decision, takeovers_of(run, done)
        verdict = "not decided" if decision is None else "promoted" if decision.promoted else "parent kept"
        why = "" if decision is None else "; ".join(decision.reasons)
        cells = [str(done.number), done.parent_sha256[:12], str(done.clips), "", "", (done.model_sha256 or "")[:12]]
        if driven is not None:
            cells[3:5] = f"{driven.takeovers_per_km:.2f}", f"{expert_seconds(driven):.0f}"
        rows.append("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in (*cells, verdict)) + "</tr>")
        if why:
            rows.append(f'<tr><td colspan="{len(cells) + 1}" class="soft">{html.escape(why)}</td></tr>')
    heads = ("round", "parent", "takeovers", "per km", "expert, s", "new model", "gate on the selection seeds")
    curve = learning_curve(run, state)
    drawn = (
        _figure(
            plots.learning_curve(curve),
            "Driving Score, driven alone on the selection seeds, over the seconds that the expert has driven at "
            "takeovers; 95 % intervals over episodes.",
        )
        if len(curve) > 1
        else ""
    )
    return f"<h2>Rounds</h2>{_html_table(heads, rows)}{drawn}"


def _moments_section(run: Path, examples: Sequence[moments.Moment]) -> str:
    figures = []
    for moment in examples:
        data = base64.b64encode(content_of(run / moments.FOLDER / moment.gif)).decode()
        image = f'<img src="data:image/gif;base64,{data}" alt="{html.escape(moment.caption)}">'
        figures.append(_figure(image, moment.caption))
    return f"<h2>Takeovers, before and after</h2>{''.join(figures)}"


def _plots_section(
    run: Path, keys: Sequence[HeadlineKey], before: Evaluation, after: Evaluation, state: LoopState | None
) -> str:
    def success(content: Evaluation) -> dict[str, float]:
        return {name: group.success_rate for name, group in content.abilities.items()}

    wide = _figure(
        plots.headlines(before, after, keys), "Each headline with its bootstrap 95 % interval over episodes."
    )
    figures = [
        _figure(
            plots.paired_scores(pairs(before, after)),
            "Driving Score of every held-out episode, driven alone. Above the line: the new policy did better.",
        ),
    ]
    if "assisted" in before.passes:
        figures.append(
            _figure(
                plots.takeovers_by_trigger(before.triggers, after.triggers, "same held-out seeds"),
                "What the expert took over for, with the expert ready to take over, on the same held-out seeds.",
            )
        )
    if len(before.abilities) > 1:
        figures.append(
            _figure(
                plots.abilities(success(before), success(after)),
                "Success rate by ability (Bench2Drive's grouping of scenarios).",
            )
        )
    history = _history(run, state)
    if any(history.values()):
        figures.append(_figure(plots.training_curves(history), "The last round's stages of training."))
    return f'<h2>What changed</h2>{wide}<div class="grid">{"".join(figures)}</div>'


def _history(run: Path, state: LoopState | None) -> dict[str, list[dict[str, float]]]:
    """What the trainer of the last round noted by epoch; empty where it notes nothing of that kind."""
    file = run / f"round-{len(state.rounds) if state else 0}" / "training" / "round.json"
    if not file.exists():
        return {}
    return read_record(_TrainingRecord, file, "the record of a training round, with a 'history'").history


def _infractions_section(content: PairedComparison) -> str:
    if not content.infractions_per_km:
        return ""
    rows = [
        f'<tr><td>{html.escape(kind.replace("_", " "))}</td><td>{before:.2f}</td><td class="new">{after:.2f}</td></tr>'
        for kind, (before, after) in content.infractions_per_km.items()
    ]
    return f"<h2>Infractions per km, driven alone</h2>{_html_table(('', 'before', 'after'), rows)}"


def _families_section(folder: Path) -> str:
    content, rows = comparison(read_evaluation(folder / BEFORE), read_evaluation(folder / AFTER)), []
    for name, found in sorted(content.scenarios.items(), key=lambda item: -item[1].difference):
        rows.append(
            f"<tr><td>{html.escape(name.replace('_', ' '))}</td><td>{found.old:.1f}</td>"
            f'<td class="new">{found.new:.1f}</td><td>{found.difference:+.1f}</td></tr>'
        )
    score = content.differences["driving_score"]
    told = (
        f"Suite {content.suite}, {content.episode_count} held-out episodes in the vector world, driven alone: "
        f"{score.old:.1f} before, {score.new:.1f} after ({score.difference:+.1f}, {score.low:+.1f} to "
        f"{score.high:+.1f}). "
        f"{len(content.seeds)} episodes of each family settle nothing about one of them."
    )
    table = _html_table(("Driving Score", "before", "after", "difference"), rows)
    return f"<h2>Families that gained and lost</h2><p>{html.escape(told)}</p>{table}"


def _facts(run: Path, content: PairedComparison, before: Evaluation, state: LoopState | None) -> str:
    seeds = content.seeds
    facts = {
        "Held-out seeds": f"{min(seeds)} to {max(seeds)} ({len(seeds)} of the {split_of(seeds[0])} split), "
        f"scenario families {', '.join(content.families)}",
        "Measured": "Driving Score and Success Rate by the Bench2Drive definitions, in this simulator: not comparable "
        "with figures on CARLA. Takeovers per km: all takeovers over all kilometres; expert share: all its time over "
        "all time. Intervals: percentile bootstrap over episodes, paired, of those very ratios.",
        "Policy before": f"{content.before.model}, sha256 {content.before.model_sha256}",
        "Policy after": f"{content.after.model}, sha256 {content.after.model_sha256}",
        "Simulator": content.simulator,
        "Machine": f"{content.environment}. Another CPU or other versions give other weights and other figures.",
        "Software": f"takead_ros {content.version}",
    }
    if before.parameters:
        facts["Parameters"] = "; ".join(f"{node}: {values}" for node, values in before.parameters.items())
    if state is not None:
        plan = state.plan
        facts["Learned from"] = (
            f"takeovers on {plan.drives} collection seeds a round and demonstrations on {plan.demonstrations} training "
            "seeds of each family"
        )
        facts["Again"] = f"takead demo --out {shlex.quote(str(run))} (or takead train rounds), then takead report"
    return "".join(f"<dt>{html.escape(name)}</dt><dd>{html.escape(text)}</dd>" for name, text in facts.items())
