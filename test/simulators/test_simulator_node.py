"""The simulator as a node in the lockstep host."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from takead_ros.domain.driving import DriveCommand, Source
from takead_ros.domain.errors import TakeadError
from takead_ros.host import wiring
from takead_ros.host.lockstep import LockstepHost
from takead_ros.messages import convert, interfaces
from takead_ros.nodes.simulator_node import SimulatorNode
from takead_ros.scenarios import build
from takead_ros.simulators.metadrive.simulator import MetaDrive

pytestmark = pytest.mark.slow

STEP = 50_000_000  # ns


class Driver:
    """Publishes the same command at every tick while ``drives``; keeps what the simulator says."""

    def __init__(self, host: LockstepHost, acceleration: float = 1.0) -> None:
        self.scenes: list[Any] = []
        self.clocks: list[int] = []
        self.statuses: list[str] = []
        self.drives = True
        node = host.create_node("driver")
        publisher = wiring.publisher(node, interfaces.COMMAND)
        wiring.subscription(node, interfaces.SCENE, self.scenes.append)
        wiring.subscription(
            node, interfaces.CLOCK, lambda msg: self.clocks.append(msg.clock.sec * 10**9 + msg.clock.nanosec)
        )
        wiring.subscription(node, interfaces.DIAGNOSTICS, lambda msg: self.statuses.append(msg.status[0].message))
        command = DriveCommand(0, 0.0, acceleration, Source.EXPERT, Source.EXPERT)

        def tick() -> None:
            if self.drives:
                publisher.publish(convert.command_to_msg(command))

        node.create_timer(0.05, tick)

    @property
    def speeds(self) -> list[float]:
        return [scene.ego.speed for scene in self.scenes]


def test_its_own_episodes_follow_each_other_on_one_clock() -> None:
    # before the module's own simulator runs: there is one engine in a process
    host = LockstepHost()
    overrides = {"family": "broken_down_car", "seed": 4, "publish_clock": True}
    node = SimulatorNode(host.create_node(SimulatorNode.NAME, parameter_overrides=overrides), host.steady)
    try:
        driver = Driver(host, acceleration=-4.0)
        host.advance(400 * STEP)
    finally:
        node.close()
    ticks = np.diff([0, *driver.clocks]) // STEP
    assert len(ticks) >= 380 and ticks.min() >= 1 and ticks[:300].max() == 1, "one clock, only forward"
    stamps = [convert.stamp_from_msg(scene) for scene in driver.scenes]
    assert stamps == sorted(set(stamps)) and set(stamps) <= set(driver.clocks)
    places = np.array([scene.ego.x for scene in driver.scenes])
    jumps = np.flatnonzero(np.abs(np.diff(places)) > 1.0)
    assert len(jumps) == 1, "blocked after 15 s of standstill, then the next seed"


def test_a_given_world_is_driven_by_commands_and_brakes_without_them(simulator: MetaDrive) -> None:
    host = LockstepHost()
    episode = simulator.reset(build("broken_down_car", 0))
    SimulatorNode(host.create_node(SimulatorNode.NAME), host.steady, episode)
    driver = Driver(host)
    host.advance(20 * STEP)
    assert len(driver.scenes) == 20 and episode.time_s == pytest.approx(19 * 0.05), "the first tick waits for a driver"
    assert convert.stamp_from_msg(driver.scenes[-1]) == 20 * STEP
    assert driver.speeds[-1] > driver.speeds[0] + 0.5
    driver.drives = False
    fastest = driver.speeds[-1]
    host.advance(40 * STEP)
    assert driver.speeds[-1] < fastest - 3.0
    assert any("braking to a stop" in message for message in driver.statuses)


def test_the_world_waits_for_a_driver_but_not_for_ever(simulator: MetaDrive) -> None:
    host = LockstepHost()
    episode = simulator.reset(build("broken_down_car", 0))
    SimulatorNode(
        host.create_node(SimulatorNode.NAME, parameter_overrides={"wait_for_driver_s": 1.0}), host.steady, episode
    )
    driver = Driver(host)
    driver.drives = False
    host.advance(20 * STEP)
    assert episode.time_s == 0.0 and driver.statuses == ["waiting for a driver"]
    host.advance(20 * STEP)
    assert episode.time_s > 0.9 and driver.speeds[-1] < driver.speeds[0]


def test_bad_parameters_are_refused_by_name(simulator: MetaDrive) -> None:
    host = LockstepHost()
    episode = simulator.reset(build("broken_down_car", 0))
    with pytest.raises(TakeadError, match="parameter 'period_s' = -1"):
        SimulatorNode(host.create_node("a", parameter_overrides={"period_s": -1.0}), host.steady, episode)
    with pytest.raises(TakeadError, match="suite 'nonsense'"):
        SimulatorNode(host.create_node("b", parameter_overrides={"suite": "nonsense"}), host.steady)
    with pytest.raises(TakeadError, match=r"simulator 'nonsense': unknown, expected one of .*metadrive"):
        SimulatorNode(host.create_node("c", parameter_overrides={"simulator": "nonsense"}), host.steady)
