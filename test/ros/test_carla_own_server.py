"""A CARLA of the user's that was there before the launch: its world is kept, and it runs by itself again afterwards."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.bridge import missing_for_the_bridge

if MISSING := missing_for_the_bridge():
    pytest.skip(f"the bridge end to end needs: {MISSING}", allow_module_level=True)

from ament_index_python.packages import get_package_prefix

from support.carla_drive import Drive
from support.carla_server import free_ports
from takead_ros.domain.errors import TakeadError
from takead_ros.maps.towns import map_file

pytestmark = pytest.mark.ros
START = (120.0, -133.4, 0.0)
# What a user sees of the server, from a process of its own.
LOOK = """import sys, time, carla
world = carla.Client("127.0.0.1", int(sys.argv[1])).get_world()
first = world.wait_for_tick(5.0).frame
print(world.get_settings().synchronous_mode, world.wait_for_tick(5.0).frame > first)"""


@pytest.fixture
def port() -> Iterator[int]:
    """Where a server listens that goes on."""
    try:
        map_file("Town01")
    except TakeadError as problem:
        pytest.skip(str(problem))
    port = free_ports()
    program = Path(get_package_prefix("takead_ros")) / "lib" / "takead_ros" / "carla_server"
    server = subprocess.Popen(
        [str(program), "--town", "Town01", "--port", str(port)], stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    for line in server.stdout:
        if "speaks CARLA" in line:
            break
    yield port
    server.terminate()
    server.communicate(timeout=20)


def test_its_world_is_kept_and_it_runs_by_itself_again(port: int, tmp_path: Path) -> None:
    os.environ["ROS_DOMAIN_ID"] = str(20 + os.getpid() % 60)
    drive = Drive(tmp_path, START, port, server=False)
    try:
        drives = drive.spin(90.0, lambda: drive.ego is not None and drive.ego.speed > 2.0)
    finally:
        ending_s = drive.end()
        drive.close()
        log = drive.log.read_text(errors="replace")
        print(log[-6000:])
    assert drives and ending_s < 20.0
    assert "Loading town" not in log, "the bridge loads the world anew"
    assert "is back in asynchronous mode" in log and "failed to terminate" not in log
    looked = subprocess.run([sys.executable, "-c", LOOK, str(port)], capture_output=True, text=True, timeout=60)
    assert looked.stdout.splitlines()[-1:] == ["False True"], looked.stdout + looked.stderr
