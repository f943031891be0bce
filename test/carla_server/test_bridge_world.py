"""What carla_ros_bridge finds and leaves at a server, by the program ``carla_world`` against a running one."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from support.carla_server import free_ports, running, start_client
from takead_ros.simulators.carla_server.map_sources import KnownTowns

PROGRAM = "import sys; from takead_ros.vehicles.carla.world import main; print('up', flush=True); main(sys.argv[1:])"


def carla_world(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def kept(port: int, town: str) -> str:
    """How the bridge is told ``town``."""
    out, err = carla_world("keep", "127.0.0.1", str(port), "20", town, "ego_vehicle").communicate(timeout=60)
    assert out.count("\n") == 2, out + err
    return out.splitlines()[-1]


def stepped(port: int, made: Path) -> subprocess.Popen[str]:
    """A bridge that steps the server."""
    bridge = start_client("bridge_like", port, "ego_vehicle", str(made))
    deadline = time.monotonic() + 60
    while not made.exists():
        assert time.monotonic() < deadline and bridge.poll() is None
        time.sleep(0.02)
    return bridge


def release(port: int) -> subprocess.Popen[str]:
    """The program in wait of Ctrl-C, and that."""
    program = carla_world("release", "127.0.0.1", str(port))
    assert program.stdout is not None and program.stdout.readline() == "up\n"
    time.sleep(0.5)
    program.send_signal(signal.SIGINT)
    return program


def test_a_town_that_is_there_is_told_by_the_servers_name_and_not_loaded_anew(towns: KnownTowns) -> None:
    with running(towns) as run:
        told = [kept(run.port, town) for town in ("straight", "/Game/Carla/Maps/straight", "crossing", "straight.xodr")]
    assert told == ["Carla/Maps/straight", "Carla/Maps/straight", "crossing", "straight.xodr"]


@pytest.mark.slow
def test_a_server_that_the_bridge_stepped_runs_by_itself_again(towns: KnownTowns, tmp_path: Path) -> None:
    with running(towns) as run:
        bridge = stepped(run.port, tmp_path / "there")
        program = release(run.port)
        time.sleep(1.0)  # the bridge outlives the Ctrl-C for a moment
        bridge.kill()
        bridge.communicate()
        out, err = program.communicate(timeout=60)
        assert "is back in asynchronous mode" in out, out + err
        world = run.server.world
        assert not world.settings.synchronous_mode
        before = world.frame
        time.sleep(0.5)
        assert world.frame > before, "frames come without anybody's steps"
        assert kept(run.port, "straight") == "straight", "the ego of that drive is still there: a world anew"


@pytest.mark.slow
def test_a_server_that_somebody_else_steps_is_left_to_it(towns: KnownTowns, tmp_path: Path) -> None:
    with running(towns) as run:
        other = stepped(run.port, tmp_path / "there")
        out, err = release(run.port).communicate(timeout=60)
        assert "another client steps it" in out, out + err
        assert run.server.world.settings.synchronous_mode and other.poll() is None
        other.kill()
        other.communicate()


def test_nobody_there_is_one_line() -> None:
    port = free_ports()
    program = carla_world("keep", "127.0.0.1", str(port), "1", "Town01", "ego_vehicle")
    _, err = program.communicate(timeout=60)
    assert err.startswith(f"CARLA at 127.0.0.1:{port}: time-out of 1000ms") and err.count("\n") == 1, err
