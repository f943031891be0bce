"""ScenarioRunner with CARLA's BasicAgent as the ego's driver, in step: started by `benchmarks/scenario_runner.py`.

    python benchmarks/scenario_runner_ego.py PATH/scenario_runner.py --scenario NAME ...

ScenarioRunner itself is unmodified: its manager asks an agent in every frame, but its command takes one for routes
only. A driver in a process of its own is late where the machine is busy: simulated time does not wait for it.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

SPEED_KMH = 25.0


def agent_class() -> type:
    """ScenarioRunner's own interface, with the agent that has no goal: it takes any way at a junction."""
    import carla
    from agents.navigation.basic_agent import BasicAgent
    from srunner.autoagents.autonomous_agent import AutonomousAgent
    from srunner.scenariomanager.carla_data_provider import CarlaDataProvider

    class ScenarioRunnerEgo(AutonomousAgent):  # type: ignore[misc]
        """Drives ``hero``, looks at the world's actors, has no sensors."""

        def setup(self, path_to_conf_file: str) -> None:
            self._driver: Any = None

        def sensors(self) -> list[dict[str, Any]]:
            return []

        def run_step(self, input_data: dict[str, Any], timestamp: float) -> Any:
            if self._driver is None:
                hero = CarlaDataProvider.get_hero_actor()
                if hero is None:  # a story that has not made its ego yet
                    return carla.VehicleControl()
                self._driver = BasicAgent(hero, target_speed=SPEED_KMH)
            return self._driver.run_step()

    return ScenarioRunnerEgo


def main() -> int:
    """ScenarioRunner's command with the agent in place."""
    path = Path(sys.argv.pop(1)).resolve()
    sys.path.insert(0, str(path.parent))
    command: Any = importlib.import_module(path.stem)

    class WithAgent(command.ScenarioRunner):  # type: ignore[misc]
        def __init__(self, arguments: Any) -> None:
            arguments.agent = __file__
            super().__init__(arguments)
            self.module_agent.ScenarioRunnerEgo = agent_class()

    command.ScenarioRunner = WithAgent
    return int(command.main())


if __name__ == "__main__":
    sys.exit(main())
