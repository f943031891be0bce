"""The real, unmodified client in processes of its own, against a running server."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.carla_server import ask_client, free_ports, running, start_client, told
from takead_ros.domain.errors import TakeadError
from takead_ros.simulators.carla_server.map_sources import KnownTowns


@pytest.mark.slow
def test_a_whole_visit(towns: KnownTowns) -> None:
    with running(towns, "crossing") as run:
        saw = ask_client("tour", run.port)
    assert saw["version"] == "0.9.16" and "/Game/Carla/Maps/crossing" in saw["maps"]
    assert saw["map"] == "Carla/Maps/crossing" and saw["contiguous"] == 1
    assert saw["blueprints"] == {"vehicle.*": 41, "walker.*": 52, "static.prop.*": 98, "sensor.*": 15}
    assert saw["box"] == [2.396, 1.082, 0.744] and saw["second_spawn"] is True
    assert "no renderer" in saw["camera"] and "never faked" in saw["camera"]
    assert saw["speed"] > 4.0 and saw["throttle"] == 0.6 and saw["limit"] == 30.0 and saw["mass"] == 1000.0
    assert saw["ackermann"] == pytest.approx(2.0, abs=0.3) and saw["lights"] == 8 + 128
    assert {
        name: saw["heard"][name] for name in ("gnss", "imu", "radar", "ray_cast", "ray_cast_semantic")
    } == dict.fromkeys(("gnss", "imu", "radar", "ray_cast", "ray_cast_semantic"), 100)
    assert saw["gravity"] == 9.81 and saw["walked"] == 1.5 and saw["cloudiness"] == 30.0 and saw["ray"] == 1
    assert saw["batch"] == ["", "Spawn failed because of collision at spawn position"]
    assert saw["telemetry"] == [0.0, 4, True] and saw["wheel"] == 12.0 and saw["rolled"] is True
    assert ["no meshes" in saw["refused"][0], "no meshes" in saw["refused"][1]] == [True, True]
    assert "no skeletons" in saw["refused"][2] and "without a folder" in saw["refused"][3]
    assert saw["gone"] is True and saw["left"] is False
    assert saw["episode"] == [True, "Carla/Maps/straight", 0]
    assert saw["signs"] == ["traffic.speed_limit.30", "traffic.stop"]
    assert all(step >= 1 for step in saw["asynchronous"])
    assert any("connects" in text for text in run.said) and any("is gone" in text for text in run.said)


def test_every_command_of_the_clients_batches_is_read(towns: KnownTowns) -> None:
    """Some fields that the client's classes declare it does not send: only the real one shows which."""
    with running(towns) as run:
        told = ask_client("commands", run.port)
    assert {name: error for name, error in told["errors"].items() if error} == {}
    # the client's own library cannot send ShowDebugTelemetry: it has no converter for it
    assert told["not_sent"] == ["Response", "ShowDebugTelemetry"] and len(told["errors"]) == 20


def test_several_clients_see_the_same_frames(towns: KnownTowns, tmp_path: Path) -> None:
    with running(towns) as run:
        watchers = [start_client("watch", run.port, "60") for _ in range(2)]
        driver = start_client("drive", run.port, "60", "2", str(tmp_path / "seen"))
        frames = [told(watcher)["frames"] for watcher in watchers]
        (tmp_path / "seen").touch()
        drove = told(driver)
    for seen in frames:
        assert seen == list(range(seen[0], seen[0] + len(seen))) and len(seen) == 60
    assert drove["frames"] >= 60 and min(drove["speeds"]) > 0.0


@pytest.mark.slow
@pytest.mark.network
def test_the_traffic_manager_drives_twenty_cars() -> None:
    """The real one, which is part of the client's library: on the lanes, without a collision, minding the lights."""
    towns = KnownTowns()
    try:
        towns.load("Town01")
    except TakeadError as problem:
        pytest.skip(str(problem))
    with running(towns, "Town01") as run:
        drove = ask_client("traffic", run.port, "20", "1200", str(free_ports()), timeout_s=280.0)
    assert drove["moved"] == 20 and drove["mean_mps"] > 3.0 and drove["collisions"] == 0
    assert drove["offset_99_m"] < 1.0 and drove["offset_max_m"] < 1.5
    assert drove["at_red"] > 50 and drove["moving_at_red"] < 0.1 * drove["at_red"]
