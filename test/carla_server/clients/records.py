"""Records a drive and a collision as `start_recording` of CARLA's examples does, looks it through, and replays it."""

import json

import carla
from stepped import connected

client, world = connected()
library = world.get_blueprint_library()
hero = library.find("vehicle.tesla.model3")
hero.set_attribute("role_name", "hero")


def at(x: float, y: float, z: float = 0.0) -> carla.Transform:
    return carla.Transform(carla.Location(x, y, z))


car = world.spawn_actor(hero, at(-50.0, 1.75))
other = world.spawn_actor(library.find("vehicle.audi.tt"), at(-30.0, 1.75))
walker = world.spawn_actor(library.find("walker.pedestrian.0001"), at(-40.0, 8.0, 1.0))
lidar = world.spawn_actor(library.find("sensor.lidar.ray_cast"), at(0.0, 0.0, 2.0), attach_to=car)
told = {"file": client.start_recorder("drive.log", True)}
way = []
for frame in range(120):
    if frame == 10:
        car.open_door(carla.VehicleDoor.FL)
    car.apply_control(carla.VehicleControl(throttle=0.6))
    walker.apply_control(carla.WalkerControl(carla.Vector3D(1.0, 0.0, 0.0), 1.0))
    world.tick()
    place = car.get_transform()
    way.append([place.location.x, place.location.y, place.rotation.yaw])
late = world.spawn_actor(library.find("vehicle.audi.tt"), at(-45.0, -1.75))
world.tick()
client.stop_recorder()
told["info"] = client.show_recorder_file_info("drive.log", False)
told["all"] = client.show_recorder_file_info("drive.log", True)
told["collisions"] = client.show_recorder_collisions("drive.log", "h", "v")
told["no_collisions"] = client.show_recorder_collisions("drive.log", "w", "a")
told["blocked"] = client.show_recorder_actors_blocked("drive.log", 0.5, 0.5)
told["missing"] = client.show_recorder_file_info("nothing.log", False)
try:
    client.start_recorder("/tmp/takead-elsewhere.log")
    told["elsewhere"] = "written"
except RuntimeError as error:
    told["elsewhere"] = str(error)
first, theirs = car.id, {one.id for one in world.get_actors()}
for one in (lidar, late, walker, other, car):
    one.destroy()
world.tick()
client.set_replayer_time_factor(2.0)
told["replay"] = client.replay_file("drive.log", 1.0, 3.0, 0)
seen, velocities = [], []
for _ in range(25):
    world.tick()
    (again,) = [one for one in world.get_actors().filter("vehicle.*") if one.attributes["role_name"] == "hero"]
    place = again.get_transform()
    seen.append([place.location.x, place.location.y, place.rotation.yaw])
    velocities.append(again.get_velocity().length())
told["way"], told["seen"], told["velocities"] = way, seen, velocities
told["bodies"] = sorted(one.type_id for one in world.get_actors() if one.type_id.startswith(("vehicle", "walker")))
client.stop_replayer(False)
world.tick()
told["left"] = len(world.get_actors().filter("vehicle.*"))
client.set_replayer_ignore_hero(True)
client.replay_file("drive.log", 0.0, 0.0, 0)
world.tick()
told["without_hero"] = [one.type_id for one in world.get_actors().filter("vehicle.*")]
print(json.dumps(told))
