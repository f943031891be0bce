"""Listens to frames (argument: how many) while others drive. Prints their numbers."""

import json
import sys
import threading

import carla

client = carla.Client("127.0.0.1", int(sys.argv[1]))
client.set_timeout(20.0)
world = client.get_world()
frames: list[int] = []
enough = threading.Event()


def note(snapshot: carla.WorldSnapshot) -> None:
    if not enough.is_set():
        frames.append(snapshot.frame)
        if len(frames) >= int(sys.argv[2]):
            enough.set()


world.on_tick(note)
assert enough.wait(30.0)
print(json.dumps({"frames": frames}))
