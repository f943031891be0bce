"""How long does a policy stand where the expert would go? TakeAD's inertia, from whole recorded drives:

    takead drive --sim vector --suite deploy --seeds collection:55-59 --model M --record all --bags runs/M
    python -m benchmarks.takeover_learning.inertia runs/M ...

Of the frames in which the policy of each folder drove: the share in which it stood, and in which it stood although the
expert's plan, at that very scene, was to be at GOES_MPS or more after 2 s. Intervals are over drives. Prints a table.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from takead_ros.console import ProgressBars, output, say
from takead_ros.domain.driving import ArbiterMode, DriverStatus
from takead_ros.domain.scene import FloatArray
from takead_ros.recording.clip_folders import list_clips
from takead_ros.recording.reader import Frame, frames

STANDING_MPS, GOES_MPS = 0.1, 1.0
AT = 3  # the step of a plan 2 s ahead


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+", help="of whole drives of one policy each")
    asked = parser.parse_args()
    with output(), ProgressBars() as shown:
        lines = [
            "| drives of | number | the policy drove s | standing | where the expert would go |",
            "|---|---|---|---|---|",
        ]
        for folder in asked.folders:
            clips, counts = list_clips(folder), []
            for clip in clips:
                counts.append(np.sum([counted(frame) for frame in frames(clip)], axis=0))
                shown.report(f"read {folder.name}", len(counts), len(clips))
            lines.append(row(folder.name, np.array(counts, dtype=float)))
        for line in lines:
            say(line)


def counted(frame: Frame) -> tuple[int, int, int]:
    """Of one frame: whether the policy drove, stood, and stood where the expert would have gone."""
    expert = frame.expert
    if frame.mode is not ArbiterMode.POLICY or expert is None or expert.status != DriverStatus.OK:
        return 0, 0, 0
    stands = frame.scene.ego.speed < STANDING_MPS
    return 1, int(stands), int(stands and expert.plan.speed[AT] >= GOES_MPS)


def row(name: str, counts: FloatArray) -> str:
    """A line of the table from counts (D, 3) of D drives; 95 % intervals by resampling drives."""
    random = np.random.default_rng(0)
    drawn = counts[random.integers(0, len(counts), (10_000, len(counts)))].sum(1)

    def share(column: int) -> str:
        low, high = np.percentile(100.0 * drawn[:, column] / drawn[:, 0], (2.5, 97.5))
        return f"{100.0 * counts[:, column].sum() / counts[:, 0].sum():.1f} % ({low:.1f} to {high:.1f})"

    return f"| {name} | {len(counts)} | {0.1 * counts[:, 0].sum():.0f} | {share(1)} | {share(2)} |"


if __name__ == "__main__":
    main()
