"""What a simulator is to the rest of the project. To add one: docs/extending.md, "A simulator"."""

from __future__ import annotations

from typing import Protocol

from takead_ros.domain.scene import Scene
from takead_ros.measures.episode_log import EpisodeLog
from takead_ros.scenarios.spec import Scenario


class Episode(Protocol):
    """One scenario being driven, from its first moment on. Made by ``Simulator.reset``; there is no other state."""

    @property
    def scenario(self) -> Scenario:
        """The scenario, with whatever only the simulator knew of it (route, actors) filled in."""

    @property
    def step_s(self) -> float:
        """s of one step."""

    @property
    def time_s(self) -> float:
        """s since the start of the episode."""

    @property
    def done(self) -> bool:
        """Whether the episode is over; ``outcome().end`` says why."""

    def step(self, steering_angle: float, acceleration: float) -> None:
        """Drives on for one step. steering_angle rad, positive left, cut at the vehicle's full lock; acceleration
        m/s^2, cut to what the vehicle can do. Standing still, a negative acceleration holds the brake.

        Raises TakeadError for a value that is not finite.
        """

    def observe(self, stamp: int | None = None) -> Scene:
        """The scene now, as the ego's sensors see it; stamp ns, by default the time since the start."""

    def outcome(self) -> EpisodeLog:
        """The episode so far; ``end`` is RUNNING while it is not over."""

    def verdict(self) -> dict[str, float] | None:
        """The simulator's own measures of the episode, where the scenario is one of its own benchmark; else None."""


class Simulator(Protocol):
    """Plays scenarios. It may hold an engine of which a process can have one only: ``close`` gives it back."""

    @property
    def name(self) -> str:
        """Name and version for results and clips, such as ``metadrive 0.4.3``."""

    def reset(self, scenario: Scenario, offset_m: float = 0.0, turn_rad: float = 0.0) -> Episode:
        """Starts the scenario, the ego ``offset_m`` m left of its route and turned left from it by ``turn_rad`` rad.

        The same arguments give bit-identical episodes, whatever ran before. The episode before cannot be stepped any
        more. Raises TakeadError for roads that this simulator cannot build.
        """

    def close(self) -> None:
        """Gives the engine back; a reset after that starts it again."""
