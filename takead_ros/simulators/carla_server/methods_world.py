"""Calls about the episode: versions, maps, settings, weather, lights, streams, traffic managers, rays."""

from __future__ import annotations

import math
from typing import Any

from takead_ros.simulators.carla_server.blueprints import blueprints
from takead_ros.simulators.carla_server.methods import ServerHost, Table
from takead_ros.simulators.carla_server.sensors import points_along
from takead_ros.simulators.carla_server.values import (
    LEVEL,
    ORIGIN,
    BoundingBox,
    CallRefused,
    EpisodeSettings,
    Vector3D,
    WeatherParameters,
)

WORLD_STREAM = 1
LONGEST_TIME_S = 1e6
table = Table()


@table.call("version")
def _version(host: ServerHost) -> str:
    return host.world.layout.version


@table.call("get_episode_info")
def _episode_info(host: ServerHost) -> Any:
    return host.world.episode, [host.world.token(WORLD_STREAM)]


@table.call("get_map_info")
def _map_info(host: ServerHost) -> Any:
    return host.world.town.name, host.world.town.spawn_points


@table.call("get_map_data")
def _map_data(host: ServerHost) -> str:
    return host.world.town.opendrive


@table.call("get_available_maps")
def _maps(host: ServerHost) -> list[str]:
    return host.maps()


@table.call("get_required_files", "str")
def _required_files(host: ServerHost, folder: str) -> list[str]:
    return []  # no navigation mesh: ai walkers stand, and the client says so


@table.call("request_file", "str")
def _file(host: ServerHost, name: str) -> bytes:
    raise CallRefused(f"file '{name[:80]}': this server has no files")


@table.call("get_navigation_mesh")
def _mesh(host: ServerHost) -> bytes:
    return b""


@table.call("load_new_episode", "str", "bool", "int", returns=False)
def _load(host: ServerHost, name: str, reset_settings: bool, layers: int) -> None:
    host.load(name, reset_settings)


@table.call("copy_opendrive_to_file", "str", "OpendriveGenerationParameters", returns=False)
def _copy(host: ServerHost, text: str, parameters: Any) -> None:
    host.keep_map(text)


@table.call("get_episode_settings")
def _settings(host: ServerHost) -> EpisodeSettings:
    return host.world.settings


@table.call("set_episode_settings", "EpisodeSettings")
def _set_settings(host: ServerHost, settings: EpisodeSettings) -> int:
    return host.set_settings(settings)


@table.call("get_weather_parameters")
def _weather(host: ServerHost) -> WeatherParameters:
    return host.world.weather


@table.call("set_weather_parameters", "WeatherParameters", returns=False)
def _set_weather(host: ServerHost, weather: WeatherParameters) -> None:
    host.world.weather = weather


@table.call("get_imui_gravity")
def _gravity(host: ServerHost) -> float:
    return host.world.gravity


@table.call("set_imui_gravity", "float", returns=False)
def _set_gravity(host: ServerHost, gravity: float) -> None:
    host.world.gravity = gravity


@table.call("get_actor_definitions")
def _definitions(host: ServerHost) -> Any:
    return [blueprint.definition for blueprint in blueprints().values()]


@table.call("get_spectator")
def _spectator(host: ServerHost) -> Any:
    return host.world.actor(host.world.spectator).info


@table.call("get_sensor_token", "int")
def _sensor_token(host: ServerHost, stream: int) -> Any:
    if stream != WORLD_STREAM:
        actor = host.world.rows.by_id.get(stream)
        if actor is None or not actor.info.stream_token:
            raise CallRefused(f"stream {stream}: no sensor has it")
    host.expect(stream)
    return [host.world.token(stream)]


@table.call("are_gbuffers_enabled", "int")
def _gbuffers(host: ServerHost, actor: int) -> bool:
    return False


@table.call("is_sensor_enabled_for_ros", "int")
def _for_ros(host: ServerHost, actor: int) -> bool:
    return False


@table.call("get_environment_objects", "int")
def _objects(host: ServerHost, label: int) -> list[Any]:
    return []  # no buildings, poles or fences


@table.call("get_all_level_BBs", "int")
def _level_boxes(host: ServerHost, label: int) -> list[Any]:
    return []


@table.call("get_names_of_all_objects")
def _names(host: ServerHost) -> list[str]:
    return []


@table.call("load_map_layer", "int", returns=False)
@table.call("unload_map_layer", "int", returns=False)
def _layer(host: ServerHost, layers: int) -> None:
    """There is nothing in any layer."""


@table.call("enable_environment_objects", "list:int", "bool", returns=False)
def _enable_objects(host: ServerHost, objects: tuple[int, ...], enabled: bool) -> None:
    """There are none."""


@table.call("query_lights_state", "str")
def _lamps(host: ServerHost, client: str) -> list[Any]:
    return []  # no street lamps


@table.call("update_lights_state", "str", "list:LightState", "bool", returns=False)
def _set_lamps(host: ServerHost, client: str, states: Any, discard: bool) -> None:
    """There are none."""


@table.call("update_day_night_cycle", "str", "bool", returns=False)
def _day(host: ServerHost, client: str, active: bool) -> None:
    """Nothing looks different by night."""


# --- traffic lights ---------------------------------------------------------------------------------------------------


@table.call("set_traffic_light_state", "int", "TrafficLightState", returns=False)
def _light_state(host: ServerHost, actor: int, state: int) -> None:
    host.world.lights.set_state(host.world.light(actor), state)


def _set_time(host: ServerHost, actor: int, column: int, value: float) -> None:
    if not 0.0 <= value <= LONGEST_TIME_S:
        raise CallRefused(f"time of a traffic light {value:g} s, expected 0 to {LONGEST_TIME_S:g}")
    host.world.lights.times[host.world.light(actor), column] = value


@table.call("set_traffic_light_green_time", "int", "float", returns=False)
def _green(host: ServerHost, actor: int, value: float) -> None:
    _set_time(host, actor, 0, value)


@table.call("set_traffic_light_yellow_time", "int", "float", returns=False)
def _yellow(host: ServerHost, actor: int, value: float) -> None:
    _set_time(host, actor, 1, value)


@table.call("set_traffic_light_red_time", "int", "float", returns=False)
def _red(host: ServerHost, actor: int, value: float) -> None:
    _set_time(host, actor, 2, value)


@table.call("freeze_traffic_light", "int", "bool", returns=False)
def _freeze_one(host: ServerHost, actor: int, frozen: bool) -> None:
    host.world.light(actor)
    host.world.lights.frozen = frozen  # as in CARLA: freezing one stops all


@table.call("freeze_all_traffic_lights", "bool", returns=False)
def _freeze(host: ServerHost, frozen: bool) -> None:
    host.world.lights.frozen = frozen


@table.call("reset_traffic_light_group", "int", returns=False)
def _reset_group(host: ServerHost, actor: int) -> None:
    host.world.lights.reset(host.world.light(actor))


@table.call("reset_all_traffic_lights", returns=False)
def _reset(host: ServerHost) -> None:
    host.world.lights.reset()


@table.call("get_group_traffic_lights", "int")
def _group(host: ServerHost, actor: int) -> list[int]:
    world = host.world
    numbers = [world.rows.actors[row].id for row in world.rows.lights]
    return [numbers[i] for i in world.lights.together(world.light(actor))]


@table.call("get_light_boxes", "int")
def _light_boxes(host: ServerHost, actor: int) -> list[BoundingBox]:
    signal = host.world.lights.signals[host.world.light(actor)]
    box = BoundingBox(Vector3D(0.0, 0.0, 2.5), Vector3D(0.3, 0.2, 0.6), LEVEL)  # of its lamps
    return [
        box._replace(location=Vector3D(*(a + b for a, b in zip(box.location, signal.transform.location, strict=True))))
    ]


# --- traffic managers -------------------------------------------------------------------------------------------------


@table.call("is_traffic_manager_running", "int")
def _manager_running(host: ServerHost, port: int) -> bool:
    return port in host.managers


@table.call("get_traffic_manager_running", "int")
def _manager(host: ServerHost, port: int) -> Any:
    return host.managers.get(port, ("", 0))


@table.call("add_traffic_manager_running", "pair:str,int")
def _add_manager(host: ServerHost, manager: tuple[str, int]) -> bool:
    return host.add_manager(*manager)


@table.call("destroy_traffic_manager", "int")
def _destroy_manager(host: ServerHost, port: int) -> bool:
    return host.managers.pop(port, None) is not None


# --- rays -------------------------------------------------------------------------------------------------------------


@table.call("project_point", "Location", "Vector3D", "float")
def _project(host: ServerHost, place: Vector3D, direction: Vector3D, reach: float) -> Any:
    labels = host.world.layout.enums["CityObjectLabel"]
    for point, label in points_along(host.world, place, direction, reach):
        return True, (point, labels[label])
    return False, (ORIGIN, labels["None"])


@table.call("cast_ray", "Location", "Location")
def _cast(host: ServerHost, start: Vector3D, end: Vector3D) -> Any:
    labels = host.world.layout.enums["CityObjectLabel"]
    way = Vector3D(*(b - a for a, b in zip(start, end, strict=True)))
    reach = math.sqrt(sum(value * value for value in way))
    return [(point, labels[label]) for point, label in points_along(host.world, start, way, reach)]


@table.call("draw_debug_shape", "any", returns=False)
def _draw(host: ServerHost, shape: Any) -> None:
    """There is nothing to draw on."""


for _name in ("clear_debug_shape", "clear_debug_string"):
    table.call(_name, returns=False)(lambda host: None)
