"""takead_ros as an agent of CARLA's Leaderboard 2 evaluator, or of Bench2Drive's: the file that ``--agent`` names.

    python leaderboard/leaderboard_evaluator.py --agent .../takead_agent.py --agent-config MODEL.onnx --track MAP ...

``--agent-config`` is an ONNX policy of this project, or a JSON file of ``AgentSettings``. Nothing but the evaluator's
own interface is used: one control a tick. The scene comes from the world's actors, its map and the whole plan, as
agents of privileged tracks have it; a GNSS is asked for only because the evaluator's statistics want a sensor.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import carla
from leaderboard.autoagents.autonomous_agent import AutonomousAgent, Track
from srunner.scenariomanager.carla_data_provider import CarlaDataProvider

from takead_ros.domain.driving import DriveCommand
from takead_ros.files import to_json
from takead_ros.host import wiring
from takead_ros.host.lockstep import LockstepHost
from takead_ros.measures.driving_score import score_episode
from takead_ros.messages import convert, interfaces
from takead_ros.policy.model import load_model
from takead_ros.runs.episode import EpisodeDrive, EpisodeSpec
from takead_ros.runs.leaderboard.route import FAMILY, LeaderboardEpisode
from takead_ros.runs.leaderboard.settings import read_settings
from takead_ros.vehicles.carla.control import actuate


def get_entry_point() -> str:
    """The class that the evaluator makes."""
    return "TakeadAgent"


class TakeadAgent(AutonomousAgent):  # type: ignore[misc]
    """Drives an exported policy, alone or with the expert taking over, through all nodes of a lockstep drive."""

    def setup(self, path_to_conf_file: str) -> None:
        """Read the settings and the model. Raises TakeadError for those that cannot be used."""
        self._settings = read_settings(path_to_conf_file.split("+")[0])  # Bench2Drive adds a folder behind a +
        self.track = Track(self._settings.track)
        self._policy = load_model(self._settings.model)
        self._drive: EpisodeDrive | None = None
        self._command: DriveCommand | None = None
        self._integral = 0.0

    def set_global_plan(self, global_plan_gps: Any, global_plan_world_coord: Any) -> None:
        """Keep the whole plan: what the evaluator hands on else is thinned to a point each 200 m."""
        super().set_global_plan(global_plan_gps, global_plan_world_coord)
        self._plan = global_plan_world_coord

    def sensors(self) -> list[dict[str, Any]]:
        """One GNSS, not used."""
        return [{"type": "sensor.other.gnss", "id": "GNSS", "x": 0.0, "y": 0.0, "z": 1.6}]

    def run_step(self, input_data: Any, timestamp: float) -> Any:
        """The control of this tick."""
        if self._drive is None:
            self._drive = self._begin()
        else:
            self._episode.look()
        if not self._episode.done:
            self._drive.advance()
        if self._command is None:
            return carla.VehicleControl(brake=1.0)
        ego, pedals = self._episode.ego, self._settings.pedals
        done = actuate(
            self._command,
            ego.speed,
            ego.acceleration,
            ego.max_steering_angle,
            self._integral,
            self._episode.step_s,
            pedals,
        )
        self._integral = done.integral
        return carla.VehicleControl(throttle=done.throttle, steer=done.steer, brake=done.brake)

    def destroy(self) -> None:
        """Add this route's score by the project's own measures to the file of scores, where one was asked for."""
        drive = getattr(self, "_drive", None)  # the evaluator also destroys what it could not set up
        if drive is None:
            return
        drive.close()
        log, _ = drive.outcome()
        self._drive = None
        if self._settings.scores:
            row = {**asdict(score_episode(log, FAMILY)), "model_sha256": self._policy.sha256}
            with Path(self._settings.scores).open("a", encoding="utf-8") as file:
                file.write(to_json(row) + "\n")

    def _begin(self) -> EpisodeDrive:
        world, hero = CarlaDataProvider.get_world(), CarlaDataProvider.get_hero_actor()
        step_s = world.get_settings().fixed_delta_seconds
        self._episode = LeaderboardEpisode(world, hero, self._plan, self._number(), step_s, self._settings.pedals)
        spec = EpisodeSpec(
            FAMILY, FAMILY, self._number(), self._settings.model, self._settings.takeovers, self._settings.bags
        )
        version = CarlaDataProvider.get_client().get_server_version()
        return EpisodeDrive(spec, f"carla {version}", self._episode, self._policy, self._listen)

    def _listen(self, host: LockstepHost) -> None:
        node = host.create_node("leaderboard_agent")
        wiring.subscription(node, interfaces.COMMAND, self._take)

    def _take(self, msg: Any) -> None:
        self._command = convert.command_from_msg(msg)

    def _number(self) -> int:
        """Of the route, told apart by where it begins: the evaluator does not tell its agent which one it is."""
        start = self._plan[0][0].location
        return abs(round(float(start.x) * 10.0)) * 100_000 + abs(round(float(start.y) * 10.0))
