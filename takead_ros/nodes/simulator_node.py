"""The embedded simulator as a node: applies the last command, steps, publishes the scene."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from takead_ros import scenarios
from takead_ros.domain.driving import DriveCommand, Source
from takead_ros.domain.episode import EpisodeIdentity
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.scene import Scene
from takead_ros.host import wiring
from takead_ros.host.api import Clock, NodeHandle
from takead_ros.maps.roads import OpenDriveMap
from takead_ros.measures.driving_score import score
from takead_ros.messages import interfaces, types
from takead_ros.messages.convert import SceneConverter, command_from_msg, episode_to_msg, header_to_msg
from takead_ros.messages.fields import time_to_msg
from takead_ros.scenarios.suites import load_suite
from takead_ros.simulators import Episode, open_simulator

SECOND = 1_000_000_000
STOPPING = -3.0  # m/s^2 while there is no command fit to apply
DRIVERS = (Source.POLICY, Source.EXPERT, Source.HUMAN)
SETTLE_NS = SECOND  # from a reset to the first attempt to engage: the monitor forgets the world before
RETRY_NS = SECOND // 2  # between two attempts to engage
FAREWELL_NS = SECOND  # for the answer to disengage, between two episodes

_PARAMETERS: list[tuple[str, Any]] = [
    ("simulator", "metadrive"), ("suite", "demo"), ("family", ""), ("seed", 0), ("rate", 20.0),
    ("max_command_age", 0.25), ("wait_for_driver", 10.0), ("publish_clock", False), ("auto_engage", False),
]  # fmt: skip


class SimulatorNode:
    """Subscribes ``command``; publishes ``scene`` at ``rate`` Hz, ``/diagnostics`` every second, and ``/clock``.

    Parameters: ``simulator``, one of ``simulators.SIMULATORS``; ``suite`` or ``family`` and the first ``seed`` (its
    families in turn, then the next seed, for ever);
    ``rate`` Hz (20, 10, 40: a multiple of the physics step; 10 for safe_metadrive); ``max_command_age`` s, after which
    the ego brakes to a stop without straightening the wheel; ``wait_for_driver`` s that an episode waits for its first
    command;
    ``publish_clock``: simulated time on ``/clock`` and in the stamps; ``auto_engage``: asks the arbiter to engage at
    the start of every episode (at its end it always asks to disengage, for the vehicle is then set elsewhere).
    ``episode``, where given, is driven to its end instead, once. Raises TakeadError for a parameter
    that does not fit.
    """

    NAME = "simulator_node"

    def __init__(self, node: NodeHandle, steady: Clock, episode: Episode | None = None) -> None:
        self._clock, self._steady, self._logger = node.get_clock(), steady, node.get_logger()
        declared = node.declare_parameters("", _PARAMETERS)
        values = {name: p.value for (name, _), p in zip(_PARAMETERS, declared, strict=True)}
        for name in ("rate", "max_command_age", "wait_for_driver"):
            if not values[name] > 0.0:
                raise TakeadError(f"{self.NAME}: parameter '{name}' = {values[name]}, expected a number above 0")
        self._step_ns = round(SECOND / values["rate"])
        self._max_age_ns = round(values["max_command_age"] * SECOND)
        self._patience_ns = round(values["wait_for_driver"] * SECOND)
        self._publish_clock = bool(values["publish_clock"])
        self._repeats, self._auto_engage = episode is None, bool(values["auto_engage"])
        self._seed = int(values["seed"])
        self._families = load_suite(values["family"] or values["suite"]).families if episode is None else ()
        self._started = 0  # episodes
        self._simulator = open_simulator(values["simulator"], 1.0 / values["rate"]) if episode is None else None
        if episode is not None:
            self._episode = episode
        self._converter = SceneConverter()
        self._ticks = 0
        self._command: DriveCommand | None = None
        self._received = 0
        self._fault = ""
        self._shown: Scene | None = None
        self._asked: int | None = None  # when the running question to the arbiter was put
        self._ended: int | None = None  # when the episode ended
        self._suite = str(values["suite"])
        self._simulator_name = str(values["simulator"]) if self._simulator is None else self._simulator.name
        self._said = wiring.publisher(node, interfaces.EPISODE)
        self._scene = wiring.publisher(node, interfaces.SCENE)
        self._diagnostics = wiring.publisher(node, interfaces.DIAGNOSTICS)
        self._time = wiring.publisher(node, interfaces.CLOCK) if self._publish_clock else None
        self._name = node.get_name()
        self._arbiter = (
            {
                "engage": (wiring.client(node, interfaces.ENGAGE), types.Engage.Request),
                "disengage": (wiring.client(node, interfaces.DISENGAGE), types.Disengage.Request),
            }
            if self._repeats
            else {}
        )
        self._begin()
        wiring.subscription(node, interfaces.COMMAND, self._on_command)
        node.create_timer(self._step_ns / SECOND, self._on_timer, clock=steady)

    def close(self) -> None:
        """Gives the engine back where the node made it."""
        if self._simulator is not None:
            self._simulator.close()

    def _begin(self) -> None:
        """Next episode; the first command of a driver, whoever it is, sets the world going."""
        if self._simulator is not None:
            seed, family = divmod(self._started, len(self._families))
            scenario = scenarios.build(self._families[family], self._seed + seed)
            with self._standing_by():
                self._tell_result()
                self._episode = self._simulator.reset(scenario)
            self._logger.info(f"episode {self._started + 1}: {scenario.family}, seed {scenario.seed}")
            self._started += 1
        step_ns = round(self._episode.step_s * SECOND)
        if step_ns != self._step_ns:
            raise TakeadError(
                f"{self.NAME}: parameter 'rate' = {SECOND / self._step_ns:g}, expected {SECOND / step_ns:g} for "
                f"scenario {self._episode.scenario.family}, which has a rate of its own"
            )
        self._command = None
        self._going = False
        self._asked = self._ended = None
        self._waiting_since = self._steady.now().nanoseconds
        scenario = self._episode.scenario
        town = scenario.roads.name if isinstance(scenario.roads, OpenDriveMap) else ""
        identity = EpisodeIdentity(
            self._stamp(), self._suite, scenario.family, scenario.seed, map=town, simulator=self._simulator_name
        )
        self._said.publish(episode_to_msg(identity))

    def _tell_result(self) -> None:
        if self._started:
            result = score(self._episode.outcome())
            self._logger.info(
                f"{result.scenario} seed {result.seed}: driving score {result.driving_score:.1f}, ended by {result.end}"
            )

    @contextmanager
    def _standing_by(self) -> Iterator[None]:
        """Goes on publishing the last scene at its rate while the next world is built, which takes 0.1 s to 0.5 s."""
        built = threading.Event()

        def publish() -> None:
            while not built.wait(self._step_ns / SECOND):
                self._publish()

        thread = threading.Thread(target=publish, daemon=True)
        if self._shown is not None:
            thread.start()
        try:
            yield
        finally:
            built.set()
            if self._shown is not None:
                thread.join()

    def _on_command(self, msg: Any) -> None:
        try:
            self._command = command_from_msg(msg)
        except TakeadError as error:
            self._logger.error(f"command dropped: {error}")
            return
        self._received = self._steady.now().nanoseconds

    def _on_timer(self) -> None:
        now = self._steady.now().nanoseconds
        if self._episode.done:
            if not self._repeats:
                return
            self._finish(now)
        elif self._going:
            self._drive(now)
        else:
            driver = self._command is not None and self._command.longitudinal in DRIVERS
            self._going = driver or now - self._waiting_since > self._patience_ns
            if self._going:
                self._drive(now)
            elif self._auto_engage and now - self._waiting_since > SETTLE_NS:
                self._ask("engage", now)
        self._shown = self._episode.observe(0)
        self._publish()
        if self._ticks % round(SECOND / self._step_ns) == 0:
            self._report(self._stamp())

    def _finish(self, now: int) -> None:
        """The episode is over: the arbiter disengages, then the next one begins."""
        if self._ended is None:
            self._ended, self._asked = now, None
            self._ask("disengage", now)
        disengaged = self._command is None or self._command.longitudinal not in DRIVERS
        if disengaged or now - self._ended > FAREWELL_NS:
            self._begin()

    def _ask(self, question: str, now: int) -> None:
        """Call the arbiter's service, at most once in RETRY_NS; its answer shows in the commands that follow."""
        client, request = self._arbiter[question]
        if (self._asked is None or now - self._asked > RETRY_NS) and client.service_is_ready():
            self._asked = now
            client.call_async(request())

    def _stamp(self) -> int:
        return self._ticks * self._step_ns if self._publish_clock else int(self._clock.now().nanoseconds)

    def _publish(self) -> None:
        """The next moment of the clock, with the world as it was last seen."""
        self._ticks += 1
        stamp = self._stamp()
        if self._time is not None:
            self._time.publish(types.Clock(clock=time_to_msg(stamp)))
        if self._shown is not None:
            self._scene.publish(self._converter.to_msg(replace(self._shown, stamp=stamp)))

    def _drive(self, now: int) -> None:
        """One step with the last command, or braking with the wheel held where there is none that is fresh."""
        command, fault = self._command, ""
        if command is None:
            fault = "no command received yet: braking to a stop"
        elif now - self._received > self._max_age_ns:
            fault = f"no command for {self._max_age_ns / SECOND:.2f} s: braking to a stop"
        if fault and fault != self._fault:
            self._logger.warning(fault)
        self._fault = fault
        if fault or command is None:
            self._episode.step(0.0 if command is None else command.steering_angle, STOPPING)
        else:
            self._episode.step(command.steering_angle, command.acceleration)

    def _report(self, stamp: int) -> None:
        level = types.DiagnosticStatus.WARN if self._fault else types.DiagnosticStatus.OK
        message = self._fault or ("driving" if self._going else "waiting for a driver")
        scenario = self._episode.scenario
        values = {"family": scenario.family, "seed": str(scenario.seed), "episode_time": f"{self._episode.time_s:.2f}"}
        status = types.DiagnosticStatus(
            level=level,
            name=f"{self._name}: world",
            message=message,
            hardware_id="",
            values=[types.KeyValue(key=key, value=value) for key, value in values.items()],
        )
        self._diagnostics.publish(types.DiagnosticArray(header=header_to_msg(stamp, ""), status=[status]))
