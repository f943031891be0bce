"""Road users that react: what drives keeps to its recorded path, and behind what is in its way (IDM, as scripted ones).

A driver aims at the speed that was recorded at that time, unless something held it up then (the ego, another, a red
light) or hit it: then it aims at the last speed that it chose itself, so that it goes on where nothing holds it up now.
How near it follows and how hard it brakes is what it was seen to do. It starts as it was recorded, when it was first
seen, and goes on along the lanes where its record ends. People on foot, what stands and what reverses do what was
recorded.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from takead_ros.domain import car_following
from takead_ros.domain.geometry import Path, arc_lengths, points_at, project, wrap_angle
from takead_ros.domain.scene import ControlKind, FloatArray, LightState, ObjectKind
from takead_ros.maps.roads import LanePath
from takead_ros.recording.tracks import RecordedTracks
from takead_ros.scenarios import traffic
from takead_ros.scenarios.spec import Actor, Model, Phase, When
from takead_ros.simulators.dream.course import Course, RecordedControl
from takead_ros.simulators.dream.ego_plan import EgoPlan
from takead_ros.simulators.dream.replay import MODELS, first_pose, put_actors, standing, standing_path
from takead_ros.simulators.vector.arrays import Layout, State

DRIVE = (ObjectKind.CAR, ObjectKind.TRUCK, ObjectKind.CYCLIST, ObjectKind.EMERGENCY_VEHICLE)
MOVED_M = 1.0  # recorded way below which it stands
BACKWARDS_MPS = -0.3
SPACING_M = 0.5  # of a recorded path's points
PHASE_S = 0.1  # between two aims
# Who slows down no harder than a driver would for what is ahead of it does so for that; and who gains speed behind it,
# by more than this, is only getting back what it had.
EXPLAINED_MPS2, REGAINS_MPS2 = 1.0, 0.2
STEADY_MPS2, SHORTEST_HEADWAY_S, MOVES_MPS = 0.5, 0.2, 1.0
LINE_M, LINE_RAD = 6.0, math.radians(30.0)  # beside a stop line, and across it, up to which it is the same road's
BEFORE_LINE_M = 40.0
CRASH_MPS2 = 12.0  # who slows down harder than tyres can was hit, in the record
ONWARD_M = 120.0  # along the lanes behind the record
JOIN_M, JOIN_RAD = 1.5, math.radians(30.0)


@dataclass(frozen=True)
class _Driver:
    """Track ``i`` that drives: first tick, path, m along it at each tick that it was seen from then on (n,), speed
    (n,) m/s, and the stop line of its light (m along its path, place among the controls)."""

    i: int
    first: int
    path: Path
    s: FloatArray
    speed: FloatArray
    light: tuple[float, int] | None


class Rules:
    """See ``road_users.DreamRoadUsers``."""

    def __init__(self, tracks: RecordedTracks, course: Course) -> None:
        self._tracks = tracks
        found = [_driver(tracks, course, i) for i in range(len(tracks.id))]
        drivers = [driver for driver in found if driver is not None]
        self.actors = [standing(ObjectKind(int(kind))) for kind in tracks.kind]
        self.paths = [standing_path(first_pose(tracks, i)) for i in range(len(tracks.id))]
        for driver in drivers:
            self.paths[driver.i] = driver.path
        ahead = _ahead(tracks, drivers)
        for driver in drivers:
            self.actors[driver.i] = _actor(tracks, driver, ahead[driver.i], course.controls)
        self._late = {driver.i: driver.first + 1 for driver in drivers if driver.first > 0}
        self._as_recorded = np.array([i for i, driver in enumerate(found) if driver is None], np.int64)
        self._stands = np.array([_stands(tracks, i) for i in self._as_recorded], bool)

    def move(self, layout: Layout, state: State, tick: int) -> None:
        """See ``road_users.DreamRoadUsers``."""
        tracks, rows = self._tracks, self._as_recorded
        last = min(tick, len(tracks.here) - 1)
        here, pose = tracks.here[last, rows] & (tick == last), tracks.pose[last, rows]
        for n in np.flatnonzero(self._stands):  # what stands does not leave because it is out of sight
            here[n], pose[n] = True, first_pose(tracks, int(rows[n]))
        put_actors(state, rows, here, pose)
        for i, begins in self._late.items():
            if begins == tick:
                layout.present_from[0, i] = -math.inf  # it comes into the world with this step, if there is room

    def announce(self, plan: EgoPlan) -> None:
        """See ``road_users.DreamRoadUsers``; they look at what is, not at what is meant."""

    def notes(self) -> list[str]:
        """See ``road_users.DreamRoadUsers``."""
        drive = len(self._tracks.id) - len(self._as_recorded)
        return [f"{drive} of {len(self._tracks.id)} road users react, the others do what was recorded"]


def _stands(tracks: RecordedTracks, i: int) -> bool:
    places = tracks.pose[tracks.here[:, i], i, :2]
    return bool(np.hypot(*(places - places[0]).T).max() < MOVED_M)


def _driver(tracks: RecordedTracks, course: Course, i: int) -> _Driver | None:
    """None where the track is of no driver, stands or goes backwards."""
    seen = np.flatnonzero(tracks.here[:, i])
    first = int(seen[0])
    gap = np.flatnonzero(np.diff(seen) > 1)
    seen = seen[: gap[0] + 1] if len(gap) else seen
    pose = tracks.pose[seen, i]
    ahead = np.cos(pose[:, 2]) * pose[:, 3] + np.sin(pose[:, 2]) * pose[:, 4]
    if ObjectKind(int(tracks.kind[i])) not in DRIVE or _stands(tracks, i) or ahead.min() < BACKWARDS_MPS:
        return None
    raw = arc_lengths(pose[:, :2])
    at = np.arange(0.0, raw[-1], SPACING_M)
    moving = np.concatenate([[True], np.diff(raw) > 1e-6])
    points = np.stack([np.interp(at, raw[moving], pose[moving, k]) for k in range(2)], axis=-1)
    if len(points) < 3:
        return None
    path = Path(np.concatenate([points, _onward(points, float(pose[-1, 2]), course)]))
    s = np.minimum(raw, path.arc[len(points) - 1])
    return _Driver(i, first, path, s, np.hypot(pose[:, 3], pose[:, 4]), _light(path, course.controls))


def _onward(points: FloatArray, yaw: float, course: Course) -> FloatArray:
    """Points (N, 2) m along the lanes on from the end of a recorded path; straight on where there is no lane."""
    pieces: list[FloatArray] = []
    end, length = points[-1], 0.0
    centres = course.lanes.lines
    while length < ONWARD_M:
        best: tuple[float, FloatArray] | None = None
        for centre in centres:
            if np.abs(centre - end).max(1).min() > 2.0 * JOIN_M:
                continue
            along, lateral, heading = project(centre, *end)
            rest = float(arc_lengths(centre)[-1]) - along
            turn = abs(float(wrap_angle(heading - yaw)))
            reach = JOIN_M if not pieces else 0.5
            if rest < 2.0 or abs(lateral) > reach or turn > JOIN_RAD:
                continue
            if best is None or abs(lateral) + turn < best[0]:
                at = np.arange(along + min(4.0, 0.5 * rest), along + rest, 1.0)
                best = (abs(lateral) + turn, points_at(centre, np.append(at, along + rest)))
        if best is None:
            break
        piece = best[1]
        length += float(np.hypot(*(piece[0] - end))) + float(arc_lengths(piece)[-1])
        pieces.append(piece)
        step = piece[-1] - (piece[-2] if len(piece) > 1 else end)
        end, yaw = piece[-1], math.atan2(step[1], step[0])
    if not pieces:
        ahead = np.array([math.cos(yaw), math.sin(yaw)])
        return np.asarray(end + np.arange(1.0, 31.0)[:, None] * ahead)
    return np.concatenate(pieces)


def _light(path: Path, controls: list[RecordedControl]) -> tuple[float, int] | None:
    """The stop line that the path crosses together with the ego's route, and the control's place."""
    for index, recorded in enumerate(controls):
        if recorded.control.kind is ControlKind.TRAFFIC_LIGHT:
            along, lateral, heading = project(path.points, recorded.control.x, recorded.control.y)
            if abs(lateral) < LINE_M and abs(float(wrap_angle(heading - recorded.control.yaw))) < LINE_RAD:
                return along, index
    return None


def _ahead(tracks: RecordedTracks, drivers: list[_Driver]) -> dict[int, list[tuple[float, float]]]:
    """For each driver, by its place, at every PHASE_S s from its first tick on: how far (m) ahead in its way something
    was in the record, and how fast (m/s); (inf, 0) where nothing was."""
    step = round(PHASE_S / tracks.step_s)
    plain = tuple(Actor(MODELS[ObjectKind(int(kind))], LanePath((), ()), 0.0) for kind in tracks.kind)
    paths = [standing_path(first_pose(tracks, i)) for i in range(len(plain))]
    for driver in drivers:
        paths[driver.i] = driver.path
    found: dict[int, list[tuple[float, float]]] = {driver.i: [] for driver in drivers}
    size = np.stack([tracks.length, tracks.width], axis=-1)
    for tick in range(len(tracks.here)):
        here, pose, boxes = tracks.here[tick], tracks.pose[tick], np.full((len(plain) + 1, 7), np.nan)
        boxes[:-1][here] = np.concatenate([pose[:, :3], size, pose[:, 3:]], axis=1)[here]
        boxes[-1] = tracks.ego[tick]
        motions, own = [traffic.ActorMotion(0.0, 0.0, 0.0)] * len(plain), []
        for driver in drivers:
            n = tick - driver.first
            if 0 <= n < len(driver.s) and n % step == 0:
                motions[driver.i] = traffic.ActorMotion(float(driver.s[n]), 0.0, float(driver.speed[n]))
                own.append(driver.i)
        ahead = traffic.blockers(plain, motions, paths, boxes, own)
        for i in own:
            found[i].append(ahead.get(i, (math.inf, 0.0)))
    return found


def _red(driver: _Driver, controls: list[RecordedControl], s: float, time_s: float) -> bool:
    if driver.light is None or not 0.0 < driver.light[0] - s < BEFORE_LINE_M:
        return False
    states = [state for since, state in controls[driver.light[1]].states if since <= time_s + 1e-9]
    return bool(states) and states[-1] in (LightState.RED, LightState.YELLOW)


@dataclass(frozen=True)
class _Manner:
    """How somebody was seen to drive: ``braking`` m/s^2 at most for what is in the way, time gap ``headway`` s, and
    the speed ``wish`` m/s of who is held up from the beginning."""

    braking: float
    headway: float
    wish: float


def _manner(driver: _Driver, ahead: list[tuple[float, float]], step_s: float) -> _Manner:
    """The usual, unless it was seen to keep nearer, or to brake less where it would have had to brake more (who has
    the way does not stop for everybody)."""
    usual = Actor(Model.CAR_M, LanePath((), ()), 0.0)
    speeds = driver.speed[:: round(PHASE_S / step_s)]
    gains = np.gradient(speeds, PHASE_S) if len(speeds) > 1 else np.zeros(1)
    behind = [  # its speed and acceleration, the gap, the leader's speed
        (float(speed), float(gain), gap, lead)
        for speed, gain, (gap, lead) in zip(speeds, gains, ahead, strict=True)
        if gap < math.inf and speed > MOVES_MPS
    ]
    wish = max(float(speeds.max()), *(lead for *_, lead in behind)) if behind else float(speeds.max())
    kept = [
        _time_gap(speed, gain, gap, lead, wish)
        for speed, gain, gap, lead in behind
        if lead > MOVES_MPS and abs(gain) < STEADY_MPS2
    ]
    headway = min(usual.headway, max(float(np.median(kept)), SHORTEST_HEADWAY_S)) if kept else usual.headway
    gentle = [
        -gain
        for speed, gain, gap, lead in behind
        if gain > -CRASH_MPS2
        and car_following.idm_acceleration(speed, max(wish, speed), gap, lead, usual.braking, headway)
        < gain - EXPLAINED_MPS2
    ]
    return _Manner(max(car_following.COMFORT_DECELERATION, *gentle) if gentle else usual.braking, headway, wish)


def _time_gap(speed: float, gain: float, gap: float, lead: float, wish: float) -> float:
    """The time gap (s) with which ``car_following.idm_acceleration`` would have given this acceleration."""
    free = 1.0 - (speed / max(wish, speed)) ** 4
    wanted = max(gap, 0.1) * math.sqrt(max(free - gain / car_following.MAX_ACCELERATION, 0.0))
    closing = (
        speed * (speed - lead) / (2.0 * math.sqrt(car_following.MAX_ACCELERATION * car_following.COMFORT_DECELERATION))
    )
    return (wanted - car_following.STANDSTILL_GAP - closing) / speed


def _aims(
    driver: _Driver,
    actor: Actor,
    wish: float,
    ahead: list[tuple[float, float]],
    controls: list[RecordedControl],
    step_s: float,
) -> tuple[FloatArray, FloatArray]:
    """What it aims at (n,) m/s at every PHASE_S s, and the speed (n,) that it had; both end where it was hit."""
    step = round(PHASE_S / step_s)
    speeds = driver.speed[::step]
    gains = np.gradient(speeds, PHASE_S) if len(speeds) > 1 else np.zeros(1)
    aims: list[float] = []
    aim, held = float(speeds[0]), False
    for n, (speed, gain, (gap, lead)) in enumerate(zip(speeds, gains, ahead, strict=True)):
        if n and speeds[n - 1] - speed > CRASH_MPS2 * PHASE_S:
            break  # in the dream it need not come to that
        s, time_s = float(driver.s[n * step]), (driver.first + n * step) * step_s
        if _red(driver, controls, s, time_s) and driver.light is not None:
            room = driver.light[0] - s - actor.length / 2.0 + car_following.STANDSTILL_GAP - 0.5
            gap, lead = min((gap, lead), (room, 0.0))
        asked = car_following.idm_acceleration(
            float(speed), max(aim, float(speed)), gap, lead, actor.braking, actor.headway
        )
        blocked = gap < math.inf and gain > asked - EXPLAINED_MPS2
        held = blocked or (held and gain > REGAINS_MPS2)
        if n == 0 and held:
            aim = wish
        aim = max(aim, float(speed)) if held else float(speed)
        aims.append(aim)
    return np.array(aims), speeds[: len(aims)]


def _actor(
    tracks: RecordedTracks, driver: _Driver, ahead: list[tuple[float, float]], controls: list[RecordedControl]
) -> Actor:
    kind = ObjectKind(int(tracks.kind[driver.i]))
    manner = _manner(driver, ahead, tracks.step_s)
    plain = Actor(
        MODELS[kind],
        LanePath((), ()),
        0.0,
        speed=float(driver.speed[0]),
        reactive=True,
        braking=manner.braking,
        headway=manner.headway,
        emergency=kind is ObjectKind.EMERGENCY_VEHICLE,
        light=None if driver.light is None else (driver.light[0], True),
        light_index=None if driver.light is None else driver.light[1],
        present=(math.inf, math.inf) if driver.first else None,
    )
    aims, speeds = _aims(driver, plain, manner.wish, ahead, controls, tracks.step_s)
    phases = []
    for n in range(1, len(aims)):
        own = max(abs(float(speeds[n] - speeds[n - 1])) / PHASE_S, 0.0) if aims[n] == speeds[n] else 0.0
        phases.append(
            Phase(
                When.TIME,
                (n - 1) * PHASE_S,
                float(aims[n]),
                max(own, car_following.MAX_ACCELERATION),
                max(own, car_following.COMFORT_DECELERATION),
            )
        )
    return replace(plain, cruise=float(aims[0]), phases=tuple(phases))
