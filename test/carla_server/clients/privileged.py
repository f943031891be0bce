"""Looks at the crossing through the world's actors as the leaderboard's agent does. Prints what its scenes say."""

import json
from dataclasses import asdict

import carla
from stepped import connected

from takead_ros.measures.driving_score import score_episode
from takead_ros.runs.leaderboard.route import LeaderboardEpisode
from takead_ros.vehicles.carla.control import PedalParameters

_, world = connected()
library = world.get_blueprint_library()


def put(name: str, x: float, y: float, yaw: float = 0.0, z: float = 0.1) -> carla.Actor:
    place = carla.Transform(carla.Location(x, y, z), carla.Rotation(yaw=yaw))
    return world.spawn_actor(library.find(name), place)


hero = put("vehicle.tesla.model3", -40.0, 1.75)
car = put("vehicle.audi.tt", -25.0, 1.75)
put("walker.pedestrian.0001", -30.0, 6.0, z=1.0)
put("static.prop.constructioncone", -20.0, -2.0)
put("static.prop.dirtdebris01", -15.0, 5.0)
put("vehicle.bh.crossbike", -35.0, -1.75, 180.0)
buried = put("vehicle.carlamotors.firetruck", -50.0, 1.75)
buried.set_simulate_physics(False)
buried.set_location(carla.Location(-50.0, 1.75, -200.0))
hero.set_target_velocity(carla.Vector3D(4.0, 0.0, 0.0))
world.tick()
plan = [(carla.Transform(carla.Location(float(x), 1.75, 0.0)), None) for x in range(-58, 59)]
episode = LeaderboardEpisode(world, hero, plan, 7, 0.05, PedalParameters())
first = episode.observe()
for _ in range(120):
    hero.apply_control(carla.VehicleControl(throttle=0.6, steer=0.0))
    world.tick()
    episode.look()
    episode.step(0.0, 1.0)
last = episode.observe()
objects = first.objects
rows = zip(objects.id, objects.kind, objects.x, objects.y, objects.yaw, objects.length, objects.width, strict=True)
told = score_episode(episode.outcome())
print(
    json.dumps(
        {
            "ego": {key: float(value) for key, value in asdict(first.ego).items()},
            "car": car.id,
            "objects": [[float(value) for value in row] for row in rows],
            "remaining": [first.route.remaining, last.route.remaining],
            "lanes": len(first.polylines),
            "speed": last.ego.speed,
            "infractions": [one.kind for one in told.infractions],
            "seed": told.seed,
        }
    )
)
