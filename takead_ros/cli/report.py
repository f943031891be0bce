"""``takead report``: one self-contained HTML file of a run, with everything that it shows inside."""

from __future__ import annotations

import base64
import html
import shlex
from pathlib import Path
from string import Template
from typing import Any

import typer

from takead_ros import __version__
from takead_ros.console import read_json, stdout
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.seeds import split_of
from takead_ros.files import writable_folder
from takead_ros.pictures import plots
from takead_ros.pictures import side_by_side as moment
from takead_ros.runs.results import HEADLINES, comparison, judgement, signed

app = typer.Typer(add_completion=False, rich_markup_mode="rich", pretty_exceptions_enable=False)

_WORDS = {"better": "better", "worse": "worse", "open": "not settled"}


def write_report(run: Path) -> Path:
    """Write ``report.html`` of the run in folder ``run`` from what lies there (before.json, after.json, ...).

    Draws the moment (moment.gif, moment.png) where it is not there yet. Raises TakeadError where the run is not
    complete.
    """
    if not run.is_dir():
        raise TakeadError(f"run '{run}': no such folder; expected the folder of 'takead demo'")
    writable_folder(run)
    before, after = read_json(run / "before.json"), read_json(run / "after.json")
    content = comparison(before, after)
    shown = moment.ensure(run, before, after)
    fields = {
        "title": "One round of learning from takeovers",
        "verdict": _verdict(content),
        "table": _table(content),
        "sections": "\n".join([_moment_section(run, shown), _plots_section(run, before, after)]),
        "facts": _facts(run, content, before),
        "version": __version__,
    }
    page = Template((Path(__file__).with_name("report.html")).read_text(encoding="utf-8")).substitute(fields)
    path = run / "report.html"
    partial = path.with_suffix(".part")
    partial.write_text(page, encoding="utf-8")
    partial.replace(path)
    return path


def _verdict(content: dict[str, Any]) -> str:
    """One sentence that says no more than the intervals allow."""
    score, takeovers = content["differences"]["driving_score"], content["differences"]["takeovers_per_km"]
    judged = judgement("driving_score", score)
    start = (
        f"Over {content['episode_count']} held-out episodes the Driving Score went from "
        f'<b class="old">{score["old"]:.1f}</b> to <b class="new">{score["new"]:.1f}</b>'
    )
    ends = {
        "better": "; the paired difference is above zero with 95 % confidence.",
        "worse": "; the paired difference is below zero with 95 % confidence.",
        "open": "; that difference is not settled: more seeds would have to decide.",
    }
    per_km = f" Takeovers per km: {takeovers['old']:.2f} before, {takeovers['new']:.2f} after."
    return start + ends[judged] + per_km


def _table(content: dict[str, Any]) -> str:
    rows = []
    for key, title, written, _ in HEADLINES:
        found = content["differences"][key]
        judged = judgement(key, found)
        same = not (found["higher"] or found["lower"])
        rows.append(
            f"<tr><td>{html.escape(title)}</td><td>{written.format(found['old'])}</td>"
            f'<td class="new">{written.format(found["new"])}</td><td>{signed(written, found["difference"])}</td>'
            f"<td>{signed(written, found['low'])} to {signed(written, found['high'])}</td>"
            f"<td>{found['higher']} / {found['equal']} / {found['lower']}</td>"
            f'<td><span class="tag {judged}">{"no change" if same else _WORDS[judged]}</span></td></tr>'
        )
    heads = ("", "before", "after", "paired difference", "95 % interval", "higher / equal / lower", "")
    head = "".join(f"<th>{name}</th>" for name in heads)
    return f'<div class="card"><table><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'


def _figure(body: str, caption: str) -> str:
    return f'<figure class="card">{body}<figcaption>{html.escape(caption)}</figcaption></figure>'


def _moment_section(run: Path, shown: moment.Moment) -> str:
    data = base64.b64encode((run / moment.GIF).read_bytes()).decode()
    image = f'<img src="data:image/gif;base64,{data}" alt="{html.escape(shown.caption)}">'
    return f"<h2>One takeover, before and after</h2>{_figure(image, shown.caption)}"


def _plots_section(run: Path, before: dict[str, Any], after: dict[str, Any]) -> str:
    def success(content: dict[str, Any]) -> dict[str, float]:
        return {name: group["success_rate"] for name, group in content["abilities"].items()}

    figures = [
        _figure(
            plots.paired_scores(before["episodes"], after["episodes"]),
            "Driving Score of every held-out episode, driven alone. Above the line: the new policy did better.",
        ),
        _figure(
            plots.takeovers_by_trigger(before["triggers"], after["triggers"], "same held-out seeds"),
            "What the expert took over for, with the expert ready to take over, on the same held-out seeds.",
        ),
        _figure(
            plots.abilities(success(before), success(after)),
            "Success rate by ability (Bench2Drive's grouping of scenarios).",
        ),
    ]
    history = read_json(run / "round" / "round.json").get("history", {}) if (run / "round/round.json").exists() else {}
    if any(history.values()):
        figures.append(_figure(plots.training_curves(history), "The round's two phases of training."))
    return f'<h2>What changed</h2><div class="grid">{"".join(figures)}</div>'


def _facts(run: Path, content: dict[str, Any], before: dict[str, Any]) -> str:
    seeds = content["seeds"]
    facts = {
        "Held-out seeds": f"{min(seeds)} to {max(seeds)} ({len(seeds)} of the {split_of(seeds[0])} split), "
        f"scenario families {', '.join(before['families'])}",
        "Measured": "Driving Score and Success Rate by the Bench2Drive definitions, in this simulator: not comparable "
        "with figures on CARLA. Intervals: percentile bootstrap over episodes, paired.",
        "Policy before": f"{content['before']['model']}, sha256 {content['before']['model_sha256']}",
        "Policy after": f"{content['after']['model']}, sha256 {content['after']['model_sha256']}",
        "Simulator": content["simulator"],
        "Software": f"takead_ros {content['version']}",
    }
    plan = read_json(run / "run.json").get("plan") if (run / "run.json").exists() else None
    if plan:
        facts["Learned from"] = (
            f"takeovers on {plan['drives']} collection seeds and demonstrations on {plan['demonstrations']} training "
            "seeds of each family"
        )
    facts["Again"] = f"takead demo --out {shlex.quote(str(run))}"
    return "".join(f"<dt>{html.escape(name)}</dt><dd>{html.escape(text)}</dd>" for name, text in facts.items())


@app.command(epilog="Example: [bold]takead report runs/demo[/bold]")
def report(run: Path = typer.Argument(..., help="Folder of a run, such as runs/demo.")) -> None:
    """Write RUN/report.html: the comparison, plots, and one takeover, old and new policy side by side."""
    stdout.print(f"report: {write_report(run)}")
