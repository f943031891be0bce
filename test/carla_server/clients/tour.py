"""A whole visit: connect, spawn, drive, sense, walk, lights, batches, destroy. Prints what it saw as JSON."""

import json
import sys
import time
from itertools import pairwise
from typing import Any

import carla

client = carla.Client("127.0.0.1", int(sys.argv[1]))
client.set_timeout(20.0)
saw: dict[str, object] = {"version": client.get_server_version(), "maps": client.get_available_maps()}
world = (
    client.load_world("crossing") if not client.get_world().get_map().name.endswith("crossing") else client.get_world()
)
saw["map"] = world.get_map().name
settings = world.get_settings()
settings.synchronous_mode, settings.fixed_delta_seconds = True, 0.05
world.apply_settings(settings)
first = world.tick()
saw["contiguous"] = world.tick() - first
library = world.get_blueprint_library()
saw["blueprints"] = {kind: len(library.filter(kind)) for kind in ("vehicle.*", "walker.*", "static.prop.*", "sensor.*")}
places = world.get_map().get_spawn_points()
car = world.spawn_actor(library.find("vehicle.tesla.model3"), places[0])
saw["box"] = [
    round(value, 3) for value in (car.bounding_box.extent.x, car.bounding_box.extent.y, car.bounding_box.extent.z)
]
saw["second_spawn"] = world.try_spawn_actor(library.find("vehicle.audi.tt"), places[0]) is None
heard: dict[str, list[Any]] = {}
ears = []
for name in ("gnss", "imu", "collision", "lane_invasion", "obstacle", "radar"):
    ear = world.spawn_actor(library.find(f"sensor.other.{name}"), carla.Transform(carla.Location(z=1.0)), attach_to=car)
    ear.listen(lambda data, name=name: heard.setdefault(name, []).append(data))
    ears.append(ear)
for name in ("ray_cast", "ray_cast_semantic"):
    ear = world.spawn_actor(library.find(f"sensor.lidar.{name}"), carla.Transform(carla.Location(z=2.2)), attach_to=car)
    ear.listen(lambda data, name=name: heard.setdefault(name, []).append(data))
    ears.append(ear)
ears[-1].set_ignored_vehicles([car.id])
try:
    world.spawn_actor(library.find("sensor.camera.rgb"), carla.Transform(), attach_to=car)
except RuntimeError as problem:
    saw["camera"] = str(problem)
car.apply_control(carla.VehicleControl(throttle=0.6))
for _ in range(40):
    world.tick()
saw["speed"] = car.get_velocity().length()
saw["throttle"] = round(car.get_control().throttle, 3)
saw["limit"] = car.get_speed_limit()
physics = car.get_physics_control()
physics.mass = 1000.0
car.apply_physics_control(physics)
saw["mass"] = car.get_physics_control().mass
car.apply_ackermann_control(carla.VehicleAckermannControl(speed=2.0, acceleration=3.0))
for _ in range(60):
    world.tick()
saw["ackermann"] = car.get_velocity().length()
car.set_light_state(carla.VehicleLightState(carla.VehicleLightState.Brake | carla.VehicleLightState.Fog))
saw["lights"] = int(car.get_light_state())
time.sleep(0.3)  # the streams' own threads
saw["heard"] = {name: len(told) for name, told in heard.items()}
saw["gravity"] = round(heard["imu"][-1].accelerometer.z, 3)
for ear in ears:
    ear.stop()
walker = world.spawn_actor(library.find("walker.pedestrian.0001"), carla.Transform(carla.Location(-30.0, 30.0, 1.0)))
walker.apply_control(carla.WalkerControl(carla.Vector3D(1.0, 0.0, 0.0), 1.5))
for _ in range(20):
    world.tick()
saw["walked"] = round(walker.get_location().x + 30.0, 2)
weather = world.get_weather()
weather.cloudiness = 30.0
world.set_weather(weather)
saw["cloudiness"] = world.get_weather().cloudiness
saw["ray"] = len(world.cast_ray(carla.Location(0.0, 0.0, 5.0), carla.Location(0.0, 0.0, -5.0)))
command = carla.command
made = client.apply_batch_sync(
    [
        command.SpawnActor(library.find("vehicle.bh.crossbike"), place).then(
            command.ApplyVehicleControl(command.FutureActor, carla.VehicleControl(throttle=0.4))
        )
        for place in (places[-1], places[-1])
    ],
    True,
)
saw["batch"] = [one.error for one in made]
world.tick()
car.open_door(carla.VehicleDoor.FL)
told = car.get_telemetry_data()
saw["telemetry"] = [round(told.speed - car.get_velocity().length(), 2), len(told.wheels), told.engine_rpm > 0.0]
car.set_wheel_steer_direction(carla.VehicleWheelLocation.FL_Wheel, 12.0)
saw["wheel"] = car.get_wheel_steer_angle(carla.VehicleWheelLocation.FL_Wheel)
saw["rolled"] = 0.0 <= car.get_wheel_pitch_angle(carla.VehicleWheelLocation.FL_Wheel) < 360.0
car.restore_physx_physics()
refused: list[str] = []
for ask in (car.get_component_names, car.get_bone_names, walker.get_bones, lambda: client.start_recorder("a.log")):
    try:
        ask()
    except RuntimeError as problem:
        refused.append(str(problem))
saw["refused"] = refused
saw["gone"] = car.destroy()
world.tick()
ids = {actor.id for actor in world.get_actors()}
saw["left"] = car.id in ids
reached = client.load_world("straight")
saw["episode"] = [reached.id != world.id, reached.get_map().name, len(reached.get_actors().filter("vehicle.*"))]
saw["signs"] = sorted(actor.type_id for actor in reached.get_actors().filter("traffic.*"))
settings = reached.get_settings()
settings.synchronous_mode = False
reached.apply_settings(settings)
frames = [reached.wait_for_tick().frame for _ in range(5)]
saw["asynchronous"] = [b - a for a, b in pairwise(frames)]
print(json.dumps(saw))
