"""What a vehicle's perception makes of the objects around it: noise, dropouts, late first sight, latency, switches.

``Perception`` works on the scenes of one episode; ``perceived_tracks.perceive_one`` is the same, to the bit, for
kernels that work on many environments. Only objects are altered: ego, map, route, lights and signs are the truth.
"""

from __future__ import annotations

import math
from dataclasses import fields, replace

import numpy as np

from takead_ros.compiled import prepare
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.parameters import Parameters, number
from takead_ros.domain.perceived_tracks import (
    COLUMNS,
    MOST_OBJECTS,
    Noise,
    begin_tracks,
    make_tracks,
    perceive_objects,
)
from takead_ros.domain.scene import Objects, Scene

_NAMES = tuple(field.name for field in fields(Objects))


class PerceptionSettings(Parameters):
    """Deviations are of one track at one moment; r is its distance from the ego in m. All zero: the truth."""

    position_m: float = number(0.0, 0.0, 5.0, "m, standard deviation of x and of y at r = 0")
    position_per_m: float = number(0.0, 0.0, 0.1, "m more for each m of r")
    heading_rad: float = number(0.0, 0.0, 1.0, "rad, standard deviation at r = 0")
    heading_rad_per_m: float = number(0.0, 0.0, 0.05, "rad more for each m of r")
    speed_mps: float = number(0.0, 0.0, 5.0, "m/s, standard deviation of vx and of vy at r = 0")
    speed_mps_per_m: float = number(0.0, 0.0, 0.1, "m/s more for each m of r")
    correlation_s: float = number(0.8, 0.05, 10.0, "s after which a track's noise is correlated by 1/e with itself")
    dropout_hz: float = number(0.0, 0.0, 10.0, "dropouts a second of a track 80 m away, in proportion to r")
    dropout_s: float = number(0.4, 0.05, 5.0, "s that a dropout lasts in the mean (exponential)")
    first_sight_s: float = number(0.0, 0.0, 3.0, "s from first sight to the first track, half to one and a half of it")
    latency_s: float = number(0.0, 0.0, 1.0, "s by which all objects are late, a multiple of the step")
    switch_hz: float = number(0.0, 0.0, 5.0, "identity switches a second of a track")
    switch_range_m: float = number(6.0, 0.0, 50.0, "m within which a track swaps its id with another; else a new id")
    sees_hidden: bool = True  # whether what no sensor can see is in the scene, with visibility 0

    @property
    def truthful(self) -> bool:
        """Whether the perceived scene is the true one."""
        alters = (
            self.position_m,
            self.position_per_m,
            self.heading_rad,
            self.heading_rad_per_m,
            self.speed_mps,
            self.speed_mps_per_m,
            self.dropout_hz,
            self.first_sight_s,
            self.latency_s,
            self.switch_hz,
        )
        return self.sees_hidden and not any(alters)


def noise_of(settings: PerceptionSettings, step_s: float) -> Noise:
    """Raises TakeadError where the latency is no multiple of the step."""
    s = settings
    late = round(s.latency_s / step_s)
    if abs(late * step_s - s.latency_s) > 1e-6:
        raise TakeadError(f"perception: latency_s = {s.latency_s:g}, expected a multiple of the step of {step_s:g} s")
    return Noise(
        s.position_m,
        s.position_per_m,
        s.heading_rad,
        s.heading_rad_per_m,
        s.speed_mps,
        s.speed_mps_per_m,
        math.exp(-step_s / s.correlation_s),
        s.dropout_hz,
        s.dropout_s,
        s.first_sight_s,
        late,
        s.switch_hz,
        s.switch_range_m,
        s.sees_hidden,
        step_s,
    )


class Perception:
    """The perception of one vehicle in one episode: scenes in order of time, ``step_s`` s apart, to what it makes of
    them. The same settings, seed and scenes give the same, bit for bit.

    Raises TakeadError where the latency is no multiple of the step.
    """

    def __init__(self, settings: PerceptionSettings, step_s: float, seed: int) -> None:
        self._truthful, self._noise = settings.truthful, noise_of(settings, step_s)
        if self._truthful:
            return
        prepare()
        self._tracks = make_tracks(1, self._noise.late)
        self._now, self._rows = np.zeros((MOST_OBJECTS, COLUMNS)), np.zeros(MOST_OBJECTS, np.int64)
        begin_tracks(self._tracks, 0, seed)

    def perceive(self, scene: Scene) -> Scene:
        """The scene with its objects as they are perceived; the very scene where the settings say nothing else.

        Raises TakeadError for more than MOST_OBJECTS objects.
        """
        if self._truthful:
            return scene
        objects, count = scene.objects, len(scene.objects)
        if count > MOST_OBJECTS:
            raise TakeadError(f"perception: a scene with {count} objects, expected at most {MOST_OBJECTS}")
        for column, name in enumerate(_NAMES):
            self._now[:count, column] = getattr(objects, name)
        kept = perceive_objects(
            self._noise, self._tracks, 0, float(scene.ego.x), float(scene.ego.y), self._now, count, self._rows
        )
        if kept < 0:
            raise TakeadError(f"perception: more than {MOST_OBJECTS} tracks at once, expected fewer")
        found = self._now[:kept].copy()
        whole = found[:, :2].astype(np.int64)
        return replace(scene, objects=Objects(whole[:, 0], whole[:, 1], *(found[:, c] for c in range(2, COLUMNS))))
