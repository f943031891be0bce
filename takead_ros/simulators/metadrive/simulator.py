"""MetaDrive as a simulator: where a scenario's roads come from chooses the engine, which is kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from takead_ros.domain.errors import TakeadError
from takead_ros.maps.roads import OpenDriveMap, Roads, SafeMetaDriveMap
from takead_ros.scenarios.spec import Scenario
from takead_ros.simulators.episode import RouteEpisode
from takead_ros.simulators.metadrive.engine import physics_steps
from takead_ros.simulators.metadrive.environment import metadrive_version
from takead_ros.simulators.metadrive.episode import ScriptedScenarios
from takead_ros.simulators.metadrive.safe_metadrive import SafeMetaDriveScenarios


class Player(Protocol):
    """One engine that plays the scenarios of one kind."""

    def begin(self, scenario: Scenario, offset_m: float, turn_rad: float) -> RouteEpisode: ...

    def close(self) -> None: ...


PLAYERS: dict[type, Callable[[float], Player]] = {
    Roads: ScriptedScenarios,
    OpenDriveMap: ScriptedScenarios,
    SafeMetaDriveMap: SafeMetaDriveScenarios,
}


class MetaDrive:
    """The simulator ``metadrive``, which steps by ``step_s`` s; MetaDrive's own benchmark has a step of its own.

    One engine runs in a process, from the first reset to ``close``. Raises TakeadError where MetaDrive is not
    installed or ``step_s`` is no multiple of its physics step.
    """

    def __init__(self, step_s: float) -> None:
        self.name = f"metadrive {metadrive_version()}"
        physics_steps(step_s)
        self._step_s = step_s
        self._player: Player | None = None
        self._kind: Callable[[float], Player] | None = None

    def reset(self, scenario: Scenario, offset_m: float = 0.0, turn_rad: float = 0.0) -> RouteEpisode:
        """See ``simulators.api.Simulator``. Raises TakeadError where another engine runs in this process."""
        kind = PLAYERS.get(type(scenario.roads))
        if kind is None:
            raise TakeadError(
                f"simulator metadrive: roads of kind {type(scenario.roads).__name__}, "
                f"expected one of {', '.join(sorted(known.__name__ for known in PLAYERS))}"
            )
        if self._player is None or kind is not self._kind:
            self.close()
            self._player, self._kind = kind(self._step_s), kind
        return self._player.begin(scenario, offset_m, turn_rad)

    def close(self) -> None:
        """Gives the engine back."""
        if self._player is not None:
            self._player.close()
            self._player = None
