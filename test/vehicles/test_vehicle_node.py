"""vehicle_node in the lockstep host, with the vehicle that docs/extending.md adds."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from support.fuzz import mutate
from takead_ros.domain.driving import DriveCommand, Source
from takead_ros.domain.errors import TakeadError
from takead_ros.host import qos, wiring
from takead_ros.host.lockstep import LockstepHost
from takead_ros.messages import convert, interfaces, types
from takead_ros.messages.interfaces import Qos
from takead_ros.nodes.vehicle_node import VehicleNode
from takead_ros.vehicles import VEHICLES

PAGE = Path(__file__).parents[2] / "docs" / "extending.md"
TICK = 50_000_000


@pytest.fixture
def cart() -> Iterator[None]:
    """The worked example, as it stands on the page."""
    section = PAGE.read_text(encoding="utf-8").split("\n## A vehicle\n")[1].split("\n## ")[0]
    (code,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    exec(compile(code, str(PAGE), "exec"), {"__name__": "cart"})
    yield
    del VEHICLES["cart"]


class Cart:
    """A cart at 2 m/s on its route, 20 times a second; ``speaks`` and ``commands`` say what it hears."""

    def __init__(self) -> None:
        self.host = LockstepHost()
        self.speaks = self.commands = True
        self.slowed, self.stamp = 1, 0  # its clock runs so much slower than the host's
        self.x, self.source, self.acceleration = 0.0, Source.POLICY, 1.0
        self.scenes: list[Any] = []
        self.twists: list[Any] = []
        self.health: list[Any] = []
        node = self.host.create_node("cart")
        self._odometry_type = types.message("nav_msgs/msg/Odometry")
        self.odometry = node.create_publisher(self._odometry_type, "/cart/odometry", qos.profile(Qos(10)))
        self._command = wiring.publisher(node, interfaces.COMMAND)
        twist = types.message("geometry_msgs/msg/Twist")
        node.create_subscription(twist, "/cart/twist", self.twists.append, qos.profile(Qos(1)))
        wiring.subscription(node, interfaces.SCENE, self.scenes.append)
        wiring.subscription(node, interfaces.DIAGNOSTICS, self.health.append)
        self.handle = self.host.create_node(VehicleNode.NAME, parameter_overrides={"vehicle": "cart"})
        self.node = VehicleNode(self.handle, self.host.steady)

    def message(self) -> Any:
        msg = self._odometry_type(header=convert.header_to_msg(self.stamp, "map"))
        msg.pose.pose.position.x, msg.twist.twist.linear.x = self.x, 2.0
        msg.pose.pose.orientation.w = 1.0
        return msg

    def run(self, ticks: int) -> None:
        for _ in range(ticks):
            now = self.host.clock.nanoseconds
            if self.speaks:
                self.odometry.publish(self.message())
                self.x += 0.1
            if self.commands:
                command = DriveCommand(now, 0.2, self.acceleration, self.source, self.source, reason="why")
                self._command.publish(convert.command_to_msg(command))
            self.host.advance(TICK)
            self.stamp += TICK // self.slowed

    @property
    def status(self) -> Any:
        return self.health[-1].status[0]


@pytest.mark.usefixtures("cart")
def test_a_vehicle_is_one_file_and_a_row() -> None:
    cart = Cart()
    cart.run(45)
    scene = convert.scene_from_msg(cart.scenes[-1])
    assert scene.ego.speed == 2.0 and scene.ego.x == pytest.approx(4.4) and scene.ego.wheelbase == pytest.approx(0.8)
    assert scene.route.completion == pytest.approx(4.4 / 190.0, rel=1e-3)
    assert cart.twists[-1].linear.x == pytest.approx(2.5)
    assert cart.twists[-1].angular.z == pytest.approx(2.5 * np.tan(0.2) / 0.8, rel=1e-6)
    assert cart.status.name == "/takead/vehicle_node: vehicle"
    assert (cart.status.level, cart.status.message) == (types.DiagnosticStatus.OK, "driven by POLICY")


@pytest.mark.usefixtures("cart")
def test_a_simulation_that_is_not_real_time_is_told() -> None:
    cart = Cart()
    cart.run(45)
    assert {pair.key: pair.value for pair in cart.status.values}["real_time_factor"] == "1.00"
    cart.slowed = 3
    cart.run(65)
    assert cart.status.level == types.DiagnosticStatus.WARN and "at 0.33 of real time" in cart.status.message


@pytest.mark.usefixtures("cart")
def test_it_stops_where_commands_stay_away() -> None:
    cart = Cart()
    cart.run(20)
    cart.commands = False
    cart.run(25)
    assert cart.twists[-1].linear.x == 0.0
    assert cart.status.level == types.DiagnosticStatus.WARN and "no command for 0.25 s" in cart.status.message


@pytest.mark.usefixtures("cart")
def test_a_simulator_that_waits_for_commands_gets_one_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """As carla_ros_bridge does, which takes a command that comes too early for two steps."""
    row = VEHICLES["cart"]()

    def make(parameters: Any) -> Any:
        side = row.make(parameters)
        side.inputs = tuple(replace(one, ends_step=True) for one in side.inputs)
        return side

    monkeypatch.setitem(VEHICLES, "cart", lambda: replace(row, make=make))
    cart = Cart()
    cart.run(20)
    cart.speaks = False  # it is in a step that takes long
    sent = len(cart.twists)
    cart.run(4)
    assert len(cart.twists) - sent <= 1
    sent, cart.speaks = len(cart.twists), True
    cart.acceleration = 2.0
    cart.run(1)
    assert len(cart.twists) == sent + 1  # the newest of those that were held
    sent, cart.speaks = len(cart.twists), False
    cart.run(12)
    assert len(cart.twists) > sent  # one whose end got lost is not waited for


@pytest.mark.usefixtures("cart")
def test_it_is_told_to_stop_before_it_is_known() -> None:
    cart = Cart()
    cart.speaks = False
    cart.run(25)
    assert cart.twists and all(twist.linear.x == 0.0 for twist in cart.twists)
    assert (cart.status.level, cart.status.message) == (
        types.DiagnosticStatus.ERROR, "no scene: no /cart/odometry yet",
    )  # fmt: skip


@pytest.mark.usefixtures("cart")
@pytest.mark.parametrize("source", [Source.MRM, Source.NONE])
def test_it_is_not_green_while_nobody_drives(source: Source) -> None:
    cart = Cart()
    cart.source, cart.acceleration = source, -1.0
    cart.run(25)
    assert cart.status.level == types.DiagnosticStatus.WARN
    assert cart.status.message == f"nobody drives ({source.name}): why"


@pytest.mark.usefixtures("cart")
def test_it_survives_any_message_of_its_vehicle() -> None:
    cart, random = Cart(), np.random.default_rng(5)
    for _ in range(500):
        cart.odometry.publish(mutate(cart.message(), random))
        cart.host.advance(5_000_000)
    cart.run(65)
    assert convert.scene_from_msg(cart.scenes[-1]).ego.speed == 2.0 and cart.status.level == types.DiagnosticStatus.OK


@pytest.mark.usefixtures("cart")
def test_no_command_that_is_no_number_is_carried_out() -> None:
    cart = Cart()
    cart.run(5)
    cart.acceleration = math.nan
    cart.run(25)
    assert all(math.isfinite(twist.linear.x) for twist in cart.twists) and cart.twists[-1].linear.x == 0.0
    values = {pair.key: pair.value for pair in cart.status.values}
    assert int(values["rejected"]) >= 10 and "DriveCommand.acceleration is nan" in values["last_rejected"]


@pytest.mark.usefixtures("cart")
def test_its_parameters_are_those_of_its_row() -> None:
    cart = Cart()
    names = set(cart.handle.get_parameters_by_prefix(""))
    assert names == {"use_sim_time", "vehicle", "max_command_age_s", "stopping_mps2", "wheelbase_m"}


def test_an_unknown_vehicle_is_refused() -> None:
    host = LockstepHost()
    handle = host.create_node(VehicleNode.NAME, parameter_overrides={"vehicle": "boat"})
    with pytest.raises(TakeadError, match="vehicle 'boat': unknown, expected one of ackermann, carla"):
        VehicleNode(handle, host.steady)
