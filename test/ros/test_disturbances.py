"""Disturbances between the stack's processes over DDS: the clock jumps, a publisher freezes, somebody listens slowly.

What has to happen is in docs/takeover.md, "Inputs" and "Over DDS".
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.onlooker import Onlooker
from support.single_nodes import SingleNodes
from support.time_relay import REMAPPED, TimeRelay
from takead_ros.domain.driving import ArbiterMode as M
from takead_ros.messages import types

START_S = 90.0
GAP_S = 0.5  # ten control periods: on a loaded test machine any process may wait for a core
OLDEST_S = 0.31  # of what a command may go by
POLICY, EXPERT, MRM = types.DriveCommand.POLICY, types.DriveCommand.EXPERT, types.DriveCommand.MRM
AHEAD_S, BACK_S = 10.0, -5.0
FAST_MPS = 3.0  # a vehicle that is still in motion when something happens to it
BLIND_S = 0.15  # between two scenes: after 0.2 s the stack is right to stop, whatever else is tried

# Hears everything that the stack says, and takes its time over each message; stopped by a signal it takes none.
SLOW = """
import sys, time
import rclpy
from takead_ros.host import wiring
from takead_ros.messages import interfaces
rclpy.init()
node = rclpy.create_node("slow", namespace="takead")
for one in interfaces.TOPICS:
    if one.name != "/joy":
        wiring.subscription(node, one, lambda _: time.sleep(0.5))
print("listens", flush=True)
rclpy.spin(node)
"""


class Drive:
    """The stack in single processes, with a relay between its simulator and the rest; it drives, fast enough."""

    def __init__(self, folder: Path, domain: int) -> None:
        self.domain = domain
        self.nodes = SingleNodes(folder, domain)
        self.person = Onlooker(domain)
        self.relay = TimeRelay(self.person.node)
        self.nodes.start_stack()
        self.nodes.start_simulator(REMAPPED)

    def drives(self) -> bool:
        """Let the automation drive, after a stop by the service; whether it does, and the vehicle moves."""
        end = time.monotonic() + START_S
        person = self.person
        while time.monotonic() < end:
            if person.mode is M.STOPPED:
                person.engage()
            if person.until(1.0, lambda: person.driven and person.speed > FAST_MPS):
                return True
        return False

    def close(self) -> None:
        self.person.close()
        self.nodes.close()


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Drive]:
    made = Drive(tmp_path_factory.mktemp("disturbances"), domain=20 + (os.getpid() + 15) % 60)
    yield made
    made.close()


@pytest.fixture
def drive(stack: Drive) -> Drive:
    """The stack as it should be: it drives, and nothing is wrong with its time."""
    stack.relay.mend()
    assert stack.drives(), f"nobody drives, but {stack.person.mode.name}"
    stack.person.until(1.0)  # that both sides have spoken
    return stack


def with_scenes(drive: Drive, disturb: Callable[[], None]) -> float:
    """When ``disturb`` began, with the policy driving: the attempt in which the machine itself kept no scene away."""
    person = drive.person
    for _ in range(4):
        assert drive.drives() and person.until(30.0, lambda: person.mode is M.POLICY), "the policy never drives"
        begun = time.monotonic()
        disturb()
        if person.longest_blindness(begun) < BLIND_S:
            return begun
    raise AssertionError(f"no attempt without {BLIND_S} s between two scenes: this machine is too busy for the test")


def stops(drive: Drive, begun: float) -> None:
    """From ``begun`` on the vehicle came to a held stop, with a command at every tick, and stays until it is asked."""
    person = drive.person
    assert person.until(20.0, lambda: person.mode is M.STOPPED), f"no stop, but {person.mode.name}"
    assert person.longest_gap(begun) < GAP_S
    assert person.modes_since(begun)[:1] != [M.HUMAN] and M.MRM in person.modes_since(begun)
    held = time.monotonic()
    person.until(2.0)
    assert {msg.longitudinal_source for msg in person.since(held)} == {MRM}
    assert all(msg.acceleration < 0.0 for msg in person.since(held)), "a stopped vehicle is held by the brake"


def clock_ahead(relay: TimeRelay) -> None:
    relay.clock_shift_s += AHEAD_S


def clock_back(relay: TimeRelay) -> None:
    relay.clock_shift_s += BACK_S


def clock_stands(relay: TimeRelay) -> None:
    relay.clock_stands = True


def picture_stands(relay: TimeRelay) -> None:
    relay.picture_stands = True


@pytest.mark.ros
@pytest.mark.parametrize("fault", [clock_ahead, clock_back, clock_stands, picture_stands])
def test_without_a_scene_of_now_the_vehicle_stops_and_waits(drive: Drive, fault: Callable[[TimeRelay], None]) -> None:
    """The clock alone jumps or stands, or the picture does: scenes are no longer of now."""
    begun = time.monotonic()
    fault(drive.relay)
    stops(drive, begun)
    drive.relay.mend()
    drive.person.until(1.0)
    assert drive.person.mode is M.STOPPED, "it set off by itself when all was well again"
    assert drive.drives(), "engage did not let it drive on"


@pytest.mark.ros
@pytest.mark.parametrize("seconds", [AHEAD_S, BACK_S])
def test_when_time_jumps_for_all_somebody_drives_on(drive: Drive, seconds: float) -> None:
    """Clock and stamps alike, as where a recording is played again."""
    person = drive.person

    def jump() -> None:
        drive.relay.jump(seconds)
        person.until(4.0)

    begun = with_scenes(drive, jump)
    assert person.longest_gap(begun) < GAP_S
    modes = person.modes_since(begun)
    assert not {M.MRM, M.STOPPED} & set(modes), [mode.name for mode in modes]
    said = person.since(begun + 1.0)
    assert {msg.lateral_source for msg in said} <= {POLICY, EXPERT}
    assert max(msg.lateral_age for msg in said) < OLDEST_S, "an input of the old time is still gone by"


@pytest.mark.ros
@pytest.mark.parametrize("name", ["policy", "monitor"])
def test_a_node_that_freezes_is_driven_on_without(drive: Drive, name: str) -> None:
    person, thawed = drive.person, 0.0

    def freeze() -> None:
        nonlocal thawed
        drive.nodes.signal(name, signal.SIGSTOP)
        person.until(3.0)
        drive.nodes.signal(name, signal.SIGCONT)
        thawed = time.monotonic()
        person.until(1.0)

    begun = with_scenes(drive, freeze)
    frozen = [msg for at, msg in person.commands if begun + OLDEST_S + GAP_S < at < thawed]
    assert frozen and {msg.lateral_source for msg in frozen} == {EXPERT}
    assert person.longest_gap(begun) < GAP_S
    # What it said before it froze, and what it says of old scenes as it thaws, is nothing to go by.
    assert max(msg.lateral_age for msg in person.since(begun)) < OLDEST_S
    assert person.until(30.0, lambda: person.mode is M.POLICY), "the policy did not get the vehicle back"


@pytest.mark.ros
@pytest.mark.parametrize("stopped", [False, True], ids=["slow", "stopped"])
def test_nobody_who_listens_slowly_holds_the_arbiter_up(drive: Drive, stopped: bool) -> None:
    person = drive.person

    def rate() -> float:
        """Commands a second in the next ten, none of them long after the one before."""
        begun = time.monotonic()
        person.until(10.0)
        assert person.longest_gap(begun) < GAP_S
        return len(person.since(begun)) / (time.monotonic() - begun)

    alone = rate()
    environment = {**os.environ, "ROS_DOMAIN_ID": str(drive.domain)}
    with subprocess.Popen([sys.executable, "-c", SLOW], stdout=subprocess.PIPE, text=True, env=environment) as slow:
        try:
            assert slow.stdout is not None and slow.stdout.readline() == "listens\n"
            person.until(3.0)  # until everybody has found it
            if stopped:
                slow.send_signal(signal.SIGSTOP)
            beside = rate()
        finally:
            slow.kill()
    print(f"{alone:.2f} commands a second alone, {beside:.2f} beside that reader")
    assert beside > 0.95 * alone, "somebody waits for the reader"
