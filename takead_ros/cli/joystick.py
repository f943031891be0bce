"""``takead joystick``: look at a joystick and try its mapping."""

from __future__ import annotations

import time
from pathlib import Path

import typer
from rich.live import Live
from rich.table import Table

from takead_ros.console import cell, note, say, stdout
from takead_ros.domain.errors import TakeadError
from takead_ros.nodes.joystick_mapping import load_mapping
from takead_ros.resources import resource
from takead_ros.takeover.joystick import JoystickMapping, JoystickState, Reading, interpret
from takead_ros.vehicles.joystick import JoystickDevice

app = typer.Typer(
    name="joystick",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    add_completion=False,
    help="Look at a joystick and try its mapping.",
)
BAR = 24


@app.command("ls", epilog="Example: [bold]takead joystick ls[/bold]")
def list_() -> None:
    """List the devices that are plugged in and the mappings that are there."""
    devices = sorted(str(path) for path in Path("/dev/input").glob("js*"))
    names = sorted(path.stem for path in (resource("config") / "joysticks").glob("*.yaml"))
    say(f"devices:  {', '.join(devices) or 'none'}")
    say(f"mappings: {', '.join(names)}")


@app.command(epilog="Example: [bold]takead joystick test --mapping g29 --device /dev/input/js1[/bold]")
def test(
    mapping: str = typer.Option("xbox", help="Name in config/joysticks, or a path."),
    device: Path = typer.Option(Path("/dev/input/js0"), help="Joystick device."),
    seconds: float = typer.Option(0.0, min=0.0, help="Stop after this many seconds; not given: on Ctrl-C."),
) -> None:
    """Show live what the mapping makes of the joystick, and whether its pedals are calibrated.

    Ends with code 0 where every pedal was seen released and each of steering, throttle and brake was moved.
    """
    wanted = load_mapping(mapping)
    stick, memory, reading = JoystickDevice(device), JoystickState(), Reading(fault="no events yet")
    moved: set[str] = set()
    began = time.monotonic()
    try:
        with Live(console=stdout, refresh_per_second=20) as live:
            while not seconds or time.monotonic() - began < seconds:
                if stick.read(0.05):
                    reading, memory = interpret(stick.axes, stick.buttons, memory, wanted)
                    moved |= _moved(reading)
                live.update(_view(wanted, stick, reading, moved))
    except KeyboardInterrupt:
        note("stopped")
    finally:
        stick.close()
    missing = sorted({"steering", "throttle", "brake"} - moved)
    if reading.fault or reading.uncalibrated or missing:
        what = reading.fault or f"not seen released: {sorted(reading.uncalibrated)}, not moved: {missing}"
        raise TakeadError(f"joystick {device} with mapping '{wanted.name}': {what}; expected all three to work")
    say(f"joystick {device} works with mapping '{wanted.name}'")


def _moved(reading: Reading) -> set[str]:
    seen = {"steering"} if reading.steering_angle is not None else set()
    if reading.acceleration is not None:
        seen.add("throttle" if reading.acceleration > 0.0 else "brake")
    return seen


def _view(mapping: JoystickMapping, stick: JoystickDevice, reading: Reading, moved: set[str]) -> Table:
    """The live table: raw axes, what the mapping makes of them, calibration and buttons."""
    table = Table(box=None, title=cell(f"{stick.path} as '{mapping.name}'"), title_justify="left")
    for name in ("", "raw", "means", "", "tried"):
        table.add_column(name)
    steering, acceleration = reading.steering_angle, reading.acceleration
    rows = (
        ("steering", mapping.steering.axis, "released" if steering is None else f"{steering:+.3f} rad", steering, 0.7),
        ("throttle", mapping.throttle.axis, _pedal(reading, "throttle"), max(acceleration or 0.0, 0.0), 9.0),
        ("brake", mapping.brake.axis, _pedal(reading, "brake"), min(acceleration or 0.0, 0.0), 9.0),
    )
    for name, axis, means, value, full in rows:
        raw = f"{stick.axes[axis]:+.2f}" if axis < len(stick.axes) else "absent"
        table.add_row(name, raw, means, _bar((value or 0.0) / full), "yes" if name in moved else "-")
    pressed = ", ".join(str(i) for i, on in enumerate(stick.buttons) if on) or "none"
    table.add_row("buttons", pressed, "dead-man held" if reading.allowed else "dead-man not held")
    if reading.fault:
        table.add_row("fault", "", reading.fault)
    return table


def _pedal(reading: Reading, name: str) -> str:
    if name in reading.uncalibrated:
        return "press and release once"
    value = reading.acceleration or 0.0
    mine = value > 0.0 if name == "throttle" else value < 0.0
    return f"{value:+.2f} m/s^2" if mine else "released"


def _bar(share: float) -> str:
    """-1..1 as a bar around the middle, left positive."""
    cells = [" "] * (BAR + 1)
    middle = BAR // 2
    end = middle - round(min(max(share, -1.0), 1.0) * middle)
    for i in range(min(end, middle), max(end, middle) + 1):
        cells[i] = "="
    cells[middle] = "|"
    return "[" + "".join(cells) + "]"
