"""The page: what was asked for and found, then table by table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.expert_report.episodes import Episode, grouped, key, mean
from benchmarks.expert_report.tables import (
    abilities,
    against,
    distributions,
    failures,
    families,
    headline,
    infractions,
    suites,
    table,
)
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.seeds import SPLIT_SIZE, split_of

WANTED = {"driving_score": 95.0, "success_rate": 0.9, "family": 0.75, "baseline": 60.0}


def same(first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
    """Whether every episode of the second run came out in the first as well, to the last figure."""
    known = {key(episode): episode for episode in first["episodes"]}
    return bool(second["episodes"]) and all(known.get(key(episode)) == episode for episode in second["episodes"])


def as_asked(seeds: Sequence[int]) -> str:
    """The range of ``seeds``, as ``--seeds`` takes it."""
    return f"{split_of(min(seeds))}:{min(seeds) % SPLIT_SIZE}-{max(seeds) % SPLIT_SIZE}"


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
        checks.append(
            [
                "no trivial driver above 60",
                f"{best_other[0]:.1f} ({best_other[1]})",
                _verdict(best_other[0] <= WANTED["baseline"]),
            ]
        )
    if again is not None:
        checks.append(
            [
                "two runs identical in every figure of every episode",
                f"{len(again['episodes'])} episodes",
                _verdict(same(expert, again)),
            ]
        )
    seeds = as_asked(expert["seeds"])
    world = "" if str(expert["simulator"]).startswith("metadrive") else " --sim vector"
    some = sorted({int(episode["seed"]) for part in others.values() for episode in part})
    parts = [
        f"# The expert on `{expert['suite']}`",
        f"{len(groups)} {'family' if len(groups) == 1 else 'families'}, seeds {seeds}, {len(episodes)} episodes, "
        f"{expert['simulator']}, limited to what its vehicle could see. Written by "
        "`python -m benchmarks.expert_report` from",
        f"    takead eval --model expert --suite {expert['suite']} --seeds {seeds}{world} --json runs/expert.json\n"
        + (
            f"    python -m benchmarks.baselines --suite {expert['suite']} --seeds {as_asked(some)} "
            "--json runs/baselines.json"
            if some
            else ""
        ),
        note,
        table(["bar", "found", ""], checks),
        headline(episodes),
        "The measures are defined in [measures.md](../measures.md).",
    ]
    if others:
        parts += [
            "## Against trivial drivers",
            against(episodes, others),
            DRIVERS,
            "![Driving Score by family](expert_families.svg)",
        ]
    parts += ["## By family", families(episodes, others), "## By ability", abilities(drivers),
              "## Infractions", infractions(drivers), "## How close it came",
              "Shortest time to collision (everyone keeping speed and heading, at most 3 s ahead) and "
              "post-encroachment time (at most 5 s) of each episode.", distributions(drivers),
              "![min-TTC](expert_min_ttc.svg)", "![comfort](expert_comfort.svg)",
              "## Every failure of the expert", failures(episodes, causes)]  # fmt: skip
    if more:
        parts += ["## The other suites", "The same expert, the same limits of sight.", suites(more)]
    return "\n\n".join(part for part in parts if part) + "\n", drivers


def _verdict(fine: bool) -> str:
    return "met" if fine else "**missed**"


DRIVERS = """`constant_speed` follows the route at the speed limit, slower in bends, and brakes for nobody.
`lane_idm` adds the Intelligent Driver Model behind whatever is in its lane, braking at once with up to 9 m/s^2; it
knows no lights or signs and never passes. `metadrive_idm` is MetaDrive's `IDMPolicy`, `metadrive_ppo` its bundled PPO
expert (mean action); both are told the route and drive the same ego with their own navigation, lidar and state. Lights
and signs are no bodies that a lidar could see, and neither was made to know any. Full brake is 9 m/s^2 here (about 11
there). `IDMPolicy` cruises at 30 km/h whatever the limit, as it does there."""
