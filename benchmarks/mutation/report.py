"""The score as Markdown: a row for each module, and every survivor."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import yaml

from benchmarks.mutation.campaign import SURVIVED, TIMEOUT
from benchmarks.mutation.mutants import ROWS, Mutant


def markdown(mutants: list[Mutant], made: int, outcomes: dict[str, int], tests: int, mutmut: str) -> str:
    """Score, one row a module, and every survivor with the reason where it is known to be equivalent."""
    reasons = yaml.safe_load((Path(__file__).parent / "equivalent.yaml").read_text("utf-8")) or []
    known = {(r["function"], r.get("removed"), r.get("added")): r["reason"] for r in reasons}
    alive = [m for m in mutants if outcomes[m.name] == SURVIVED]
    score = 100.0 * (1.0 - len(alive) / len(mutants))
    tried, lived = (Counter(m.module for m in group) for group in (mutants, alive))
    sampled = "" if len(mutants) == made else f"A sample drawn by chance (seed 2026) of {made} mutants."
    rows = [f"| {name} | {tried[name]} | {tried[name] - lived[name]} | {lived[name]} |" for name in sorted(tried)]
    lines = [
        f"**{score:.1f} %**: {len(mutants) - len(alive)} of {len(mutants)} mutants were noticed "
        f"({list(outcomes.values()).count(TIMEOUT)} of them by a time limit), {len(alive)} survived. mutmut {mutmut}, "
        f"{tests} tests. {sampled}",
        "",
        "| module | mutants | noticed | survived |",
        "|---|---|---|---|",
        *rows,
        "",
        "Survivors:",
        "",
        "| function | instead of | | why no test can notice it |",
        "|---|---|---|---|",
    ]
    for mutant in alive:
        function = (
            f"row {mutant.name[5:]}"
            if mutant.module == ROWS
            else mutant.function.removeprefix("takead_ros.takeover.").replace("ǁ", ".").replace(".x_", ".")
        )
        function = function.replace(".x.", ".")
        cells = [f"`{text.replace('|', chr(92) + '|')}`" for text in (mutant.removed, mutant.added)]
        why = known.get((function, mutant.removed, mutant.added)) or known.get((function, None, None), "it can: a gap")
        lines.append(f"| {function} | {' | '.join(cells)} | {why} |")
    return "\n".join(lines) + "\n"
