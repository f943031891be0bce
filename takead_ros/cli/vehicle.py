"""``takead vehicle``: what a vehicle side has to know of its vehicle."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from pathlib import Path

import typer

from takead_ros.console import fields, note, show_table, table
from takead_ros.domain.errors import TakeadError
from takead_ros.files import new_output, replacing, write_atomically

app = typer.Typer(
    name="vehicle",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    add_completion=False,
    help="What a vehicle side has to know of its vehicle.",
)
PICTURES = (".svg", ".png", ".pdf")


@app.callback()
def _group() -> None:
    pass


@app.command(epilog="Example: [bold]takead vehicle identify --out vehicle.yaml --plot vehicle.svg[/bold]")
def identify(
    out: Path = typer.Option(..., "--out", help="New parameter file for vehicle_node (params:= of the launch files)."),
    plot: Path | None = typer.Option(None, "--plot", help="New picture: the map and what was measured."),
    host: str = typer.Option("127.0.0.1", help="Of a CARLA server, or of takead carla-server."),
    port: int = typer.Option(2000, min=1, max=65534, help="The same."),
    blueprint: str = typer.Option("vehicle.tesla.model3", help="The vehicle, by its name in CARLA's catalogue."),
    timeout_s: float = typer.Option(60.0, "--timeout", min=1.0, max=3600.0, help="s to wait for the server."),
) -> None:
    """Identify CARLA's pedals and steering by a drive of its own: full and part throttle, coasting, brakes, turns.

    The server's world is replaced by a straight road, and nobody else may tick meanwhile. Afterwards the map alone is
    tried: accelerations asked for, and what came of them, before and after.
    """
    if plot is not None and plot.suffix not in PICTURES:
        raise TakeadError(f"--plot '{plot}': unknown ending '{plot.suffix}', expected {', '.join(PICTURES)}")
    outputs = [out] if plot is None else [out, plot]
    with ExitStack() as held:
        for path in outputs:
            held.enter_context(new_output(path))
        _identify(host, port, blueprint, timeout_s, out, plot)


def _identify(host: str, port: int, blueprint: str, timeout_s: float, out: Path, plot: Path | None) -> None:
    from takead_ros.vehicles.carla.control import PedalParameters
    from takead_ros.vehicles.carla.identification import IDENTIFIED, identify_from, parameter_file
    from takead_ros.vehicles.carla.track import ProvingGround

    track = ProvingGround(host, port, blueprint, timeout_s)
    try:
        samples = track.drive(note)
        found = identify_from(samples, track.chassis)
        before, after = track.check(PedalParameters()), track.check(found.parameters)
    except RuntimeError as error:  # of the client
        raise TakeadError(f"identification on {host}:{port}: {error}; expected the server to go on") from error
    finally:
        with suppress(RuntimeError):  # of a server that has gone
            track.close()
    write_atomically(out, parameter_file(found.parameters, blueprint))
    if plot is not None:
        from takead_ros.pictures.pedal_map import draw_pedal_map

        with replacing(plot) as partial:
            draw_pedal_map(samples, found, track.chassis, partial)
    errors, (pushing, coasting, braking, turning) = found.residuals, found.residuals.samples
    residuals = [
        ("throttle", str(pushing), f"{errors.throttle_mps2:.2f} m/s^2"),
        ("none", str(coasting), f"{errors.coasting_mps2:.2f} m/s^2"),
        ("brake", str(braking), f"{errors.brake_mps2:.2f} m/s^2"),
        ("steering", str(turning), f"{errors.steering_rad:.4f} rad"),
    ]
    show_table(table("pedal", "samples", "rms of what the map leaves", rows=residuals))
    tried = [
        (f"{new.speed:.1f} m/s", f"{new.command:+.1f} m/s^2", f"{old.response:+.2f}", f"{new.response:+.2f}")
        for old, new in zip(before, after, strict=True)
    ]
    show_table(table("from", "asked for", "got by the defaults", "got by this map", rows=tried))
    values = found.parameters.model_dump()
    fields({name: values[name] for name in IDENTIFIED}, width=26)
    note(f"written: {out}" + (f", {plot}" if plot is not None else ""))
