"""One scenario through the real carla_ros_bridge: the route as CARLA's planner has it, the launch, and a person who
gives the goal and engages. Needs what ``support.bridge`` names."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import carla
import networkx
import numpy as np
import rclpy
from agents.navigation.global_route_planner import GlobalRoutePlanner
from carla_msgs.msg import CarlaControl
from geometry_msgs.msg import PoseStamped
from lifecycle_msgs.msg import State
from lifecycle_msgs.srv import GetState
from nav_msgs.msg import Path as PathMsg
from rclpy.executors import SingleThreadedExecutor
from rosgraph_msgs.msg import Clock

from support.bridge import users_environment
from takead_ros.domain.errors import TakeadError
from takead_ros.host import qos, wiring
from takead_ros.measures.episode_log import End
from takead_ros.messages import convert, interfaces, types
from takead_ros.messages.interfaces import Qos
from takead_ros.recording.clip_folders import list_clips
from takead_ros.runs.recorded_drive import FollowedRoute
from takead_ros.scenarios import build
from takead_ros.scenarios.spec import Model, Scenario
from takead_ros.simulators.carla_server.script import Script

UNTOLD = {Model.CONE, Model.WARNING, Model.BARRIER}  # the bridge's objects are vehicles and walkers
ASIDE_M = 3.0  # by which CARLA's route may lie beside the scenario's and still be the same way
BEYOND_M = 40.0  # the goal lies so far beyond the scenario's own: there it stops, here it passes by
STANDING_S = 2.0  # stopped for so long, the person engages again
PARAMETERS = "/**/recorder_node:\n  ros__parameters:\n    mode: all\n"


@dataclass(frozen=True)
class Way:
    """A scenario's route through the bridge; ``goal`` is what the waypoint publisher is told, m in ``map``."""

    family: str
    seed: int
    metres: float
    aside_m: float
    goal: tuple[float, float]


def way_of(scenario: Scenario) -> Way | str:
    """The way, or why there is none."""
    script = Script(scenario)
    told = script.scenario
    untold = sorted({actor.model.value for actor in told.actors} & {model.value for model in UNTOLD})
    if untold:
        return f"the bridge does not tell {', '.join(map(str, untold))}"
    route = FollowedRoute(scenario, 0.05).navigation
    path = route.path
    (x0, y0, _), (x1, y1, _) = path.at(told.start), path.at(min(route.goal + BEYOND_M, float(path.arc[-1]) - 2.0))
    planner = GlobalRoutePlanner(carla.Map(told.family, script.opendrive()), 1.0)
    try:
        planned = planner.trace_route(carla.Location(float(x0), -float(y0)), carla.Location(float(x1), -float(y1)))
    except networkx.NetworkXException as error:
        return f"CARLA's planner: {type(error).__name__}"
    places = np.array([(point.transform.location.x, -point.transform.location.y) for point, _ in planned])
    if len(places) < 2:
        return "CARLA's planner finds no way"
    apart = np.hypot(places[:, None, 0] - path.points[None, :, 0], places[:, None, 1] - path.points[None, :, 1])
    aside = float(apart.min(1).max())
    whole = float(apart.min(0)[(path.arc > told.start) & (path.arc < route.goal)].max())
    if max(aside, whole) > ASIDE_M:
        return f"CARLA's planner takes another way, {max(aside, whole):.1f} m beside"
    return Way(told.family, told.seed, route.length, aside, (float(x1), float(y1)))


@dataclass(frozen=True)
class Driven:
    """shift_s: of simulated time that the scenario had gone on before the bag's first scene; late_s: until it was
    engaged; real_time: simulated s in one s."""

    shift_s: float
    late_s: float
    engaged_again: int
    real_time: float
    end: End

    def bag(self, folder: Path) -> Path:
        """The one bag of the whole run."""
        clips = list_clips(folder / "clips")
        if len(clips) != 1:
            raise TakeadError(f"'{folder / 'clips'}' holds {len(clips)} bags; expected the one of the whole run")
        return clips[0]


class BridgeDrive:
    """The launch of ``way`` in processes of its own, with what it needs in ``folder``."""

    def __init__(self, way: Way, folder: Path, model: Path, port: int) -> None:
        self._way, self._folder = way, folder
        folder.mkdir(parents=True, exist_ok=True)
        number = sum(1 for _ in folder.glob("clips*"))
        if (folder / "clips").exists():  # of a drive that was broken off
            (folder / "clips").rename(folder / f"clips-broken-{number}")
        (folder / "params.yaml").write_text(PARAMETERS)
        os.environ["ROS_DOMAIN_ID"] = str(10 + os.getpid() % 80)
        self._log = (folder / "log").open("wb")
        self._launch = subprocess.Popen(
            ["env", "--default-signal=INT", "ros2", "launch", "takead_ros", "sim.launch.py", "sim:=carla",
             "carla_server:=true", f"scenario:={way.family}", f"seed:={way.seed}", f"port:={port}", f"model:={model}",
             "auto_engage:=false", f"params:={folder / 'params.yaml'}", f"bags:={folder / 'clips'}"],
            stdout=self._log, stderr=subprocess.STDOUT, start_new_session=True,
            env=users_environment(),
        )  # fmt: skip
        rclpy.init()
        self._node = rclpy.create_node("person", namespace="takead")
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self._node)
        self._scenes: list[tuple[float, Any]] = []
        self._routes: list[Any] = []
        self._mode = -1
        wiring.subscription(self._node, interfaces.SCENE, lambda msg: self._scenes.append((time.monotonic(), msg)))
        wiring.subscription(self._node, interfaces.ARBITER_STATE, self._on_state)
        latched = qos.profile(Qos(1, latched=True))
        self._node.create_subscription(PathMsg, "/carla/hero/waypoints", self._routes.append, latched)
        self._goal = self._node.create_publisher(PoseStamped, "/carla/hero/goal", 10)
        self._engage = wiring.client(self._node, interfaces.ENGAGE)
        self._clocks: list[Any] = []
        self._node.create_subscription(Clock, "/clock", self._clocks.append, qos.profile(Qos(1, reliable=False)))
        self._run = self._node.create_publisher(CarlaControl, "/carla/control", 10)
        self._last = self._node.create_client(GetState, "monitor_node/get_state")  # the supervisor brings it up last

    def _on_state(self, msg: Any) -> None:
        self._mode = msg.state

    def drive(self, patience_s: float) -> Driven:
        """Until the scenario's end. Raises TakeadError where it does not come in so long by the wall clock."""
        deadline = time.monotonic() + patience_s
        self._until(deadline, self._all_up, "the nodes did not come up")
        self._until(deadline, self._on_the_way, "the bridge gave no route to the goal")
        self._until(deadline, self._engaged, "the arbiter did not engage")
        first, engaged = stamp_s(self._scenes[0][1]), stamp_s(self._scenes[-1][1])
        followed = FollowedRoute(build(self._way.family, self._way.seed), 0.05, first)
        seen, stood, again = 0, 0.0, 0
        began = self._scenes[-1]
        while followed.end is End.RUNNING:
            if time.monotonic() > deadline or self._launch.poll() is not None:
                raise TakeadError(
                    f"the drive of {self._way.family} did not end in {patience_s} s; see {self._folder}/log"
                )
            self._executor.spin_once(timeout_sec=0.02)
            while seen < len(self._scenes) and followed.end is End.RUNNING:
                followed.take(convert.scene_from_msg(self._scenes[seen][1]))
                seen += 1
            stopped = self._mode == types.ArbiterState.STOPPED
            stood = (stood or time.monotonic()) if stopped else 0.0
            if stopped and time.monotonic() - stood > STANDING_S:  # as who is asked to
                self._engage.call_async(interfaces.ENGAGE.service.Request())
                again, stood = again + 1, 0.0
        at, last = self._scenes[-1]
        written = time.monotonic() + 1.0  # the bag is to have the end
        while time.monotonic() < written:
            self._executor.spin_once(timeout_sec=0.02)
        pace = (stamp_s(last) - stamp_s(began[1])) / max(at - began[0], 1e-3)
        return Driven(first, engaged, again, pace, followed.end)

    def _all_up(self) -> bool:
        """Whether all nodes are active; holds the scenario until they are."""
        if not self._clocks or not self._last.service_is_ready():
            return False
        self._run.publish(CarlaControl(command=CarlaControl.PAUSE))
        future = self._last.call_async(GetState.Request())
        self._executor.spin_until_future_complete(future, timeout_sec=2.0)
        active = future.done() and future.result().current_state.id == State.PRIMARY_STATE_ACTIVE
        if active:
            self._run.publish(CarlaControl(command=CarlaControl.PLAY))
        return bool(active)

    def _on_the_way(self) -> bool:
        """Whether the route leads to the goal; gives it where not, as the publisher's own may be out of reach."""
        poses = self._routes[-1].poses if self._routes else ()
        if poses and math.dist((poses[-1].pose.position.x, poses[-1].pose.position.y), self._way.goal) < 5.0:
            return True
        goal = PoseStamped()
        goal.header.frame_id = "map"
        (goal.pose.position.x, goal.pose.position.y), goal.pose.orientation.w = self._way.goal, 1.0
        self._goal.publish(goal)
        return False

    def _engaged(self) -> bool:
        if not self._scenes or not self._engage.service_is_ready():
            return False
        future = self._engage.call_async(interfaces.ENGAGE.service.Request())
        self._executor.spin_until_future_complete(future, timeout_sec=2.0)
        return bool(future.done() and future.result().accepted)

    def _until(self, deadline: float, true: Any, problem: str) -> None:
        due = 0.0
        while True:
            self._executor.spin_once(timeout_sec=0.02)
            if time.monotonic() >= due:
                if true():
                    return
                due = time.monotonic() + 0.1
            if time.monotonic() > deadline or self._launch.poll() is not None:
                raise TakeadError(f"{problem}; see {self._folder / 'log'}")

    def end(self) -> None:
        """Ctrl-C to the launch, and the end of the listener."""
        if self._launch.poll() is None:
            os.killpg(self._launch.pid, signal.SIGINT)
        try:
            self._launch.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(self._launch.pid, signal.SIGKILL)
        self._log.close()
        self._executor.shutdown()
        self._node.destroy_node()
        rclpy.shutdown()


def stamp_s(msg: Any) -> float:
    """Simulated s."""
    return float(msg.header.stamp.sec + 1e-9 * msg.header.stamp.nanosec)
