"""Traffic Manager cars for hours of simulated time on `takead carla-server`: does it grow, miss a tick, lose a car?

    python -m benchmarks.carla_soak --hours 24 --cars 50 --out runs/soak

A line a minute of the clock, and the same as JSON in OUT/soak.jsonl: simulated hours, frames, frames that the client
missed, the memory of the server and of the client, calls refused, cars that stand for long. Ctrl-C ends it and keeps
what there is; the same command adds a further stretch, with a new server, until the hours are full.
"""

from __future__ import annotations

import argparse
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import carla

from benchmarks.leaderboard import ROOT, STOP_S, wait_for
from takead_ros.cli.program import end_with
from takead_ros.files import content_of, parse_json, to_json

STEP_S = 0.05
LOOK_FRAMES = 200  # between two looks at where the cars are
STUCK_S = 300.0  # of standing, beyond any red light
STUCK_M = 1.0
DESCRIBED = ("vehicle.tesla.model3", "vehicle.audi.tt", "vehicle.lincoln.mkz_2020", "vehicle.nissan.micra")


def resident_mib(pid: int | str) -> float:
    """Memory of a process that is in RAM."""
    told = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(encoding="utf-8"))
    return int(told.group(1)) / 1024.0 if told else 0.0


class Traffic:
    """The cars, what they did, and which frames came."""

    def __init__(self, port: int, cars: int, seed: int) -> None:
        self.client = carla.Client("127.0.0.1", port)
        self.client.set_timeout(300.0)
        self.world = self.client.get_world()
        settings = self.world.get_settings()
        settings.synchronous_mode, settings.fixed_delta_seconds = True, STEP_S
        self.world.apply_settings(settings)
        self.manager = self.client.get_trafficmanager(port + 5)
        self.manager.set_synchronous_mode(True)
        self.manager.set_random_device_seed(seed)
        library, places = self.world.get_blueprint_library(), self.world.get_map().get_spawn_points()
        random.Random(seed).shuffle(places)
        self.cars = [
            self.world.spawn_actor(library.find(DESCRIBED[i % len(DESCRIBED)]), place)
            for i, place in enumerate(places[:cars])
        ]
        self.last = self.world.tick()
        for car in self.cars:
            car.set_autopilot(True, self.manager.get_port())
        self.frames = self.missed = 0
        self._still = {car.id: (0, car.get_location()) for car in self.cars}
        self.world.on_tick(self._seen)
        self._told = 0

    def _seen(self, snapshot: Any) -> None:
        """Every frame that the client was told, from its own thread."""
        if self._told and snapshot.frame != self._told + 1:
            self.missed += 1
        self._told = snapshot.frame

    def tick(self) -> None:
        frame = self.world.tick()
        self.missed += frame != self.last + 1
        self.last = frame
        self.frames += 1
        if self.frames % LOOK_FRAMES == 0:
            for car in self.cars:
                _, place = self._still[car.id]
                here = car.get_location()
                if here.distance(place) > STUCK_M:
                    self._still[car.id] = self.frames, here

    def stuck(self) -> int:
        """Cars that have not moved for so long that no light explains it."""
        return sum((self.frames - since) * STEP_S > STUCK_S for since, _ in self._still.values())

    def alive(self) -> int:
        return len(self.world.get_actors([car.id for car in self.cars]))


def soak(given: argparse.Namespace, done_h: float) -> None:
    """One stretch, from ``done_h`` to the end or Ctrl-C."""
    serve = [sys.executable, "-m", "takead_ros.cli.main", "carla-server", "--town", "Town01", "--port", str(given.port)]
    log = given.out / f"server-{time.strftime('%d-%H%M%S')}.log"
    with log.open("wb") as said, (given.out / "soak.jsonl").open("a", encoding="utf-8") as kept:
        # a session of its own: Ctrl-C is for this process, which may be waiting for a tick
        server = subprocess.Popen(serve, cwd=ROOT, stdout=said, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            wait_for(given.port, server)
            traffic = Traffic(given.port, given.cars, given.seed)
            begun = due = time.monotonic()
            while True:
                full = done_h + traffic.frames * STEP_S / 3600.0 >= given.hours
                if full or time.monotonic() >= due:
                    due += given.every
                    text = log.read_text(encoding="utf-8")
                    told = {
                        "hours": round(done_h + traffic.frames * STEP_S / 3600.0, 4),
                        "frames": traffic.frames,
                        "frames_per_s": round(traffic.frames / max(time.monotonic() - begun, 1e-9), 1),
                        "missed": traffic.missed,
                        "server_mib": round(resident_mib(server.pid), 1),
                        "client_mib": round(resident_mib("self"), 1),
                        "refused": len(re.findall(r"not answered", text)),
                        "mistakes": len(re.findall(r"mistake of this server", text)),
                        "alive": traffic.alive(),
                        "stuck": traffic.stuck(),
                    }
                    line = to_json(told)
                    print(line, flush=True)
                    kept.write(line + "\n")
                    kept.flush()
                if full:
                    return
                traffic.tick()
        finally:
            server.terminate()
            server.wait(STOP_S)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=24.0, help="simulated")
    parser.add_argument("--cars", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every", type=float, default=60.0, help="s of the clock between two lines")
    parser.add_argument("--port", type=int, default=26500)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    kept = given.out / "soak.jsonl"
    done = parse_json(content_of(kept).splitlines()[-1])["hours"] if kept.exists() and kept.stat().st_size else 0.0
    soak(given, done)


if __name__ == "__main__":
    end_with(main)
