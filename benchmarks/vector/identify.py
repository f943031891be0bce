"""Identify the vector world's vehicle from drives of MetaDrive's:

    python -m benchmarks.vector.identify [--seeds training:500-503] [--fit 2] [--json FILE]

The expert drives every family of ``core`` in MetaDrive. The constants of ``simulators.vector.ego.Vehicle`` are then
fitted (least squares, soft L1) so that the same commands, from the same start, give the same poses, speeds and yaw
rates over the first seven and a half seconds; what is left is printed on drives that the fit did not see. The constants
are to be copied into ``ego.py`` by hand: a change of them changes every episode of the vector world. ``--fit 0`` fits
nothing and only says what the constants that are there leave.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import numpy as np
from scipy.optimize import least_squares

from benchmarks.vector.drives import Drive, expert_drive, spread
from takead_ros.cli.json_output import give_json
from takead_ros.cli.program import end_with, new_file
from takead_ros.compiled import part
from takead_ros.domain.scene import FloatArray
from takead_ros.domain.seeds import parse_seeds
from takead_ros.scenarios import FAMILIES, build
from takead_ros.simulators import open_simulator
from takead_ros.simulators.vector.ego import METADRIVE, SingleTrack, pedal, step_ego

FITTED = ("grip_front", "grip_rear", "yaw_gain", "half_track", "to_front", "to_rear")
AT = np.array([10, 20, 40, 60, 80, 100, 150]) - 1  # ticks at which drives are compared in the fit
WEIGHTS = np.array([1.0, 1.0, 5.0, 1.0, 0.3, 0.3])  # of x, y m, yaw rad, speeds m/s, yaw rate rad/s
TICKS = 400


@part
def follow(start: FloatArray, commands: FloatArray, count: int, vehicle: SingleTrack, shown: FloatArray) -> None:
    """Drive from ``start`` (6,) by ``commands``; ``shown`` (T, 6) becomes what a scene would show."""
    body = np.zeros(9)
    cos, sin = np.cos(start[2]), np.sin(start[2])
    body[0], body[1], body[2], body[5] = start[0], start[1], start[2], start[5]
    body[3], body[4] = cos * start[3] - sin * start[4], sin * start[3] + cos * start[4]
    body[6], body[7], body[8] = start[0], start[1], start[2]
    speed = start[3]
    for tick in range(count):
        x, y, yaw = body[6], body[7], body[8]
        step_ego(body, commands[tick, 0], pedal(commands[tick, 1], speed, vehicle), vehicle)
        if commands[tick, 1] <= 0.0 and speed < vehicle.creep:
            body[0], body[1], body[2], body[6], body[7], body[8] = x, y, yaw, x, y, yaw
            body[3], body[4], body[5] = 0.0, 0.0, 0.0
        cos, sin = np.cos(body[8]), np.sin(body[8])
        speed = cos * body[3] + sin * body[4]
        shown[tick, 0], shown[tick, 1], shown[tick, 2] = body[6], body[7], body[8]
        shown[tick, 3], shown[tick, 4], shown[tick, 5] = speed, cos * body[4] - sin * body[3], body[5]


def errors(drives: Sequence[Drive], vehicle: SingleTrack) -> FloatArray:
    """Differences (D, TICKS, 6) to ``drives``, NaN from their end or first contact on."""
    result = np.full((len(drives), TICKS, 6), np.nan)
    for i, one in enumerate(drives):
        count = min(len(one.commands), one.contact, TICKS)
        shown = np.zeros((TICKS, 6))
        follow(one.ego[0], one.commands, count, vehicle, shown)
        result[i, :count] = shown[:count] - one.ego[1 : count + 1]
        turned = result[i, :count, 2]
        result[i, :count, 2] = (turned + np.pi) % (2.0 * np.pi) - np.pi
    return result


def fit(drives: Sequence[Drive]) -> SingleTrack:
    """The vehicle whose drives are the most like ``drives``."""

    def vehicle(values: FloatArray) -> SingleTrack:
        front, rear, gain, half, ahead, behind = map(float, values)
        return METADRIVE._replace(
            grip_front=front, grip_rear=rear, yaw_gain=gain, half_track=half, to_front=ahead, to_rear=behind
        )

    def residuals(values: FloatArray) -> FloatArray:
        return np.nan_to_num((errors(drives, vehicle(values))[:, AT] * WEIGHTS).ravel())

    first = np.array([getattr(METADRIVE, name) for name in FITTED])
    return vehicle(least_squares(residuals, first, loss="soft_l1", f_scale=0.05, x_scale=np.abs(first)).x)


def report(drives: Sequence[Drive], vehicle: SingleTrack) -> dict[str, dict[str, float]]:
    """Percentiles of the distance (m) after 1, 5, 10 and 20 s."""
    left = errors(drives, vehicle)
    table = {}
    for tick in (20, 100, 200, 400):
        away = np.hypot(left[:, tick - 1, 0], left[:, tick - 1, 1])
        away = away[np.isfinite(away)]
        table[f"{tick * 0.05:.0f} s"] = {"drives": float(len(away)), **spread(away.tolist())}
    return table


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default="training:500-503", help="of each family")
    parser.add_argument("--fit", type=int, help="to how many of the seeds, the first ones (default: half of them)")
    parser.add_argument("--json", type=new_file, help="write the constants and what is left of error here")
    arguments = parser.parse_args()
    seeds = parse_seeds(arguments.seeds)
    fitted = len(seeds) // 2 if arguments.fit is None else arguments.fit
    if not 0 <= fitted < len(seeds):
        parser.error(f"--fit {fitted}: expected 0 to {len(seeds) - 1}, fewer than the {len(seeds)} seeds")
    simulator = open_simulator("metadrive")
    drives: dict[int, list[Drive]] = {seed: [] for seed in seeds}
    for family in FAMILIES:
        for seed in seeds:
            drives[seed].append(expert_drive(simulator, build(family, seed), TICKS))
        print(f"{family}: driven", file=sys.stderr, flush=True)
    simulator.close()
    seen = [one for seed in seeds[:fitted] for one in drives[seed]]
    unseen = [one for seed in seeds[fitted:] for one in drives[seed]]
    content = {
        "shipped": METADRIVE._asdict(),
        "left on unseen drives by the shipped constants": report(unseen, METADRIVE),
    }
    if seen:
        vehicle = fit(seen)
        content |= {"vehicle": vehicle._asdict(), "left on unseen drives": report(unseen, vehicle)}
        for name in FITTED:
            print(f"{name:>12} {getattr(vehicle, name):.6f}   (ego.py: {getattr(METADRIVE, name):.6f})")
    for title in (title for title in content if title.startswith("left")):
        print(title)
        for time, row in content[title].items():
            print(
                f"  after {time:>4}: {row['drives']:3.0f} drives, position p50 {row['p50']:.3f} m, "
                f"p99 {row['p99']:.3f} m, max {row['max']:.3f} m"
            )
    give_json(content, arguments.json)
    return 0


if __name__ == "__main__":
    end_with(main)
