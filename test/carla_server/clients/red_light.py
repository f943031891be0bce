"""Looks at the light of the scenario that is served as the leaderboard's agent does, once at green and once at red."""

import json

import carla
from stepped import connected

from takead_ros.runs.leaderboard.route import LeaderboardEpisode
from takead_ros.vehicles.carla.control import PedalParameters

_, world = connected()
world.tick()
(hero,) = [actor for actor in world.get_actors() if actor.attributes.get("role_name") == "hero"]
(light,) = world.get_actors().filter("traffic.traffic_light")
stop = light.get_stop_waypoints()[0]
way = [stop.previous(float(d))[0] for d in range(70, 0, -1)] + [stop.next(float(d))[0] for d in range(1, 20)]
episode = LeaderboardEpisode(world, hero, [(point.transform, None) for point in way], 0, 0.05, PedalParameters())


def look() -> list[float]:
    (control,) = episode.observe().controls
    return [int(control.kind), int(control.state), control.distance]


saw = {"first": look(), "remaining": episode.observe().route.remaining}
hero.enable_constant_velocity(carla.Vector3D(10.0, 0.0, 0.0))
for _ in range(200):  # the scenario's light turns red before the ego
    world.tick()
    if light.state == carla.TrafficLightState.Red:
        break
episode.look()
saw["second"] = look()
print(json.dumps(saw))
