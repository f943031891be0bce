"""``takead clips``: what was recorded, is it whole, and what does it show. One file per subcommand."""

from __future__ import annotations

import typer

from takead_ros.cli.clips import export, label, ls, play, prune, recover, show, verify

app = typer.Typer(
    name="clips",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    add_completion=False,
    help="List, show, verify, repair, relabel, play and export takeover clips.",
)
app.command("ls", epilog=ls.EXAMPLE)(ls.list_)
app.command(epilog=show.EXAMPLE)(show.show)
app.command(epilog=verify.EXAMPLE)(verify.verify)
app.command(epilog=recover.EXAMPLE)(recover.recover)
app.command(epilog=label.EXAMPLE)(label.label)
app.command(epilog=prune.EXAMPLE)(prune.prune)
app.command(epilog=export.EXAMPLE)(export.export)
app.command(epilog=play.EXAMPLE)(play.play)
