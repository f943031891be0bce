"""``takead drive``: closed loop with takeovers, each recorded as a clip."""

from __future__ import annotations

from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from takead_ros.cli.json_output import JSON, STDOUT, give_json, json_file
from takead_ros.cli.options import LOOPBACK, PERCEPTION, RAY, WORKERS_KIND, host_and_port, place
from takead_ros.console import ProgressBars, note, say, show_table
from takead_ros.domain.errors import TakeadError
from takead_ros.files import locked
from takead_ros.resources import resource
from takead_ros.runs.workers import open_workers
from takead_ros.runs.workplace import Workplace
from takead_ros.simulators import SIMULATOR, SIMULATORS

if TYPE_CHECKING:
    from takead_ros.pictures.foxglove.live import LiveStream

LIVE_AT = "127.0.0.1:8765"  # where Foxglove looks by itself
app = typer.Typer(add_completion=False, rich_markup_mode="rich", pretty_exceptions_enable=False)


@app.command(
    epilog="Examples:\n\n"
    "[bold]takead drive --model baseline --suite demo --seeds collection:0-9 --bags runs/clips[/bold]\n\n"
    "[bold]takead drive --model expert --suite demo --seeds training:0-9 --bags runs/demonstrations --record all"
    "[/bold]\n\n"
    "[bold]takead drive --model baseline --suite demo --seeds collection:0-99 --bags runs/clips --workers 32 "
    "--workers-kind ray --ray head:6379[/bold]\n\n"
    "[bold]takead drive --model baseline --suite demo --seeds collection:0 --sim vector --live[/bold]"
)
def drive_(
    model: str = typer.Option(
        ..., help="An ONNX file, a shipped model by name ([bold]baseline[/bold]), or [bold]expert[/bold]."
    ),
    suite: str = typer.Option("demo", help="A suite, or one scenario family (see: takead scenarios ls)."),
    seeds: str = typer.Option("collection:0-9", help="Such as collection:0-9 or training:0-99."),
    bags: Path | None = typer.Option(None, help="Record here: a folder for each episode. The same command continues."),
    record: str = typer.Option("clips", help="clips: one for each takeover. all: whole episodes."),
    sim: str = typer.Option(SIMULATOR, help=f"The simulator: {', '.join(SIMULATORS)}."),
    params: Path | None = typer.Option(None, help="Parameters of the nodes: a ROS parameter file (see config/)."),
    perception: str | None = PERCEPTION,
    workers: int = typer.Option(1, min=1, max=256, help="How many at once; the results do not depend on it."),
    workers_kind: str = WORKERS_KIND,
    ray: str | None = RAY,
    live: bool = typer.Option(
        False,
        "--live",
        help=f"Stream the drive to Foxglove at ws://{LIVE_AT}, in real time, one episode after the other; the results "
        "are those without it.",
    ),
    live_at: str | None = typer.Option(
        None, metavar="HOST:PORT", help="As --live, but there. Anything but loopback lets others watch: no login."
    ),
    as_json: str | None = JSON,
) -> None:
    """Drive in closed loop; the expert takes over where it must, and each takeover becomes an MCAP clip."""
    from takead_ros.cli.tables import evaluation_notes, evaluation_table
    from takead_ros.pictures.foxglove.live import LiveRunner
    from takead_ros.runs.drive import drive
    from takead_ros.runs.episode import EpisodeRunner
    from takead_ros.runs.spec import read_parameters, record_of, run_spec

    kind, where = record_of(record), place(workers, workers_kind, ray)
    if (live or live_at is not None) and where != Workplace():
        raise TakeadError("--live shows one drive after the other, in this process; expected --workers 1, no Ray")
    spec = run_spec(model, suite, seeds, sim, read_parameters(params, perception))
    target = json_file(as_json)
    with (
        locked(target) if target is not None else nullcontext(),
        _live(LIVE_AT if live_at is None else live_at) if live or live_at is not None else nullcontext() as stream,
        open_workers(EpisodeRunner if stream is None else partial(LiveRunner, stream), where) as pool,
        ProgressBars() as progress,
    ):
        content = drive(spec, kind, bags, pool, progress, f"driving {Path(spec.model).name}")
    if as_json != STDOUT:
        show_table(evaluation_table(content))
        for line in evaluation_notes(content):
            say(line)
        if bags is not None:
            clips = sum(len(episode.clips) for episode in content.episodes)
            say(f"{clips} clips in {bags} (takead clips ls {bags})")
    give_json(content, as_json)


def _live(address: str) -> LiveStream:
    """The stream that listens at ``address``, and a word about it. Raises TakeadError where it cannot."""
    from takead_ros.pictures.foxglove.live import LiveStream

    host, port = host_and_port(address, "--live-at")
    stream = LiveStream(host, port)
    if host not in LOOPBACK:
        note(f"listening on {host}: everybody who reaches this port may watch; there is no login")
    note(f"live at {stream.address}, in real time; open {stream.app}")
    note(f"layout for it (Layouts > Import from file): {resource('config/foxglove_layout.json')}")
    return stream
