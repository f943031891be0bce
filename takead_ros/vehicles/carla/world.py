"""The world of a CARLA server before carla_ros_bridge comes and after it has gone, as the program ``carla_world``.

    carla_world keep HOST PORT TIMEOUT_S TOWN ROLE   prints the town as the bridge has to be told it
    carla_world release HOST PORT                    waits for SIGINT or SIGTERM, then lets the server run by itself

The bridge compares the town that it is given with the server's own name of its map (``Carla/Maps/Town01``), and loads a
world of another name anew: whoever is in it is gone. It sets the server to synchronous mode and leaves it so.
"""

from __future__ import annotations

import signal
import sys
import time
from typing import Any

from takead_ros.domain.errors import TakeadError
from takead_ros.maps.carla_map import import_carla

FIRST_FRAME_S = 5.0  # a server that runs by itself makes one sooner
QUIET_S = 1.5  # without a frame nobody steps the server: the bridge waits 1 s for a command at most
LONGEST_S = 8.0  # that stepping is watched at the end


def connect(host: str, port: int, timeout_s: float) -> Any:
    """A ``carla.Client`` of a server that answers. Raises TakeadError for one that does not in so long."""
    client = import_carla().Client(host, port)
    client.set_timeout(timeout_s)
    try:
        client.get_server_version()
    except RuntimeError as error:
        raise TakeadError(f"CARLA at {host}:{port}: {error}") from error
    return client


def name_for_bridge(client: Any, town: str, role: str) -> str:
    """``town`` by the server's own name of it, where the bridge may drive in the world that is there: it is that town,
    it runs, and no vehicle has the ego's role from an earlier drive. Else ``town``, which is loaded anew."""
    world = client.get_world()
    name = str(world.get_map().name)
    if town.endswith(".xodr") or name.rsplit("/", 1)[-1] != town.rsplit("/", 1)[-1] or not _steps(world, FIRST_FRAME_S):
        return town
    return town if any(one.attributes.get("role_name") == role for one in world.get_actors()) else name


def release(client: Any) -> str:
    """Put a server that nobody steps any more back to asynchronous mode. What was done, in words."""
    world, began = client.get_world(), time.monotonic()
    while world.get_settings().synchronous_mode:
        if not _steps(world, QUIET_S):
            settings = world.get_settings()
            settings.synchronous_mode, settings.fixed_delta_seconds = False, None
            world.apply_settings(settings)
            return "back in asynchronous mode"
        if time.monotonic() - began > LONGEST_S:
            return "left in synchronous mode: another client steps it"
    return "in asynchronous mode"


def _steps(world: Any, seconds: float) -> bool:
    """Whether the world makes a frame within so long."""
    try:
        world.wait_for_tick(seconds)
    except RuntimeError:
        return False
    return True


def main(arguments: list[str]) -> int:
    """The program; 2 with one line where the server does not answer."""
    host, port = arguments[1], int(arguments[2])
    try:
        if arguments[0] == "keep":
            client = connect(host, port, float(arguments[3]))
            sys.stdout.write(f"{name_for_bridge(client, *arguments[4:6])}\n")
            return 0
        ending = {signal.SIGINT, signal.SIGTERM}
        signal.pthread_sigmask(signal.SIG_BLOCK, ending)
        signal.sigwait(ending)
        sys.stdout.write(f"CARLA at {host}:{port} is {release(connect(host, port, QUIET_S))}\n")
    except (TakeadError, RuntimeError) as error:  # RuntimeError: the client's, for a server that is gone meanwhile
        sys.stderr.write(f"{error}\n")
        return 2
    return 0
