"""``takead carla-server``: CARLA's protocol on a CPU."""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress
from enum import Enum
from pathlib import Path

import typer

from takead_ros.cli.options import LOOPBACK
from takead_ros.console import note, say
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.seeds import LAST_SEED
from takead_ros.scenarios.suites import load_suite

app = typer.Typer(pretty_exceptions_enable=False, rich_markup_mode="rich", add_completion=False)


class Speed(str, Enum):
    """How fast simulated time may run."""

    REALTIME = "realtime"
    FREE = "free"


@app.command(
    epilog="Example: [bold]takead carla-server --town Town01 --speed realtime[/bold], then, in another terminal: "
    "[bold]python -c 'import carla; print(carla.Client().get_world().get_map().name)'[/bold]"
)
def carla_server(
    town: str = typer.Option("Town01", help="The map to begin with."),
    xodr: Path | None = typer.Option(None, help="An OpenDRIVE file to begin with instead; its name is the map's."),
    suite: str = typer.Option("", help="Serve this suite, or family, instead: each scenario is a map by its name."),
    host: str = typer.Option("127.0.0.1", help="Where to listen. Anything but loopback lets others in: no login."),
    port: int = typer.Option(2000, min=1, max=65534, help="Of the calls; the streams are on the next one."),
    speed: Speed = typer.Option(
        Speed.FREE,
        help="free: ticks of synchronous mode as fast as they are asked for, as CARLA does; realtime: not faster than "
        "the clock. Asynchronous mode keeps real time in both.",
    ),
    record: Path | None = typer.Option(None, help="Write every frame and call into a new MCAP file in this folder."),
    recordings: Path = typer.Option(
        Path("recordings"), help="The folder of what clients record and replay (client.start_recorder); nothing else."
    ),
    seed: int = typer.Option(0, min=0, max=LAST_SEED, help="Of the sensors' noise, and of the scenarios of --suite."),
    grace_s: float = typer.Option(
        0.0, "--grace", min=0.0, max=60.0, help="After Ctrl-C, go on for at most so many s for clients that tidy up."
    ),
    carla_version: str = typer.Option("0.9.16", help="The version whose client is served."),
) -> None:
    """Serve CARLA's own protocol to the unmodified client: worlds, traffic, lidar and radar, no cameras.

    What is not CARLA is told in docs/carla_server.md. Ctrl-C ends it.
    """
    try:
        from takead_ros.simulators.carla_server.map_sources import KnownTowns
        from takead_ros.simulators.carla_server.record import McapRecorder
        from takead_ros.simulators.carla_server.server import Server
        from takead_ros.simulators.carla_server.server_world import ServerWorld
        from takead_ros.simulators.carla_server.wire_layout import load_layout
    except ImportError as error:
        raise TakeadError(f"'takead carla-server' needs: pip install 'takead_ros[carla-server]' ({error})") from error

    layout = load_layout(carla_version)
    scenarios = tuple(load_suite(suite).episodes([seed])) if suite else ()
    towns = KnownTowns((xodr,) if xodr is not None else (), scenarios)
    first = towns.load(scenarios[0].family if scenarios else xodr.stem if xodr is not None else town)
    recorder = McapRecorder(record) if record is not None else None
    if host not in LOOPBACK:
        note(f"listening on {host}: everybody who reaches this port may do everything here; there is no login")

    async def serve() -> Server:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            with suppress(NotImplementedError, RuntimeError):  # a loop without signals
                loop.add_signal_handler(number, stop.set)
        world = ServerWorld(layout, first, port + 1, seed)
        server = Server(world, towns, note, speed is Speed.REALTIME, recorder, recordings)
        await server.open(host, port, port + 1)
        say(f"speaks CARLA {layout.version} on {host}:{port} and {port + 1}, map {first.name}")
        await server.run(stop, grace_s)
        return server

    try:
        server = asyncio.run(serve())
    finally:
        if recorder is not None:
            recorder.close()
    counts = server.counts
    say(f"stopped: {counts.clients} connections, {counts.calls} calls, {counts.frames} frames")
