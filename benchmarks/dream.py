"""Dreams held against their record, and what other driving changes in them.

    python -m benchmarks.dream CLIPS... [--json F]

Every takeover of every clip below the folders CLIPS is dreamed, from 3 s before it for at most ``--seconds`` s (of a
.json file in place of a folder, what an earlier run measured is taken over):

- with the recorded commands, among road users of every kind: where the ego ends, and whom it touches;
- with three drivers that mind nobody, among the same: one brakes to a standstill on its way, one goes on at its speed,
  one changes to the lane beside it. Whom the ego touches, and where (from behind: the other drove into it). They
  announce where they are going to be, as any driver does.
"""

from __future__ import annotations

import argparse
import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from takead_ros.cli.json_output import give_json
from takead_ros.cli.program import end_with, new_file
from takead_ros.domain.driving import PLAN_DT, PLAN_STEPS, Plan
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.geometry import bicycle_rollout, points_at, project, to_local, wrap_angle
from takead_ros.domain.scene import Scene
from takead_ros.files import content_of, parse_json
from takead_ros.policy.shipped import model_path
from takead_ros.prediction.model import RoadUserModel, load_road_user_model
from takead_ros.recording import clip_folders, clip_manifests
from takead_ros.recording.driven import driven
from takead_ros.runs.dream import ANNOUNCED_S, RECORDED, DreamDriver, dream, same_contacts
from takead_ros.simulators.dream.clip_world import ClipWorld, world_in
from takead_ros.simulators.dream.episode import DreamEpisode
from takead_ros.simulators.dream.road_users import LEARNED, ROAD_USERS, SHIPPED

BAR_M = 0.3  # where a dream with the recorded commands has to end
AGENTS = tuple(ROAD_USERS)
BRAKING_MPS2 = -6.0
PREVIEW_S = 0.2  # between two moments of an announced plan
LANE_M = 3.5
Manoeuvre = Callable[[ClipWorld], Callable[[Scene], tuple[float, float]]]


@dataclass(frozen=True)
class Hit:
    """The ego touched road user ``id``; ``behind``: that was behind the ego's middle."""

    id: int
    behind: bool


def _follow(scene: Scene, left_m: float) -> float:
    """The steering angle (rad) that leads to the route, ``left_m`` m to its left (pure pursuit)."""
    ego, path = scene.ego, scene.route.path
    along, _, _ = project(path, ego.x, ego.y)
    ahead = max(5.0, 0.9 * ego.speed)
    target, beyond = points_at(path, np.array([along + ahead, along + ahead + 1.0]))
    step = (beyond - target) / max(float(np.hypot(*(beyond - target))), 1e-6)
    x, y = to_local(target + left_m * np.array([-step[1], step[0]]), ego.x, ego.y, ego.yaw)
    return math.atan(2.0 * ego.wheelbase * y / max(x * x + y * y, 1.0))


def _brakes(_: ClipWorld) -> Callable[[Scene], tuple[float, float]]:
    return lambda scene: (_follow(scene, 0.0), BRAKING_MPS2)


def _goes_on(world: ClipWorld) -> Callable[[Scene], tuple[float, float]]:
    wanted = world.ticks[0].world.ego.speed
    return lambda scene: (_follow(scene, 0.0), 2.0 * (wanted - scene.ego.speed))


def _changes_lane(world: ClipWorld) -> Callable[[Scene], tuple[float, float]]:
    """To the left where there is a lane, else to the right."""
    wanted, side = world.ticks[0].world.ego.speed, beside(world)
    return lambda scene: (_follow(scene, side * LANE_M), 2.0 * (wanted - scene.ego.speed))


def beside(world: ClipWorld) -> int:
    """1 where a lane lies to the left of the ego at the beginning, -1 to the right, 0 neither."""
    ego = world.ticks[0].world.ego
    left = np.array([-math.sin(ego.yaw), math.cos(ego.yaw)])
    for side in (1, -1):
        if world.course.lanes.beyond(np.array([[ego.x, ego.y]]) + side * LANE_M * left).max() <= 0.0:
            return side
    return 0


MANOEUVRES: dict[str, Manoeuvre] = {"brakes": _brakes, "goes on": _goes_on, "changes lane": _changes_lane}


def _plan(scene: Scene, drive: Callable[[Scene], tuple[float, float]]) -> Plan:
    """Where ``drive`` leads in the next 4 s, by a kinematic bicycle."""
    ego, states = scene.ego, []
    for _ in range(round(PLAN_STEPS * PLAN_DT / PREVIEW_S)):
        steering, acceleration = drive(replace(scene, ego=ego))
        lock = ego.max_steering_angle
        x, y, yaw, speed = bicycle_rollout(
            ego.x,
            ego.y,
            ego.yaw,
            ego.speed,
            np.array([min(max(steering, -lock), lock)]),
            np.array([acceleration]),
            ego.wheelbase,
            PREVIEW_S,
        )[0]
        ego = replace(ego, x=float(x), y=float(y), yaw=float(yaw), speed=float(speed))
        states.append((x, y, yaw, speed))
    found, start = np.array(states), scene.ego
    places = to_local(found[:, :2], start.x, start.y, start.yaw)
    return Plan(places[:, 0], places[:, 1], wrap_angle(found[:, 2] - start.yaw), found[:, 3], PREVIEW_S)


def hits(world: ClipWorld, manoeuvre: str, agents: str, model: RoadUserModel | None = None) -> list[Hit]:
    """Whom the ego touches where it drives so, in order. model: of learned agents, in place of the shipped one."""
    episode, drive = DreamEpisode(world, agents, model), MANOEUVRES[manoeuvre](world)
    every = round(ANNOUNCED_S / episode.step_s)
    while not episode.done:
        scene = episode.observe()
        if agents == LEARNED and round(episode.time_s / episode.step_s) % every == 0:
            episode.announce(_plan(scene, drive))
        episode.step(*drive(scene))
    log = episode.outcome()
    found = []
    for contact in log.contacts:
        others = log.objects[contact.tick]
        row = int(np.flatnonzero(others.id == contact.object_id)[0])
        place = np.array([others.x[row], others.y[row]])
        x = float(to_local(place, log.x[contact.tick], log.y[contact.tick], log.yaw[contact.tick])[0])
        found.append(Hit(int(world.tracks.id[contact.object_id - 1]), x < -0.25 * log.ego_length))
    return found


def worlds(folders: list[Path], seconds: float) -> Iterator[tuple[str, ClipWorld | str]]:
    """Every takeover below ``folders``, by name: its world, or why there is none."""
    for folder in folders:
        for clip in clip_folders.list_clips(folder):
            manifest = clip_manifests.read_manifest(clip)
            starts = [event.takeover for event in manifest.events if event.kind == "start"]
            record = driven(clip) if starts else None
            for number in starts:
                assert record is not None
                name = f"{clip.name}#{number}"
                try:
                    yield name, world_in(clip, manifest, record, seconds=seconds, takeover=number)
                except TakeadError as error:
                    yield name, str(error)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("clips", nargs="+", type=Path)
    options.add_argument("--seconds", type=float, default=8.0)
    options.add_argument("--agents-model", type=Path, help="of learned agents, in place of the shipped one")
    options.add_argument("--no-manoeuvres", action="store_true")
    options.add_argument("--json", type=new_file)
    given = options.parse_args()
    model = load_road_user_model(given.agents_model or model_path(SHIPPED))
    earlier = [parse_json(content_of(path)) for path in given.clips if path.suffix == ".json"]
    rows = [row for one in earlier for row in one["takeovers"]]
    refused = [text for one in earlier for text in one["refused"]]
    for name, world in worlds([path for path in given.clips if path.suffix != ".json"], given.seconds):
        if isinstance(world, str):
            refused.append(world)
            continue
        row = {
            "clip": name,
            "simulator": world.manifest.provenance.simulator.split()[0],
            "seconds": world.window.seconds,
            "perceived": world.record.perceived,
            "lane_beside": beside(world),
        }
        for agents in AGENTS:
            result, _, _ = dream(world, DreamDriver(RECORDED), agents, road_users=model if agents == LEARNED else None)
            row[agents] = {
                "end_difference_m": result.end_difference_m,
                "same_contacts": same_contacts(result),
                "contacts": len(result.dreamed.contacts),
                "recorded_contacts": len(result.recorded.contacts),
            }
            if not given.no_manoeuvres:
                row[f"{agents} hits"] = {
                    one: [(hit.id, hit.behind) for hit in hits(world, one, agents, model)] for one in MANOEUVRES
                }
        rows.append(row)
    give_json({"takeovers": rows, "refused": refused}, given.json)
    print("\n".join(table(rows, refused)))


def table(rows: list[dict[str, object]], refused: list[str]) -> list[str]:
    """What was measured, as Markdown."""
    lines = [f"{len(rows)} takeovers dreamed, {len(refused)} refused", ""]
    lines += ["| recorded commands, road users | takeovers | end <= 0.3 m | same contacts | p50 | p99 | largest |"]
    lines += ["|---|---|---|---|---|---|---|"]
    for agents in AGENTS:
        for simulator in sorted({str(row["simulator"]) for row in rows}):
            lines.append(
                _ends([row[agents] for row in rows if row["simulator"] == simulator], f"{agents}, {simulator}")
            )
        lines.append(_ends([row[agents] for row in rows], f"{agents}, all"))
    driven_otherwise = [row for row in rows if "replay hits" in row]  # others were dreamed with --no-manoeuvres
    if driven_otherwise:
        lines += [
            "",
            "| the ego | road users | dreams | with a contact, per 200 | from behind | others than if it goes on |",
        ]
        lines += ["|---|---|---|---|---|---|"]
        for manoeuvre in MANOEUVRES:
            of = [row for row in driven_otherwise if manoeuvre != "changes lane" or row["lane_beside"]]
            for agents in AGENTS:
                lines.append(_contacts([row[f"{agents} hits"] for row in of], manoeuvre, agents))
    lines += ["", *(f"refused: {text}" for text in Counter(refused))]
    return lines


def _ends(found: list[object], name: str) -> str:
    each = [one for one in found if isinstance(one, dict)]
    apart = np.array([one["end_difference_m"] for one in each])
    within, same = float((apart <= BAR_M).mean()), float(np.mean([one["same_contacts"] for one in each]))
    p50, p99 = np.percentile(apart, [50, 99])
    return (
        f"| {name} | {len(each)} | {100.0 * within:.1f} % | {100.0 * same:.1f} % | {p50:.3f} m | {p99:.3f} m | "
        f"{apart.max():.3f} m |"
    )


def _contacts(found: list[object], manoeuvre: str, agents: str) -> str:
    each = [one for one in found if isinstance(one, dict)]
    scale = 200.0 / max(len(each), 1)
    touched = [one[manoeuvre] for one in each]
    behind = sum(any(from_behind for _, from_behind in one) for one in touched)
    other = sum({i for i, _ in one[manoeuvre]} != {i for i, _ in one["goes on"]} for one in each)
    return (
        f"| {manoeuvre} | {agents} | {len(each)} | {scale * sum(map(bool, touched)):.0f} | {scale * behind:.0f} | "
        f"{scale * other:.0f} |"
    )


if __name__ == "__main__":
    end_with(main)
