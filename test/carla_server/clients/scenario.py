"""Takes the ego of the scenario that is served, drives a little, goes on to another one. Prints what it saw."""

import json

import carla
from stepped import connected

client, world = connected()
world.tick()
heroes = [actor for actor in world.get_actors() if actor.attributes.get("role_name") == "hero"]
others = [actor for actor in world.get_actors() if actor.attributes.get("role_name") == "scenario"]
saw = {"map": world.get_map().name, "hero": [one.type_id for one in heroes], "others": [one.type_id for one in others]}
start = heroes[0].get_location()
heroes[0].apply_control(carla.VehicleControl(throttle=0.5))
for _ in range(40):
    world.tick()
saw["way_m"] = heroes[0].get_location().distance(start)
other = client.load_world("red_light")
saw["next"] = other.get_map().name
saw["lights"] = len(other.get_actors().filter("traffic.traffic_light"))
print(json.dumps(saw))
