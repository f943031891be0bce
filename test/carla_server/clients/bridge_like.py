"""As carla_ros_bridge: synchronous mode, an ego by its role, steps until killed. Arguments: role, file to make."""

import sys
from pathlib import Path

import carla

client = carla.Client("127.0.0.1", int(sys.argv[1]))
client.set_timeout(20.0)
world = client.get_world()
settings = world.get_settings()
settings.synchronous_mode, settings.fixed_delta_seconds = True, 0.05
world.apply_settings(settings)
blueprint = world.get_blueprint_library().find("vehicle.tesla.model3")
blueprint.set_attribute("role_name", sys.argv[2])
world.spawn_actor(blueprint, world.get_map().get_spawn_points()[0])
world.tick()
Path(sys.argv[3]).touch()
while True:
    world.tick()
