"""How wrong is a policy where the expert's seconds were spent? Run after the comparison, on what it kept in --out:

    python -m benchmarks.takeover_learning.surprise --out runs/takeover-learning [--models windows,takeovers]

For the frames of the first round that arms learn from, and for takeovers of the clone on routes that none of them has
seen: how far the plan that a network would choose lies from the expert's (mean over its 4 s; share of frames with more
than FAR_M), and whether it is faster or slower 2 s ahead. A network that agrees with the expert at some frames already
has little to learn from them. Prints a table and writes it to --out.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.takeover_learning.drives import ASSISTED, DEMONSTRATIONS, WHOLE, be_taken_over_held_out, rows
from benchmarks.takeover_learning.plan import Plan
from benchmarks.takeover_learning.rows import cut, windows
from benchmarks.takeover_learning.train import spent
from takead_ros.console import ProgressBars, output, say
from takead_ros.files import read_record, write_atomically
from takead_ros.policy.shipped import model_path
from takead_training.architectures.network import PolicyNetwork
from takead_training.checkpoint import load_parent
from takead_training.data.dataset import Dataset
from takead_training.data.mix import bucket_rows
from takead_training.stages.fit import batch_of
from takead_training.stages.losses import unroll

HELD_OUT = f"{ASSISTED}-held-out"
FAR_M = 2.0
FASTER_MPS = 1.0
AT = 3  # the step of the plan 2 s ahead
BATCH = 512


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--models", default="windows,takeovers", help="arms, training seed 0, beside the clone")
    parser.add_argument("--workers", type=int, default=1)
    asked = parser.parse_args()
    plan = read_record(Plan, asked.out / "plan.json", "a plan of this benchmark")
    with output(), ProgressBars() as shown:
        be_taken_over_held_out(plan, model_path(plan.start), asked.out / HELD_OUT, asked.workers)
        places = list(_places(asked.out, asked.workers, shown))
        models = {"before": model_path(plan.start)}
        models |= {name: asked.out / f"{name}-0.onnx" for name in asked.models.split(",")}
        lines = [
            "| network | frames | number | plan apart m | over 2 m | faster by 1 m/s | slower by 1 m/s |",
            "|---|---|---|---|---|---|---|",
        ]
        for name, file in models.items():
            net, _ = load_parent(file)
            for at, (place, data, chosen) in enumerate(places):
                shown.report(f"asking {name}", at, len(places))
                lines.append(f"| {name} | {place} | {_row(net, data, chosen)} |")
        write_atomically(asked.out / "surprise.md", "\n".join(lines) + "\n")
    for line in lines:
        say(line)


def _places(out: Path, workers: int, shown: ProgressBars) -> Iterator[tuple[str, Dataset, NDArray[np.int64]]]:
    """What the frames are, a table, and their rows in it."""

    def read(folder: str) -> Dataset:
        return rows(out / folder, out / "cache", workers, lambda phase, at, of: shown.report(phase, at, of))[0]

    def plain(data: Dataset) -> NDArray[np.int64]:
        return np.flatnonzero(data.column("perturbed") == 0)

    known, assisted, alone = read(DEMONSTRATIONS), read(ASSISTED), read(WHOLE)
    yield "demonstrations of known", known, plain(known)
    yield "the expert's own drives of these routes", alone, plain(alone)
    frames, length = spent([assisted])
    chance = cut(alone, windows(alone, frames, length, seed=0))
    yield "of these, windows by chance", chance, plain(chance)
    buckets = bucket_rows(assisted)
    yield "5 s before a takeover", assisted, buckets["pre"]
    yield "the expert driving after it", assisted, buckets["takeover"]
    new = read(HELD_OUT)
    buckets = bucket_rows(new)
    yield "5 s before a takeover, new routes", new, buckets["pre"]
    yield "the expert driving after it, new routes", new, buckets["takeover"]


def _row(net: PolicyNetwork, data: Dataset, chosen: NDArray[np.int64]) -> str:
    apart, faster = [], []
    with torch.no_grad():
        for first in range(0, len(chosen), BATCH):
            part = batch_of(data, chosen[first : first + BATCH], ("profile", "speed"))
            out = net(part)
            best = out["logits"].argmax(1)
            plan = out["profiles"][torch.arange(len(best)), best]
            mine, theirs = unroll(plan, part["speed"]), unroll(part["profile"], part["speed"])
            apart.append(torch.sqrt((mine[0] - theirs[0]) ** 2 + (mine[1] - theirs[1]) ** 2).mean(1).numpy())
            faster.append((mine[2] - theirs[2])[:, AT].numpy())
    distance, speed = np.concatenate(apart), np.concatenate(faster)
    shares = (distance > FAR_M, speed > FASTER_MPS, speed < -FASTER_MPS)
    return f"{len(chosen)} | {distance.mean():.2f} | " + " | ".join(f"{share.mean():.0%}" for share in shares)


if __name__ == "__main__":
    main()
