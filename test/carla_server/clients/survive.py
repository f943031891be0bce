"""Goes on looking and ticking, whatever others do to the world, until a file is there. Prints how often it could."""

import json
import sys
import time
from pathlib import Path

import carla

client = carla.Client("127.0.0.1", int(sys.argv[1]))
client.set_timeout(10.0)
until = Path(sys.argv[2])
looked, refused = 0, 0
while not until.exists() or not looked:
    try:
        world = client.get_world()
        world.tick()
        for actor in world.get_actors():
            actor.get_transform()
            actor.get_velocity()
        looked += 1
    except RuntimeError:  # what the others did to the world just now
        refused += 1
    time.sleep(0.005)
print(json.dumps({"looked": looked, "refused": refused}))
