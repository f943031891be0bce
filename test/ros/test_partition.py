"""The network between the vehicle's side and the arbiter is cut and comes back: two network namespaces, a real link.

Needs root, ``ip`` (iproute2) and CycloneDDS, which is told the interface. What has to happen is in docs/takeover.md,
"Over DDS".
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.onlooker import Onlooker
from support.single_nodes import SingleNodes
from takead_ros.domain.driving import ArbiterMode as M

START_S, BACK_S = 90.0, 60.0
GAP_S = 0.5
CUT_S = 6.0
FAST_MPS = 4.0
STOPPING_MPS2 = 3.0  # the simulator's brake without a command, after SILENCE_S
SILENCE_S = 0.25
SIDES = (f"tkn{os.getpid()}", f"tkf{os.getpid()}")  # the arbiter's and the vehicle's


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


def uri(interface: str) -> dict[str, str]:
    """CycloneDDS on this interface."""
    general = f"<General><Interfaces><NetworkInterface name='{interface}'/></Interfaces></General>"
    return {
        "CYCLONEDDS_URI": f"<CycloneDDS><Domain>{general}</Domain></CycloneDDS>",
        "ROS_AUTOMATIC_DISCOVERY_RANGE": "SUBNET",
    }


class Link:
    """Two network namespaces, ``SIDES``, and a cable between them, whose end is called so in each."""

    def __init__(self) -> None:
        for side in SIDES:
            ip("netns", "add", side)
        near, far = SIDES
        ip("-n", near, "link", "add", near, "type", "veth", "peer", "name", far, "netns", far)
        for number, side in enumerate(SIDES):
            ip("-n", side, "address", "add", f"10.213.0.{1 + number}/24", "dev", side)
            ip("-n", side, "link", "set", "lo", "up")
            ip("-n", side, "link", "set", side, "up")

    def plug(self, connected: bool) -> None:
        ip("-n", SIDES[1], "link", "set", SIDES[1], "up" if connected else "down")

    def close(self) -> None:
        for side in SIDES:
            subprocess.run(["ip", "netns", "delete", side], check=False, capture_output=True)


@contextmanager
def inside(namespace: str) -> Iterator[None]:
    """What this thread starts lives in the network namespace."""
    libc = ctypes.CDLL(None, use_errno=True)
    here, there = Path("/proc/thread-self/ns/net"), Path("/run/netns") / namespace
    with here.open("rb") as outside, there.open("rb") as within:
        assert libc.setns(within.fileno(), 0) == 0, os.strerror(ctypes.get_errno())
        try:
            yield
        finally:
            assert libc.setns(outside.fileno(), 0) == 0, os.strerror(ctypes.get_errno())


@pytest.fixture
def link() -> Iterator[Link]:
    if os.environ.get("RMW_IMPLEMENTATION") != "rmw_cyclonedds_cpp":
        pytest.skip("RMW_IMPLEMENTATION is not rmw_cyclonedds_cpp, whose interface this test chooses")
    if shutil.which("ip") is None or os.geteuid() != 0:
        pytest.skip("network namespaces need root and the program ip")
    try:
        made = Link()
    except subprocess.CalledProcessError as refused:
        pytest.skip(f"no network namespace here: {refused.stderr.decode().strip()}")
    yield made
    made.close()


@pytest.mark.ros
def test_both_sides_stop_while_the_network_is_cut_and_go_on_when_asked(
    link: Link, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    domain = 20 + (os.getpid() + 45) % 60
    for name, value in uri(SIDES[0]).items():
        monkeypatch.setenv(name, value)
    nodes = SingleNodes(tmp_path, domain)
    with inside(SIDES[0]):
        nodes.start_stack()
        person = Onlooker(domain)
    try:
        nodes.start_simulator(before=["ip", "netns", "exec", SIDES[1]], environment=uri(SIDES[1]))
        assert person.until(START_S, lambda: person.driven and person.speed > FAST_MPS), "nobody drives"
        person.until(1.0)
        link.plug(False)
        cut, before = time.monotonic(), person.scenes[-1][1].ego
        person.until(CUT_S)
        # Here: without scenes a minimum-risk stop, to its end, with a command at every tick.
        assert person.longest_gap(cut) < GAP_S
        assert person.mode is M.STOPPED and M.MRM in person.modes_since(cut)
        link.plug(True)
        plugged = time.monotonic()
        assert person.until(BACK_S, lambda: person.scenes[-1][0] > plugged), "the sides did not find each other again"
        print(f"heard again {time.monotonic() - plugged:.1f} s after the link was there")
        # There: without commands the brake, with the wheel held.
        after = person.scenes[-1][1].ego
        assert abs(after.speed) < 0.1, "the vehicle went on without commands"
        gone = ((after.x - before.x) ** 2 + (after.y - before.y) ** 2) ** 0.5
        assert gone < before.speed * (SILENCE_S + GAP_S) + before.speed**2 / (2.0 * STOPPING_MPS2) + 1.0
        person.until(2.0)
        assert person.mode is M.STOPPED, "it set off by itself"
        end = time.monotonic() + BACK_S
        while time.monotonic() < end and not person.driven:
            person.engage()
            person.until(1.0, lambda: person.driven)
        assert person.driven and person.until(10.0, lambda: person.speed > 1.0)
    finally:
        person.close()
        nodes.close()
