"""The tables of the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.expert_report.episodes import Episode, grouped, interval, key, mean, score_of
from takead_ros.measures.summary import aggregate, compare_scores

PERCENTILES = (5, 25, 50, 75, 95)
PHRASES = {
    "collision_pedestrian": "hits a pedestrian", "collision_vehicle": "hits a vehicle",
    "collision_static": "hits an object",
    "red_light": "crosses at red", "stop_sign": "does not stop at the sign", "off_road": "leaves the road",
    "scenario_timeout": "runs out of time", "blocked": "stands still for 15 s", "route_deviation": "leaves the route",
    "yield_to_emergency_vehicle": "does not let the emergency vehicle by",
}  # fmt: skip


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
        rows.append(
            [
                family,
                str(episodes[0]["ability"]),
                f"{mean(episodes, 'driving_score'):.1f}",
                f"{mean(episodes, 'success_rate'):.0%}",
                *cells,
            ]
        )
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
        rows.append(
            [
                name,
                str(len(ours)),
                f"{found.old:.1f}",
                f"{np.mean([e.success for e in theirs]):.0%}",
                f"{found.new:.1f}",
                f"+{found.difference:.1f} ({found.low:+.1f} to {found.high:+.1f})",
                f"{found.higher} / {found.equal} / {found.lower}",
            ]
        )
    return table(
        [
            "driver",
            "episodes",
            "its DS",
            "its SR",
            "expert DS there",
            "difference (95 %)",
            "expert better / equal / worse",
        ],
        rows,
    )


def suites(evaluations: Sequence[Mapping[str, Any]]) -> str:
    """A line for each evaluation of the expert on another suite."""
    rows = []
    for evaluation in evaluations:
        episodes, seeds = evaluation["episodes"], evaluation["seeds"]
        summary = aggregate([score_of(episode) for episode in episodes])
        kinds = ", ".join(f"{PHRASES.get(kind, kind)}: {n}" for kind, n in summary.infractions.items()) or "none"
        rows.append(
            [
                f"`{evaluation['suite']}`",
                f"{min(seeds)}-{max(seeds)}",
                str(len(episodes)),
                f"{summary.distance_km:.1f}",
                f"{summary.driving_score:.1f}",
                f"{summary.success_rate:.0%}",
                kinds,
            ]
        )
    return table(["suite", "seeds", "episodes", "km", "DS", "SR", "infractions"], rows)
