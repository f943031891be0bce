"""As carla_ros_bridge: synchronous mode, an ego by its role, steps until killed. Arguments: role, file to make."""

import sys
from pathlib import Path

from stepped import connected

_, world = connected()
blueprint = world.get_blueprint_library().find("vehicle.tesla.model3")
blueprint.set_attribute("role_name", sys.argv[2])
world.spawn_actor(blueprint, world.get_map().get_spawn_points()[0])
world.tick()
Path(sys.argv[3]).touch()
while True:
    world.tick()
