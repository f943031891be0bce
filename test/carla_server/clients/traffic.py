"""The real traffic manager (it is part of the client's library) drives cars: arguments cars, frames, port. Says how."""

import json
import sys
import time

import carla
from stepped import connected

client, world = connected(60.0)
settings = world.get_settings()
manager = client.get_trafficmanager(int(sys.argv[4]))
manager.set_synchronous_mode(True)
manager.set_random_device_seed(1)
library = world.get_blueprint_library()
town = world.get_map()
places = town.get_spawn_points()
count = int(sys.argv[2])
kinds = [library.find(f"vehicle.{name}") for name in ("tesla.model3", "audi.tt", "lincoln.mkz_2020", "nissan.micra")]
cars = [world.spawn_actor(kinds[i % 4], places[i * (len(places) // count)]) for i in range(count)]
hits = [0]
ears = []
for car in cars:
    ear = world.spawn_actor(library.find("sensor.other.collision"), carla.Transform(), attach_to=car)
    ear.listen(lambda event: hits.__setitem__(0, hits[0] + 1))
    ears.append(ear)
world.tick()
for car in cars:
    car.set_autopilot(True, manager.get_port())
way = [0.0] * count
speeds: list[float] = []
offsets: list[float] = []
red_moving, at_red = 0, 0
before = [car.get_location() for car in cars]
begun = time.perf_counter()
for frame in range(int(sys.argv[3])):
    world.tick()
    for i, car in enumerate(cars):
        here = car.get_location()
        way[i] += here.distance(before[i])
        before[i] = here
        if frame % 20 == 0 and frame > 40:
            speeds.append(car.get_velocity().length())
            waypoint = town.get_waypoint(here)
            middle = waypoint.transform.location
            offsets.append(middle.distance(carla.Location(here.x, here.y, middle.z)))
            if car.is_at_traffic_light() and car.get_traffic_light_state() == carla.TrafficLightState.Red:
                at_red += 1
                red_moving += car.get_velocity().length() > 1.0
spent = time.perf_counter() - begun
for ear in ears:
    ear.stop()
offsets.sort()
told = {
    "moved": sum(metres > 20.0 for metres in way),
    "least_m": min(way),
    "mean_mps": sum(speeds) / len(speeds),
    "offset_99_m": offsets[int(0.99 * len(offsets))],
    "offset_max_m": offsets[-1],
    "collisions": hits[0],
    "at_red": at_red,
    "moving_at_red": red_moving,
    "ticks_per_s": int(sys.argv[3]) / spent,
}
for car in cars:
    car.set_autopilot(False, manager.get_port())
manager.set_synchronous_mode(False)
settings.synchronous_mode = False
world.apply_settings(settings)
print(json.dumps(told), flush=True)
