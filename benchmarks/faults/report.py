"""The runs as a table."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

import numpy as np

from benchmarks.faults.drive import STEERS_S, Run
from benchmarks.faults.wires import CONTROL, FAULTS, HANDS


def table(runs: list[Run]) -> list[dict[str, Any]]:
    """A row for each fault."""
    control = {(run.family, run.seed, run.moment): run.collisions for run in runs if run.fault == CONTROL}
    groups: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        groups[run.fault].append(run)
    rows: list[dict[str, Any]] = []
    for fault in (CONTROL, *FAULTS):
        group = groups[fault]
        if not group:
            continue
        hands = FAULTS[fault][1] in HANDS if fault in FAULTS else False
        later = STEERS_S if hands else 0.0
        stops = [run.stop_m for run in group if run.stop_m is not None]
        lost = [run.lost_s for run in group if run.lost_s is not None]
        rows.append(
            {
                "fault": fault, "runs": len(group), "ends": dict(Counter(run.end for run in group)),
                "collisions": sum(bool(run.collisions) for run in group),
                "avoidable": sum(
                    bool(run.collisions) and not control[run.family, run.seed, round(run.moment - later, 2)]
                    for run in group
                ) if fault != CONTROL else 0,
                "undefined": sum(run.undefined > 0 for run in group),
                "stop_m": [float(np.median(stops)), max(stops)] if stops else None,
                "lost_s": max(lost) if lost else None,
            }
        )  # fmt: skip
    return rows


def markdown(runs: list[Run]) -> str:
    rows = table(runs)
    lines = [
        "| fault | runs | ended | collisions | avoidable | undefined | stop m (median, most) | lost source drives s |",
        8 * "|---" + "|",
    ]
    for row in rows:
        ends = ", ".join(f"{name} {number}" for name, number in sorted(row["ends"].items()))
        stop = f"{row['stop_m'][0]:.1f}, {row['stop_m'][1]:.1f}" if row["stop_m"] else "-"
        lost = f"{row['lost_s']:.2f}" if row["lost_s"] is not None else "-"
        cells = (row["fault"], row["runs"], ends, row["collisions"], row["avoidable"], row["undefined"], stop, lost)
        lines.append("| " + " | ".join(str(cell) for cell in cells) + " |")
    faulty = [row for row in rows if row["fault"] != CONTROL]
    number, avoidable, undefined = (sum(row[name] for row in faulty) for name in ("runs", "avoidable", "undefined"))
    moments = len({(run.family, run.seed, run.moment) for run in runs if run.fault == CONTROL})
    families = len({run.family for run in runs})
    lines.append(
        f"\n{number} runs with a fault: {len(faulty)} faults at {moments} moments in {families} families. Avoidable "
        f"collisions: {avoidable}, {100.0 * avoidable / max(number, 1):.2f} % of the runs (at most 2 % are allowed). "
        f"Runs with a tick without a defined command: {undefined}."
    )
    return "\n".join(lines) + "\n"
