"""How a client here begins: it connects to the port that it is given, and the world then waits for its ticks."""

import sys

import carla


def connected(timeout_s: float = 20.0) -> tuple[carla.Client, carla.World]:
    client = carla.Client("127.0.0.1", int(sys.argv[1]))
    client.set_timeout(timeout_s)
    world = client.get_world()
    settings = world.get_settings()
    settings.synchronous_mode, settings.fixed_delta_seconds = True, 0.05
    world.apply_settings(settings)
    return client, world
