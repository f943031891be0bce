"""What `show_recorder_*` of CARLA's client tell of a recording, in CARLA's words."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np

from takead_ros.simulators.carla_server import recording as r
from takead_ros.simulators.carla_server.recording import CM, RecordedFrame, Recording

CATEGORIES = "ovwt"  # other, vehicle, walker, traffic light by the number of their kind; h: the hero, a: any
MOST_TEXT = 8 * 1024 * 1024  # letters of one answer


def show_frames(recording: Recording, everything: bool) -> str:
    """Who comes, goes and collides in each frame; ``everything``: also where all are and what they do."""
    lines, size, last = [*_head(recording)], 0, None
    for frame in recording.frames():
        last = frame
        found = [*_events(frame), *(_states(frame) if everything else ())]
        if found or everything:
            lines += [f"Frame {frame.number} at {frame.elapsed:g} seconds", *found, ""]
            size += sum(map(len, found))
        if size > MOST_TEXT:
            return "\n".join([*lines, "(too long to go on)", ""])
    return "\n".join([*lines, *_end(last)])


def show_collisions(recording: Recording, first: str, second: str) -> str:
    """Each collision at its beginning between two of the kinds asked for (CATEGORIES)."""
    lines = [*_head(recording), f"{'Time':>8} {'Types':>6} {'Id':>6} {'Actor 1':<35} {'Id':>6} {'Actor 2':<35}"]
    known: dict[int, tuple[int, str]] = {}
    before: set[tuple[int, int]] = set()
    last = None
    for frame in recording.frames():
        last, now = frame, set()
        known.update({one.id: (one.kind, one.description.id) for one in frame.added})
        for _, a, b, hero_a, hero_b in frame.of(r.COLLISIONS).tolist():
            (kind_a, name_a), (kind_b, name_b) = (known.get(actor, (0, "")) for actor in (a, b))
            types = [CATEGORIES[kind] if kind < len(CATEGORIES) else "o" for kind in (kind_a, kind_b)]
            asked = zip((first, second), types, (hero_a, hero_b), strict=True)
            if all(want in ("a", kind) or (want == "h" and hero) for want, kind, hero in asked):
                now.add((a, b))
                if (a, b) not in before:
                    lines.append(
                        f"{frame.elapsed:8.0f}   {types[0]} {types[1]}  {a:>6} {name_a:<35} {b:>6} {name_b:<35}"
                    )
        before = now
    return "\n".join([*lines, *_end(last)])


def show_blocked(recording: Recording, least_s: float, least_m: float) -> str:
    """Who moved by less than ``least_m`` for at least ``least_s``, the longest first."""
    lines = [*_head(recording), f"{'Time':>8} {'Id':>6} {'Actor':<35} {'Duration':>10}"]
    names: dict[int, str] = {}
    at: dict[int, tuple[np.ndarray, float, float]] = {}  # where it was last, since when it stands and for how long
    found: list[tuple[float, str]] = []
    last = None

    def note(actor: int) -> None:
        _, since, stood = at[actor]
        if stood >= least_s:
            found.append((stood, f"{since:8.0f} {actor:>6} {names.get(actor, ''):<35} {stood:10.0f}"))

    for frame in recording.frames():
        last = frame
        names.update({one.id: one.description.id for one in frame.added})
        for actor, where, _ in frame.of(r.POSITIONS):
            place, since, stood = at.get(int(actor), (np.full(3, np.inf), 0.0, 0.0))
            with np.errstate(all="ignore"):  # whatever a damaged file says
                near = float(np.linalg.norm(where - place)) < CM * least_m
            if near:
                at[int(actor)] = place, (since if stood else frame.elapsed), stood + max(frame.lasts, 0.0)
                continue
            if int(actor) in at:
                note(int(actor))
            at[int(actor)] = where, 0.0, 0.0
    for actor in at:
        note(actor)
    return "\n".join([*lines, *(text for _, text in sorted(found, key=lambda one: -one[0])), *_end(last)])


def _head(recording: Recording) -> list[str]:
    date = time.strftime("%x %X", time.localtime(min(max(recording.date, 0), 2**33)))
    return [f"Version: {recording.version}", f"Map: {recording.map_name}", f"Date: {date}", ""]


def _end(last: RecordedFrame | None) -> list[str]:
    number, elapsed = (last.number, last.elapsed) if last else (0, 0.0)
    return ["", f"Frames: {number}", f"Duration: {elapsed:g} seconds", ""]


def _numbers(values: np.ndarray) -> str:
    return "(" + ", ".join(f"{value:g}" for value in values) + ")"


def _events(frame: RecordedFrame) -> Iterator[str]:
    for one in frame.added:
        x, y, z = (CM * value for value in one.place.location)
        yield f" Create {one.id}: {one.description.id} ({one.kind}) at ({x:g}, {y:g}, {z:g})"
        yield from (f"  {item.id} = {item.value}" for item in one.description.attributes)
    yield from (f" Destroy {actor}" for (actor,) in frame.of(r.REMOVED).tolist())
    yield from (f" Parenting {actor} with {parent} (parent)" for actor, parent in frame.of(r.PARENTS).tolist())
    for number, a, b, hero_a, hero_b in frame.of(r.COLLISIONS).tolist():
        marks = [" (hero) " if hero else "" for hero in (hero_a, hero_b)]
        yield f" Collision id {number} between {a}{marks[0]} with {b}{marks[1]}"


def _states(frame: RecordedFrame) -> Iterator[str]:
    yield f" Positions: {len(frame.of(r.POSITIONS))}"
    for actor, where, turned in frame.of(r.POSITIONS):
        yield f"  Id: {actor} Location: {_numbers(where)} Rotation: {_numbers(turned)}"
    yield f" State traffic lights: {len(frame.of(r.LIGHTS))}"
    for actor, frozen, elapsed, state in frame.of(r.LIGHTS).tolist():
        yield f"  Id: {actor} state: {state} frozen: {int(frozen)} elapsedTime: {elapsed:g}"
    yield f" Vehicle animations: {len(frame.of(r.VEHICLES))}"
    for actor, steer, throttle, brake, hand, gear in frame.of(r.VEHICLES).tolist():
        yield (
            f"  Id: {actor} Steering: {steer:g} Throttle: {throttle:g} Brake: {brake:g} Handbrake: {int(hand)} "
            f"Gear: {gear}"
        )
    yield f" Walker animations: {len(frame.of(r.WALKERS))}"
    yield from (f"  Id: {actor} speed: {speed:g}" for actor, speed in frame.of(r.WALKERS).tolist())
    for actor, door, is_open in frame.of(r.DOORS).tolist():
        yield f"  Id: {actor} door {door} {'opened' if is_open else 'closed'}"
    for actor, flags in frame.of(r.VEHICLE_LIGHTS).tolist():
        yield f"  Id: {actor} lights: {flags:#x}"
    for actor, velocity, spin in frame.of(r.KINEMATICS):
        yield f"  Id: {actor} linear_velocity: {_numbers(velocity)} angular_velocity: {_numbers(spin)}"
    for actor, middle, half in frame.of(r.BOXES):
        yield f"  Id: {actor} origin: {_numbers(middle)} extension: {_numbers(half)}"
    if r.PLATFORM_TIME in frame.times:
        yield f" Current platform time: {frame.times[r.PLATFORM_TIME]:g}"
