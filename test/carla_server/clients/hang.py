"""Registers a traffic manager's port, drives with a sensor, says so, and waits to be stopped or killed."""

import sys
import time

import carla

client = carla.Client("127.0.0.1", int(sys.argv[1]))
client.set_timeout(20.0)
world = client.get_world()
library = world.get_blueprint_library()
car = world.spawn_actor(library.find("vehicle.audi.tt"), world.get_map().get_spawn_points()[-1])
ear = world.spawn_actor(library.find("sensor.lidar.ray_cast"), carla.Transform(carla.Location(z=2.2)), attach_to=car)
ear.listen(lambda data: None)
print("ready", flush=True)
time.sleep(600.0)
