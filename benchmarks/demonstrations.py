"""How much do more demonstrations help a clone that is trained equally long?

    takead drive --model expert --sim vector --suite known --seeds training:0-31 --record all \
        --bags runs/known/demonstrations --json runs/known/demonstrations.json --workers 2
    python benchmarks/demonstrations.py runs/known/demonstrations --out runs/demonstrations [--sizes 30,100,300,600]

Clones of the first N perfect drives, seed by seed through all families, in equally many steps; each then drives the
suite it comes from and the suite ``deploy``, alone, in the vector world, on selection seeds. Resumable; prints a table
and writes it to --out.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from benchmarks.takeover_learning.drives import rows
from benchmarks.takeover_learning.evaluate import Scores, evaluate
from benchmarks.takeover_learning.report import paired
from takead_ros.console import ProgressBars, output, say
from takead_ros.domain.errors import TakeadError
from takead_ros.files import writable_folder, write_atomically
from takead_training.checkpoint import ModelProvenance, load_checkpoint
from takead_training.data.clips import TrainingClip, seeds_of, suites_of
from takead_training.data.dataset import Dataset
from takead_training.export.export_model import export_model
from takead_training.rounds import parity_frames
from takead_training.settings import DEFAULT_ARCHITECTURE, Clean, Imitation, Schedule
from takead_training.stages.bc import BC, Cloning
from takead_training.stages.stage import run_stages

WHERE = {"known": ("none", "selection:0-9"), "deploy": ("vehicle", "selection:0-19")}  # perception and seeds
CLEAN = Clean(thin_standing=True, change_weight=2.0)  # as of models/baseline.onnx


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("demonstrations", type=Path, nargs="+", help="folders; each with its .json beside it")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--sizes", default="30,100,300,600")
    parser.add_argument("--training-seeds", default="0,1,2")
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument(
        "--architecture",
        default=DEFAULT_ARCHITECTURE,
        help="another network; each way to train has an --out of its own",
    )
    parser.add_argument("--forecast-weight", type=float, default=0.0, help="of the auxiliary task, as takead train bc")
    parser.add_argument("--speed-dropout", type=float, default=0.0)
    parser.add_argument("--speed-target", default="two_hot")
    parser.add_argument(
        "--all-frames", action="store_true", help="without thinning and weighing the demonstrations' frames"
    )
    parser.add_argument("--workers", type=int, default=1)
    asked = parser.parse_args()
    with output(), ProgressBars() as shown:
        run(asked, shown)


def run(asked: argparse.Namespace, shown: ProgressBars) -> None:
    out = writable_folder(asked.out)
    found = [
        rows(folder, out / "cache", asked.workers, lambda phase, at, of: shown.report(phase, at, of))
        for folder in asked.demonstrations
    ]
    drives = [pair for data, clips in found for pair in zip(data.parts, clips, strict=True)]
    drives.sort(key=lambda pair: (pair[1].manifest.provenance.seed or 0, pair[1].path))
    sizes = [int(size) for size in asked.sizes.split(",")]
    if max(sizes) > len(drives):
        raise TakeadError(f"--sizes {asked.sizes}: only {len(drives)} perfect drives in the folders")
    scores: dict[int, dict[str, list[Scores]]] = {}
    for size in sizes:
        data = Dataset(found[0][0].format, [part for part, _ in drives[:size]])
        scores[size] = {suite: [] for suite in WHERE}
        for seed in map(int, asked.training_seeds.split(",")):
            model = out / f"{size}-{seed}.onnx"
            if not model.exists():
                clone(data, [clip for _, clip in drives[:size]], model, seed, asked, shown)
            for suite, (perception, seeds) in WHERE.items():
                file = out / f"{size}-{seed}-{suite}.json"
                scores[size][suite].append(evaluate(model, suite, perception, seeds, file))
        lines = table(scores)
        write_atomically(out / "table.md", "\n".join(lines) + "\n")
        shown.say(lines[-1])
    for line in table(scores):
        say(line)


def clone(
    data: Dataset, clips: list[TrainingClip], model: Path, seed: int, asked: argparse.Namespace, shown: ProgressBars
) -> None:
    """Train on all of ``data`` for about ``steps`` steps and export to ``model``; goes on where it was stopped."""
    schedule = Schedule(seed=seed, threads=1)
    epochs = max(round(asked.steps * schedule.batch / len(data)), 1)
    imitation = Imitation(asked.speed_target, asked.speed_dropout, forecast=asked.forecast_weight)
    clean = Clean() if asked.all_frames else CLEAN
    stage = BC.with_settings(
        Cloning(Schedule(epochs=epochs, seed=seed, threads=1), asked.architecture, clean, imitation)
    )
    made = ModelProvenance(
        name=model.stem,
        stage="random",
        clips=tuple(clip.manifest.clip_id for clip in clips),
        suites=suites_of(clips),
        seeds=seeds_of(clips),
    )
    frames = parity_frames(data, np.arange(len(data)), seed)
    file = model.with_suffix(".pt")
    run_stages([stage], None, data, made, frames, lambda *_: file, shown.report, lambda *_: None)
    export_model(load_checkpoint(file), model, overwrite=True)


def table(scores: dict[int, dict[str, list[Scores]]]) -> list[str]:
    """Lines of a Markdown table: means over training seeds, and each size against the one before, paired by route."""
    lines = [
        "| demonstrations | "
        + " | ".join(f"`{suite}`: Driving Score | training seeds | against the row above" for suite in WHERE)
        + " |"
    ]
    lines.append("|---" * (1 + 3 * len(WHERE)) + "|")
    before: dict[str, list[Scores]] = {}
    for size, found in scores.items():
        cells = []
        for suite, runs in found.items():
            each = [float(np.mean([episode.driving_score for episode in run.episodes])) for run in runs]
            apart = ""
            if before:
                gain, low, high = paired(runs, before[suite])
                apart = f"{gain:+.1f} ({low:+.1f} to {high:+.1f})"
            cells.append(f"{np.mean(each):.1f} | {min(each):.1f} to {max(each):.1f} | {apart}")
        lines.append(f"| {size} | " + " | ".join(cells) + " |")
        before = found
    return lines


if __name__ == "__main__":
    main()
