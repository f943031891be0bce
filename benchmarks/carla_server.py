"""Which calls of CARLA's client the server answers, and how fast it is with the real client beside it.

    python benchmarks/carla_server.py --write        (renews the tables of docs/results/carla.md; about a minute)

The client runs in a process of its own. The server's own share is the time of the processor that it needs in calls
and frames, beside that of the client.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from takead_ros.files import parse_json
from takead_ros.simulators.carla_server.connection_parts import Counts
from takead_ros.simulators.carla_server.map_sources import KnownTowns
from takead_ros.simulators.carla_server.methods_refused import REFUSED
from takead_ros.simulators.carla_server.server import ALSO, METHODS, Server
from takead_ros.simulators.carla_server.server_world import ServerWorld
from takead_ros.simulators.carla_server.wire_layout import VERSION, load_layout

PAGE = Path(__file__).parents[1] / "docs" / "results" / "carla.md"
PORT = 23000
CARS = (1, 50, 200)
FRAMES = 200
CLIENT = """
import json, sys, time, carla
client = carla.Client("127.0.0.1", int(sys.argv[1])); client.set_timeout(120.0)
world = client.get_world(); settings = world.get_settings()
settings.synchronous_mode, settings.fixed_delta_seconds = True, 0.05
world.apply_settings(settings)
model = world.get_blueprint_library().find("vehicle.tesla.model3")
places = world.get_map().get_spawn_points()
made = client.apply_batch_sync([carla.command.SpawnActor(model, place) for place in places[: int(sys.argv[2])]], True)
cars = world.get_actors([one.actor_id for one in made if not one.error])
def run(act):
    for _ in range(10): act()
    print("begin", flush=True); sys.stdin.readline()
    begun, busy, frames = time.perf_counter(), time.process_time(), int(sys.argv[3])
    for _ in range(frames): act()
    spent, busy = time.perf_counter() - begun, time.process_time() - busy
    told = {"cars": len(cars), "per_s": frames / spent, "client_ms": 1e3 * busy / frames}
    print(json.dumps(told), flush=True)
    sys.stdin.readline()
control = carla.VehicleControl(throttle=0.0, brake=1.0)
def whole():
    client.apply_batch([carla.command.ApplyVehicleControl(car, control) for car in cars])
    world.tick()
    for car in cars: car.get_transform(); car.get_velocity(); car.get_control()
run(world.tick); run(whole)
"""


def calls() -> list[str]:
    """The table of calls."""
    layout = load_layout(VERSION)
    answered = (set(METHODS) | ALSO) & layout.calls
    lines = [
        f"{len(answered)} of the {len(layout.calls)} calls that the client of {VERSION} can send are answered.",
        "",
    ]
    refused = set(REFUSED) & layout.calls
    lines += ["| answered | refused in words, which the server says once | not answered (an error without words) |"]
    lines.append("|---|---|---|")
    groups = (answered, refused, layout.calls - answered - refused)
    lines.append(f"| {' | '.join(', '.join(sorted(group)) for group in groups)} |")
    return lines


class Served:
    """A server on Town01 in a thread, as long as this is entered."""

    def __enter__(self) -> Served:
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        towns = KnownTowns()
        self.server = Server(
            ServerWorld(load_layout(VERSION), towns.load("Town01"), PORT + 1), towns, lambda text: None, False
        )
        await self.server.open("127.0.0.1", PORT, PORT + 1)
        self._ready.set()
        await self.server.run(self._stop)

    @property
    def counts(self) -> Counts:
        return self.server.counts


def measure(cars: int) -> list[dict[str, Any]]:
    """Ticks alone, and ticks with control of all and reading of all."""
    found = []
    with Served() as served:
        command = [sys.executable, "-c", CLIENT, str(PORT), str(cars), str(FRAMES)]
        client = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert client.stdin is not None and client.stdout is not None
        for _ in range(2):
            assert client.stdout.readline() == "begin\n"
            before = served.counts.spent_s
            client.stdin.write("\n")
            client.stdin.flush()
            told = parse_json(client.stdout.readline())
            told["server_ms"] = 1e3 * (served.counts.spent_s - before) / FRAMES
            found.append(told)
            client.stdin.write("\n")
            client.stdin.flush()
        assert client.wait() == 0
    return found


def speeds() -> list[str]:
    """The table of speeds."""
    machine = f"{platform.machine()}, Python {platform.python_version()}, {os.cpu_count()} cores"
    lines = [
        f"{FRAMES} frames each, one run, {machine}, load {os.getloadavg()[0]:.0f} when it began. Frames per second are",
        "those of this machine and load; time of the processor, which each side needs, depends on it less.",
        "",
        "| vehicles | what is done in a frame | frames/s | server ms | client ms | the server's share |",
        "|---|---|---|---|---|---|",
    ]
    for cars in CARS:
        for what, told in zip(("`tick`", "batch control of all, `tick`, read all"), measure(cars), strict=True):
            server, client = told["server_ms"], told["client_ms"]
            share = 100 * server / (server + client)
            row = (told["cars"], what, f"{told['per_s']:.0f}", f"{server:.2f}", f"{client:.2f}", f"{share:.0f} %")
            lines.append(f"| {' | '.join(str(cell) for cell in row)} |")
    return lines


def renewed(page: str, name: str, lines: list[str]) -> str:
    """The page with what stands between the marks of ``name`` replaced."""
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->\n"
    before, rest = page.split(begin)
    _, after = rest.split(end)
    return before + begin + "\n".join(lines) + "\n" + end + after


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="renew the tables of docs/results/carla.md")
    parser.add_argument("--calls", action="store_true", help="the table of calls alone")
    given = parser.parse_args()
    parts = {"calls": calls()} if given.calls else {"calls": calls(), "speed": speeds()}
    if given.write:
        page = PAGE.read_text(encoding="utf-8")
        for name, lines in parts.items():
            page = renewed(page, name, lines)
        PAGE.write_text(page, encoding="utf-8")
    print("\n".join(line for lines in parts.values() for line in (*lines, "")))


if __name__ == "__main__":
    main()
