"""Ticks in synchronous mode: arguments frames, cars, and a file; it goes on until that is there. Prints times."""

import json
import sys
import time
from pathlib import Path

import carla
from stepped import connected

_, world = connected()
library = world.get_blueprint_library()
places = world.get_map().get_spawn_points()
cars = [world.spawn_actor(library.find("vehicle.tesla.model3"), place) for place in places[: int(sys.argv[3])]]
world.tick()
slowest, frames, begun = 0.0, 0, time.perf_counter()
until = Path(sys.argv[4]) if len(sys.argv) > 4 else None
while frames < int(sys.argv[2]) or (until is not None and not until.exists()):
    for car in cars:
        car.apply_control(carla.VehicleControl(throttle=0.3, steer=0.01 * (frames % 7)))
    before = time.perf_counter()
    world.tick()
    slowest = max(slowest, time.perf_counter() - before)
    frames += 1
    if until is not None:
        time.sleep(0.002)
moved = [car.get_velocity().length() for car in cars]
print(json.dumps({"frames": frames, "slowest_s": slowest, "spent_s": time.perf_counter() - begun, "speeds": moved}))
