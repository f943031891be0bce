"""Calls about the recorder and the replayer."""

from __future__ import annotations

from takead_ros.simulators.carla_server.methods import ServerHost, Table
from takead_ros.simulators.carla_server.values import Transform

table = Table()


@table.call("start_recorder", "str", "bool")
def _start(host: ServerHost, name: str, additional: bool) -> str:
    return host.recordings.start(host.world, name, additional)


@table.call("stop_recorder", returns=False)
def _stop(host: ServerHost) -> None:
    host.recordings.stop()


@table.call("show_recorder_file_info", "str", "bool")
def _info(host: ServerHost, name: str, everything: bool) -> str:
    return host.recordings.info(name, everything)


@table.call("show_recorder_collisions", "str", "int", "int")
def _collisions(host: ServerHost, name: str, first: int, second: int) -> str:
    return host.recordings.collisions(name, first, second)


@table.call("show_recorder_actors_blocked", "str", "float", "float")
def _blocked(host: ServerHost, name: str, least_s: float, least_m: float) -> str:
    return host.recordings.blocked(name, least_s, least_m)


@table.call("replay_file", "str", "float", "float", "int", "bool", "Transform")
def _replay(
    host: ServerHost, name: str, start: float, duration: float, follow: int, sensors: bool, offset: Transform
) -> str:
    def load(town: str) -> None:
        host.load(town, False)

    return host.recordings.replay(host.world, load, name, start, duration, follow, sensors, offset)


@table.call("stop_replayer", "bool", returns=False)
def _stop_replayer(host: ServerHost, keep: bool) -> None:
    host.recordings.stop_replay(host.world, keep)


@table.call("set_replayer_time_factor", "float", returns=False)
def _factor(host: ServerHost, factor: float) -> None:
    host.recordings.set_time_factor(factor)


@table.call("set_replayer_ignore_hero", "bool", returns=False)
def _ignore_hero(host: ServerHost, ignore: bool) -> None:
    host.recordings.ignore_hero = ignore


@table.call("set_replayer_ignore_spectator", "bool", returns=False)
def _ignore_spectator(host: ServerHost, ignore: bool) -> None:
    host.recordings.ignore_spectator = ignore
