"""The expert's results as a page:

    python benchmarks/expert_report.py --expert F [--again F] [--baselines F ..] [--suites F ..] [--causes F] --out DIR

Reads what ``takead eval --model expert --json`` and ``benchmarks/baselines.py --json`` wrote; writes ``expert.md`` and
its figures (SVG) into DIR. Baselines are set against the expert on the episodes that both drove. ``--again``: a second
run of the same command, or of some of its seeds, which has to be the same in every figure. ``--suites``: the expert on
other suites, a line for each. ``--causes``: YAML with a sentence for failed episodes, ``family/seed: why``; a failure
without one is listed with its infractions alone.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from takead_ros.cli.program import end_with
from takead_ros.domain.errors import TakeadError
from takead_ros.files import content_of, parse_json
from takead_ros.measures.driving_score import EpisodeScore
from takead_ros.measures.infractions import Infraction
from takead_ros.measures.summary import RESAMPLES, aggregate, compare_scores

Episode = Mapping[str, Any]
PERCENTILES = (5, 25, 50, 75, 95)
GOOD, INK, FAINT = "#0f766e", "#1f2937", "#9ca3af"
COLOURS = ("#d97706", "#7c3aed", "#2563eb", "#db2777", "#65a30d")
WANTED = {"driving_score": 95.0, "success_rate": 0.9, "family": 0.75, "baseline": 60.0}
PHRASES = {
    "collision_pedestrian": "hits a pedestrian", "collision_vehicle": "hits a vehicle",
    "collision_static": "hits an object",
    "red_light": "crosses at red", "stop_sign": "does not stop at the sign", "off_road": "leaves the road",
    "scenario_timeout": "runs out of time", "blocked": "stands still for 15 s", "route_deviation": "leaves the route",
    "yield_to_emergency_vehicle": "does not let the emergency vehicle by",
}  # fmt: skip


def read(path: Path) -> dict[str, Any]:
    """The JSON of ``takead eval`` or of ``baselines.py``."""
    try:
        content: dict[str, Any] = parse_json(content_of(path))
    except (OSError, ValueError) as problem:
        raise TakeadError(f"'{path}': {problem}; expected JSON of 'takead eval' or baselines.py") from problem
    return content


def score_of(episode: Episode) -> EpisodeScore:
    """The score in one episode of the JSON of ``takead eval`` or of ``baselines.py``."""
    known = {field.name: episode[field.name] for field in fields(EpisodeScore)}
    return EpisodeScore(**{**known, "infractions": tuple(Infraction(**item) for item in episode["infractions"])})


def key(episode: Episode) -> tuple[str, int]:
    return str(episode["scenario"]), int(episode["seed"])


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Bootstrap 95 % interval of the mean."""
    rows = np.random.default_rng(0).integers(len(values), size=(RESAMPLES, len(values)))
    low, high = np.percentile(np.array(values)[rows].mean(1), [2.5, 97.5])
    return float(low), float(high)


def mean(episodes: Sequence[Episode], name: str) -> float:
    return float(np.mean([episode[name] for episode in episodes]))


def grouped(episodes: Sequence[Episode], name: str = "scenario") -> dict[str, list[Episode]]:
    groups: dict[str, list[Episode]] = {}
    for episode in episodes:
        groups.setdefault(str(episode[name]), []).append(episode)
    return dict(sorted(groups.items()))


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    align = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, align, *rows])


def headline(episodes: Sequence[Episode]) -> str:
    summary = aggregate([score_of(episode) for episode in episodes])
    rows = []
    for name, title, scale, unit in (
        ("driving_score", "Driving Score", 1.0, ""), ("success_rate", "Success Rate", 100.0, " %"),
        ("route_completion", "route completion", 100.0, " %"),
        ("comfort", "comfort (share of 2 s segments)", 100.0, " %"),
    ):  # fmt: skip
        low, high = interval([float(episode[name]) for episode in episodes])
        rows.append(
            [title, f"{scale * getattr(summary, name):.1f}{unit}", f"{scale * low:.1f} to {scale * high:.1f}{unit}"]
        )
    if summary.efficiency is not None:
        rows.append(["efficiency (speed in % of the traffic's)", f"{summary.efficiency:.0f} %", ""])
    rows.append(["driven", f"{summary.distance_km:.1f} km", ""])
    return table(["", "mean", "95 % interval"], rows)


def distributions(drivers: Mapping[str, Sequence[Episode]]) -> str:
    rows = []
    for measure, title in (("min_ttc", "min-TTC"), ("post_encroachment_time", "PET")):
        for name, episodes in drivers.items():
            found = getattr(aggregate([score_of(episode) for episode in episodes]), measure)
            cuts = [getattr(found, f"p{p}") for p in PERCENTILES]
            rows.append([f"{title}, {name}", f"{found.share:.0%}", *("" if c is None else f"{c:.1f}" for c in cuts)])
    return table(["s", "episodes that have one", *(f"p{p}" for p in PERCENTILES)], rows)


def families(expert: Sequence[Episode], baselines: Mapping[str, Sequence[Episode]]) -> str:
    others = {name: grouped(episodes) for name, episodes in baselines.items()}
    rows = []
    for family, episodes in grouped(expert).items():
        cells = [
            f"{mean(others[name][family], 'driving_score'):.1f}" if family in others[name] else "" for name in others
        ]
        rows.append([family, str(episodes[0]["ability"]), f"{mean(episodes, 'driving_score'):.1f}",
                     f"{mean(episodes, 'success_rate'):.0%}", *cells])  # fmt: skip
    all_ = [f"**{mean(episodes, 'driving_score'):.1f}**" for episodes in baselines.values()]
    rows.append(
        ["**all**", "", f"**{mean(expert, 'driving_score'):.1f}**", f"**{mean(expert, 'success_rate'):.0%}**", *all_]
    )
    return table(["family", "ability", "expert DS", "expert SR", *(f"{name} DS" for name in baselines)], rows)


def abilities(drivers: Mapping[str, Sequence[Episode]]) -> str:
    groups = {name: grouped(episodes, "ability") for name, episodes in drivers.items()}
    rows = [
        [
            ability,
            *(
                f"{mean(g[ability], 'success_rate'):.0%} ({mean(g[ability], 'driving_score'):.1f})"
                if ability in g
                else ""
                for g in groups.values()
            ),
        ]
        for ability in sorted({ability for g in groups.values() for ability in g})
    ]
    means = [np.mean([mean(episodes, "success_rate") for episodes in g.values()]) for g in groups.values()]
    rows.append(["**mean of the abilities**", *(f"**{value:.0%}**" for value in means)])
    return table(["ability", *(f"{name}: SR (DS)" for name in groups)], rows)


def infractions(drivers: Mapping[str, Sequence[Episode]]) -> str:
    counts: dict[str, dict[str, int]] = {}
    for name, episodes in drivers.items():
        for infraction in (i for episode in episodes for i in episode["infractions"]):
            counts.setdefault(infraction["kind"], dict.fromkeys(drivers, 0))[name] += 1
    rows = [
        [kind, *(f"{100.0 * found[name] / len(drivers[name]):.1f}" for name in drivers)]
        for kind, found in sorted(counts.items())
    ]
    return table(["per 100 episodes", *drivers], rows)


def failures(expert: Sequence[Episode], causes: Mapping[str, str]) -> str:
    failed = [episode for episode in expert if not episode["success"]]
    if not failed:
        return "None."
    rows = []
    for episode in sorted(failed, key=key):
        name = f"{episode['scenario']}/{episode['seed']}"
        events = "; ".join(
            f"{PHRASES.get(i['kind'], i['kind'])} at {i['time']:.1f} s, {i['route_s']:.0f} m"
            for i in episode["infractions"]
        )
        rows.append([name, f"{episode['driving_score']:.1f}", events or episode["end"], causes.get(name, "")])
    return table(["episode", "DS", "what happened", "cause"], rows)


def against(expert: Sequence[Episode], baselines: Mapping[str, Sequence[Episode]]) -> str:
    rows = []
    for name, episodes in baselines.items():
        common = {key(episode) for episode in episodes}
        ours = [score_of(episode) for episode in expert if key(episode) in common]
        theirs = [score_of(episode) for episode in episodes]
        found = compare_scores(theirs, ours, ["driving_score"])["driving_score"]
        rows.append([name, str(len(ours)), f"{found.old:.1f}", f"{np.mean([e.success for e in theirs]):.0%}",
                     f"{found.new:.1f}", f"+{found.difference:.1f} ({found.low:+.1f} to {found.high:+.1f})",
                     f"{found.higher} / {found.equal} / {found.lower}"])  # fmt: skip
    return table(["driver", "episodes", "its DS", "its SR", "expert DS there", "difference (95 %)",
                  "expert better / equal / worse"], rows)  # fmt: skip


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
        axes.scatter(scores, places, s=46 if first else 20, color=GOOD if first else COLOURS[i - 1],
                     marker="D" if first else "o", label=driver, alpha=0.9, linewidths=0,
                     zorder=3 if first else 2)  # fmt: skip
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
        axes.step([0.0, *values], [0.0, *share], where="post", label=driver, linewidth=2.2 if first else 1.3,
                  color=GOOD if first else COLOURS[i - 1])  # fmt: skip
    axes.set(xlabel=label, ylabel="share of episodes at or below", xlim=(0.0, limit), ylim=(0.0, 1.0))
    axes.legend(fontsize=8, frameon=False)
    _save(figure, path)


def same(first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
    """Whether every episode of the second run came out in the first as well, to the last figure."""
    known = {key(episode): episode for episode in first["episodes"]}
    return bool(second["episodes"]) and all(known.get(key(episode)) == episode for episode in second["episodes"])


def page(
    expert: Mapping[str, Any],
    baselines: Mapping[str, Any],
    again: Mapping[str, Any] | None,
    more: Sequence[Mapping[str, Any]],
    causes: Mapping[str, str],
    note: str,
) -> tuple[str, dict[str, Sequence[Episode]]]:
    episodes = expert["episodes"]
    others = {name: part["episodes"] for name, part in baselines.items()}
    for name, part in others.items():
        if not {key(episode) for episode in part} <= {key(episode) for episode in episodes}:
            raise TakeadError(f"baseline {name}: has episodes that the expert did not drive, expected the same suite")
    drivers: dict[str, Sequence[Episode]] = {"expert": episodes, **others}
    groups = grouped(episodes)
    worst = min(groups, key=lambda family: mean(groups[family], "success_rate"))
    score, success = mean(episodes, "driving_score"), mean(episodes, "success_rate")
    lowest = mean(groups[worst], "success_rate")
    best_other = max(((mean(part, "driving_score"), name) for name, part in others.items()), default=None)
    checks = [
        ["Driving Score at least 95", f"{score:.1f}", _verdict(score >= WANTED["driving_score"])],
        ["Success Rate at least 90 %", f"{success:.1%}", _verdict(success >= WANTED["success_rate"])],
        ["no family below 75 %", f"{lowest:.0%} ({worst})", _verdict(lowest >= WANTED["family"])],
    ]
    if best_other is not None:
        checks.append(["no trivial driver above 60", f"{best_other[0]:.1f} ({best_other[1]})",
                       _verdict(best_other[0] <= WANTED["baseline"])])  # fmt: skip
    if again is not None:
        checks.append(["two runs identical in every figure of every episode", f"{len(again['episodes'])} episodes",
                       _verdict(same(expert, again))])  # fmt: skip
    seeds = f"{min(expert['seeds'])}-{max(expert['seeds'])}"
    some = sorted({int(episode["seed"]) for part in others.values() for episode in part})
    parts = [
        f"# The expert on `{expert['suite']}`",
        f"{len(groups)} families, test seeds {seeds}, {len(episodes)} episodes, {expert['simulator']}, limited to what "
        "its vehicle could see. Written by `python benchmarks/expert_report.py` from",
        f"    takead eval --model expert --suite {expert['suite']} --seeds {seeds} --json runs/expert.json\n"
        + (f"    python benchmarks/baselines.py --suite {expert['suite']} --seeds {some[0]}-{some[-1]} "
           "--json runs/baselines.json" if some else ""),
        note,
        table(["bar", "found", ""], checks),
        headline(episodes),
        "The measures are defined in [measures.md](../measures.md).",
    ]  # fmt: skip
    if others:
        parts += ["## Against trivial drivers", against(episodes, others), DRIVERS,
                  "![Driving Score by family](expert_families.svg)"]  # fmt: skip
    parts += ["## By family", families(episodes, others), "## By ability", abilities(drivers),
              "## Infractions", infractions(drivers), "## How close it came",
              "Shortest time to collision (everyone keeping speed and heading, at most 3 s ahead) and "
              "post-encroachment time (at most 5 s) of each episode.", distributions(drivers),
              "![min-TTC](expert_min_ttc.svg)", "![comfort](expert_comfort.svg)",
              "## Every failure of the expert", failures(episodes, causes)]  # fmt: skip
    if more:
        parts += ["## The other suites", "The same expert, the same limits of sight.", suites(more)]
    return "\n\n".join(part for part in parts if part) + "\n", drivers


def suites(evaluations: Sequence[Mapping[str, Any]]) -> str:
    """A line for each evaluation of the expert on another suite."""
    rows = []
    for evaluation in evaluations:
        episodes, seeds = evaluation["episodes"], evaluation["seeds"]
        summary = aggregate([score_of(episode) for episode in episodes])
        kinds = ", ".join(f"{PHRASES.get(kind, kind)}: {n}" for kind, n in summary.infractions.items()) or "none"
        rows.append([f"`{evaluation['suite']}`", f"{min(seeds)}-{max(seeds)}", str(len(episodes)),
                     f"{summary.distance_km:.1f}", f"{summary.driving_score:.1f}",
                     f"{summary.success_rate:.0%}", kinds])  # fmt: skip
    return table(["suite", "seeds", "episodes", "km", "DS", "SR", "infractions"], rows)


def _verdict(fine: bool) -> str:
    return "met" if fine else "**missed**"


DRIVERS = """`constant_speed` follows the route at the speed limit, slower in bends, and brakes for nobody.
`lane_idm` adds the Intelligent Driver Model behind whatever is in its lane, braking at once with up to 9 m/s^2; it
knows no lights or signs and never passes. `metadrive_idm` is MetaDrive's `IDMPolicy`, `metadrive_ppo` its bundled PPO
expert (mean action); both are told the route and drive the same ego with their own navigation, lidar and state. Lights
and signs are no bodies that a lidar could see, and neither was made to know any. Full brake is 9 m/s^2 here (about 11
there). `IDMPolicy` cruises at 30 km/h whatever the limit, as it does there."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--expert", type=Path, required=True)
    parser.add_argument("--again", type=Path, help="a second run of the same command, or of some of its seeds")
    parser.add_argument("--baselines", type=Path, nargs="*", default=[], help="one file or more, other drivers in each")
    parser.add_argument("--suites", type=Path, nargs="*", default=[], help="takead eval --json of other suites")
    parser.add_argument("--causes", type=Path, help="YAML: family/seed: why it failed")
    parser.add_argument("--note", default="", help="a paragraph for the head of the page, such as commit and machine")
    parser.add_argument("--out", type=Path, default=Path("docs/results"))
    arguments = parser.parse_args()
    try:
        expert = read(arguments.expert)
        again = None if arguments.again is None else read(arguments.again)
        baselines = {name: part for path in arguments.baselines for name, part in read(path)["drivers"].items()}
        causes = yaml.safe_load(arguments.causes.read_text(encoding="utf-8")) if arguments.causes else {}
        text, drivers = page(
            expert, baselines, again, [read(path) for path in arguments.suites], causes or {}, arguments.note
        )
    except (TakeadError, OSError, yaml.YAMLError, KeyError) as problem:
        parser.error(str(problem))
    arguments.out.mkdir(parents=True, exist_ok=True)
    if len(drivers) > 1:
        plot_families(drivers, arguments.out / "expert_families.svg")
    plot_shares(drivers, "min_ttc", "min-TTC, s", 3.0, arguments.out / "expert_min_ttc.svg")
    plot_shares(
        drivers,
        "comfort",
        "comfort: share of 2 s segments within all bounds",
        1.0,
        arguments.out / "expert_comfort.svg",
    )
    (arguments.out / "expert.md").write_text(text, encoding="utf-8")
    print(f"written: {arguments.out / 'expert.md'}")


if __name__ == "__main__":
    end_with(main)
