"""Does an expert's second at a takeover teach more than any other? One resumable command:

    python -m benchmarks.takeover_learning --out runs/takeover-learning [--plan PLAN.json] [--only ARM,..] [--workers 1]

A clone of one suite drives the routes of another with the expert ready to take over, and is then trained on different
ways to spend the same seconds of the expert (``plan.py``). Everything is kept in --out.
"""

from __future__ import annotations

import argparse
import functools
from pathlib import Path

from benchmarks.takeover_learning.curve import draw
from benchmarks.takeover_learning.drives import (
    ASSISTED,
    DEMONSTRATIONS,
    FURTHER,
    WHOLE,
    be_taken_over,
    demonstrate,
    demonstrate_more,
    expert_on_routes,
    rows,
)
from benchmarks.takeover_learning.evaluate import Scores, evaluate, evaluate_elsewhere
from benchmarks.takeover_learning.plan import Plan
from benchmarks.takeover_learning.report import infractions, table
from benchmarks.takeover_learning.train import learn, lesson
from takead_ros.console import ProgressBars, output, say
from takead_ros.domain.seeds import SPLIT_SIZE
from takead_ros.files import read_record, writable_folder, write_atomically, write_record
from takead_ros.policy.shipped import model_path
from takead_training.data.clips import TrainingClip
from takead_training.data.dataset import Dataset

AGAINST = ("baseline", "none", "windows-2", "none-x4", "windows-2-x4", "windows-3-x4")
TOO_MANY = 100.0  # times the seconds of the takeovers: off the picture


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--plan", type=Path, help="JSON of a plan (default: the one in plan.py)")
    parser.add_argument("--only", default="", help="arms, by name")
    parser.add_argument("--training-seeds", default="", help="such as 0,1")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--suite", default="", help="evaluate on another suite")
    parser.add_argument("--perception", default="", help="evaluate with another one")
    parser.add_argument("--seeds", default="", help="evaluate on other seeds")
    parser.add_argument("--sim", default="vector", help="evaluate in another simulator, with all nodes")
    asked = parser.parse_args()
    plan = read_record(Plan, asked.plan, "a plan of this benchmark") if asked.plan else Plan()
    with output(), ProgressBars() as shown:
        run(plan, asked, shown)


def run(plan: Plan, asked: argparse.Namespace, shown: ProgressBars) -> None:
    out = writable_folder(asked.out)
    write_record(out / "plan.json", plan)
    perception = asked.perception or plan.perception
    suite, seeds = asked.suite or plan.deploy, asked.seeds or plan.evaluate
    arms = [arm for arm in plan.arms if not asked.only or arm.name in asked.only.split(",")]
    if asked.sim != "vector":  # plans are ranked at run time by a drive of this benchmark's own
        arms = [arm for arm in arms if arm.kind != "reranked"]
    numbers = tuple(map(int, asked.training_seeds.split(","))) if asked.training_seeds else plan.seeds

    def read(phase: str, done: int, total: int) -> None:
        shown.report(phase, done, total)

    @functools.cache
    def read_rows(folder: Path, last: int) -> tuple[Dataset, list[TrainingClip]]:
        """The rows of the first ``last`` seeds; read once, whichever arms and training seeds need them."""
        return rows(folder, cache, asked.workers, read, functools.partial(_before, last))

    @functools.cache
    def read_known(folder: Path) -> tuple[Dataset, list[TrainingClip]]:
        """What the expert showed by itself; driven and read only where an arm learns."""
        (demonstrate if folder.name == DEMONSTRATIONS else demonstrate_more)(plan, folder, asked.workers)
        return rows(folder, cache, asked.workers, read)

    cache = out / "cache"
    start = model_path(plan.start)
    place = f"scores-{suite}-{perception}-{seeds.replace(':', '-')}" + f"-{asked.sim}" * (asked.sim != "vector")
    where = writable_folder(out / place)

    def drive(model: Path, name: str) -> Scores:
        file = where / f"{name}.json"
        if asked.sim != "vector":
            return evaluate_elsewhere(model, asked.sim, suite, perception, seeds, file, asked.workers)
        return evaluate(model, suite, perception, seeds, file)

    first = drive(start, "baseline")
    scores, seconds = {"baseline": [first]}, {"baseline": 0.0}
    for arm in arms:
        runs, cost = [], []
        if arm.kind == "reranked":
            runs.append(evaluate(start, suite, perception, seeds, where / f"{arm.name}.json", reranked=True))
        for seed in numbers if arm.kind != "reranked" else ():
            known, kept_clips = read_known(out / DEMONSTRATIONS)
            further, further_clips = read_known(out / FURTHER)
            model, assisted, whole, clips = out / f"{arm.name}-{seed}.onnx", [], [], [*kept_clips]
            for number, collected in enumerate(plan.rounds(arm) if arm.kind != "none" else ()):
                taken = out / (f"{ASSISTED}-after-{collected.after}-{seed}" if number else ASSISTED)
                driver = out / f"{collected.after}-{seed}.onnx" if number else start
                be_taken_over(plan, driver, taken, number, asked.workers)
                last = SPLIT_SIZE if number else arm.route_seeds
                found = read_rows(taken, last)
                assisted.append(found[0])
                clips += found[1]
                if arm.kind in ("windows", "routes"):
                    alone = out / (f"{WHOLE}-{number + 1}" if number else WHOLE)
                    expert_on_routes(plan, alone, number, asked.workers)
                    found = read_rows(alone, last)
                    whole.append(found[0])
                    clips += found[1]
            own, spent_s = lesson(arm, assisted, whole, further)
            cost.append(spent_s)
            if not model.exists():
                used = [*clips, *(further_clips if arm.kind == "known" else ())]
                learn(plan, arm, seed, start, known, own, used, model, shown.report)
            runs.append(drive(model, f"{arm.name}-{seed}"))
        scores[arm.name], seconds[arm.name] = runs, sum(cost) / max(len(cost), 1)
        lines = table(scores, seconds, AGAINST)
        write_atomically(where / "table.md", "\n".join([*lines, "", *infractions(scores)]) + "\n")
        shown.say(lines[-1])
    title = f"{suite}, {asked.sim}, {len(first.episodes)} routes (seeds {seeds})"
    draw(scores, seconds, [arm for arm in arms if arm.times < TOO_MANY], title, where / "curve.svg")
    for line in (*table(scores, seconds, AGAINST), "", *infractions(scores)):
        say(line)


def _before(last: int, clip: TrainingClip) -> bool:
    """Whether a clip's seed is among the first ``last`` of its split."""
    return (clip.manifest.provenance.seed or 0) % SPLIT_SIZE < last


if __name__ == "__main__":
    main()
