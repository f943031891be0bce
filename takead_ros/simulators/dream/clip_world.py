"""A world made of a clip alone: what it holds from a chosen moment on, laid out for the vector world.

Nothing is asked of the scenario that the clip comes from; a clip that holds too little is refused.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from takead_ros.domain.errors import TakeadError
from takead_ros.domain.scene import EgoState
from takead_ros.maps.roads import LanePath, RecordedMap
from takead_ros.recording import clip_manifests
from takead_ros.recording.clip import ClipManifest, headline
from takead_ros.recording.driven import Driven, Tick, driven
from takead_ros.recording.tracks import RecordedTracks, tracks_of
from takead_ros.scenarios.spec import Ability, Change, Control, Scenario, When
from takead_ros.simulators import STEP_S
from takead_ros.simulators.dream.course import Course, course_of, lanes_of
from takead_ros.simulators.vector.ego import METADRIVE, SingleTrack
from takead_ros.takeover.inputs import unsound

BEFORE_S = -3.0  # from a takeover: where a dream begins, if the clip goes back so far
LONGEST_GAP_S = 0.25  # between two scenes; what lies in a longer one is not known
SHORTEST_S = 1.0  # of a dream
SAME_VEHICLE = 1e-3  # m, rad
LIMIT_MPS = 50.0 / 3.6  # noted in a log where no scene tells a limit; no measure of a dream depends on it
SECONDS_MORE = 60.0  # a dream is over with its record, long before its time is up
FASTEST_MPS = 70.0  # another vehicle's top speed, which no scene tells


@dataclass(frozen=True)
class DreamWindow:
    """The part of a clip that is dreamed: begins ``at_s`` s from the ``event`` (the clip's start, where it has none),
    lasts ``seconds`` s. ``takeover``: which of the clip's, from 1; 0: none."""

    at_s: float
    seconds: float
    takeover: int
    event: str


@dataclass(frozen=True)
class ClipWorld:
    """What a clip holds of its world in a window. ``ticks``: as recorded there."""

    clip: Path
    manifest: ClipManifest
    window: DreamWindow
    ticks: list[Tick]
    record: Driven
    course: Course
    tracks: RecordedTracks

    @property
    def scenario(self) -> Scenario:
        """The dream as a scenario; its road users are of whatever kind is chosen for it, and not in here."""
        ego, course = self.ticks[0].world.ego, self.course
        known = [limit for _, limit in course.limits if not math.isnan(limit)]
        controls = tuple(
            Control(
                control.control.kind,
                control.s,
                control.states[0][1],
                tuple(Change(When.TIME, max(at - 1e-6, 0.0), state) for at, state in control.states[1:]),
            )
            for control in course.controls
        )
        return Scenario(
            family=self.clip.resolve().name,
            seed=0,
            ability=Ability.MIXED,
            roads=RecordedMap(self.clip.name),
            route=LanePath((), ()),
            start=float(course.s[0]),
            goal=course.navigation.goal,
            speed=ego.speed,
            speed_limit=known[0] if known else LIMIT_MPS,
            time_limit=self.window.seconds + SECONDS_MORE,
            actors=(),
            controls=controls,
            limits=tuple(course.limits),
        )


def read_world(
    clip: Path, at_s: float | None = None, seconds: float | None = None, takeover: int | None = None
) -> ClipWorld:
    """The world of ``clip`` from ``at_s`` s on, counted from its takeover (the ``takeover``-th, by default the most
    severe), or from its start where it has none; to its end, or for ``seconds`` s.

    By default from 3 s before the takeover, or as early as the clip goes. Raises TakeadError where the clip cannot be
    read, and where it holds too little: the map, the whole way, enough scenes, or that moment.
    """
    return world_in(clip, clip_manifests.read_manifest(clip), driven(clip), at_s, seconds, takeover)


def world_in(
    clip: Path,
    manifest: ClipManifest,
    record: Driven,
    at_s: float | None = None,
    seconds: float | None = None,
    takeover: int | None = None,
) -> ClipWorld:
    """``read_world`` of what has been read already, for more than one moment of a long clip."""
    window, ticks = _window(clip, manifest, record.ticks, at_s, seconds, takeover)
    if fault := unsound(replace(ticks[0].world, polylines=record.polylines), lines=True):
        raise TakeadError(f"clip '{clip}': topic '.../scene': {fault}")
    lanes = lanes_of(record.polylines, clip)
    return ClipWorld(clip, manifest, window, ticks, record, course_of(ticks, lanes, clip), tracks_of(ticks, STEP_S))


def _window(
    clip: Path,
    manifest: ClipManifest,
    ticks: Sequence[Tick],
    at_s: float | None,
    seconds: float | None,
    takeover: int | None,
) -> tuple[DreamWindow, list[Tick]]:
    starts = {event.takeover: event for event in manifest.events if event.kind == "start"}
    event = headline(manifest.events)
    if takeover is not None:
        if takeover not in starts:
            known = ", ".join(map(str, starts)) or "none"
            raise TakeadError(f"clip '{clip}': no takeover {takeover}; expected one of those in it: {known}")
        event = starts[takeover]
    first, last = ticks[0].stamp, ticks[-1].stamp
    zero = first if event is None else event.stamp
    earliest, latest = (first - zero) / 1e9, (last - zero) / 1e9
    begin = at_s if at_s is not None else max(BEFORE_S, earliest) if event else 0.0
    what = "its start" if event is None else f"its {'takeover' if event.kind == 'start' else event.kind}"
    if not earliest - 1e-6 <= begin <= latest:
        raise TakeadError(
            f"clip '{clip}': --at {begin:g} s from {what}; expected {earliest:.2f} to {latest:.2f} s, which is what it "
            "holds"
        )
    until = last if seconds is None else zero + round(min(begin + seconds, latest) * 1e9)
    inside = [tick for tick in ticks if zero + round(begin * 1e9) - 1_000_000 <= tick.stamp <= until + 1_000_000]
    if len(inside) < 2 or inside[-1].stamp - inside[0].stamp < SHORTEST_S * 1e9:
        held = (inside[-1].stamp - inside[0].stamp) / 1e9 if inside else 0.0
        raise TakeadError(
            f"clip '{clip}': {held:.2f} s of scenes from {begin:g} s from {what} on; expected at least {SHORTEST_S:g} s"
        )
    for tick in inside:
        if fault := unsound(tick.world, lines=False):
            raise TakeadError(f"clip '{clip}': topic '.../scene': {fault}, at {tick.stamp} ns")
    for before, after in pairwise(inside):
        if after.stamp - before.stamp > LONGEST_GAP_S * 1e9:
            raise TakeadError(
                f"clip '{clip}': topic '.../scene': nothing for {(after.stamp - before.stamp) / 1e9:.2f} s, "
                f"{(before.stamp - zero) / 1e9:.2f} s from {what}; expected a scene every {LONGEST_GAP_S:g} s at least"
            )
    held = (inside[-1].stamp - inside[0].stamp) / 1e9
    number = event.takeover if event is not None and event.kind == "start" else 0
    return DreamWindow((inside[0].stamp - zero) / 1e9, held, number, what), inside


def vehicle_of(ego: EgoState) -> SingleTrack:
    """The vehicle that a scene tells of: MetaDrive's where it is that, else with its own wheelbase, full lock and box.

    Another's axles lie as MetaDrive's do, in proportion to the wheelbase, its tyres grip alike, and its mass is as far
    from its middle in proportion, so that it keeps its line as MetaDrive's car does.
    """
    own = (ego.length, ego.width, ego.wheelbase, ego.max_steering_angle)
    known = (METADRIVE.length, METADRIVE.width, METADRIVE.wheelbase, METADRIVE.full_lock)
    if np.allclose(own, known, rtol=0.0, atol=SAME_VEHICLE):
        return METADRIVE
    longer, wider = ego.wheelbase / METADRIVE.wheelbase, ego.width / METADRIVE.width
    return METADRIVE._replace(
        yaw_gain=METADRIVE.yaw_gain / longer**2,
        half_track=METADRIVE.half_track * wider,
        to_front=METADRIVE.to_front * longer,
        to_rear=METADRIVE.to_rear * longer,
        length=ego.length,
        width=ego.width,
        wheelbase=ego.wheelbase,
        full_lock=ego.max_steering_angle,
        top_speed=FASTEST_MPS,
    )
