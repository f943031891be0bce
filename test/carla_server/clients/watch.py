"""Listens to frames (argument: how many) while others drive. Prints their numbers."""

import json
import sys
import threading
import time

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


while not world.get_settings().synchronous_mode:  # from then on no frame may be missing
    time.sleep(0.01)
world.on_tick(note)
assert enough.wait(60.0)
print(json.dumps({"frames": frames}))
