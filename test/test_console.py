"""Progress where there is no terminal: a line at the beginning, one a minute, one at the end, with what is left."""

from __future__ import annotations

import io

from rich.console import Console

from takead_ros.console import ProgressBars


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_line_a_minute_with_the_time_that_is_left() -> None:
    text, clock = io.StringIO(), Clock()
    with ProgressBars(Console(file=text, width=80), clock) as progress:
        for done in range(13):
            progress.report("driving [red]x", done, 12)
            clock.now += 20.0
    lines = text.getvalue().splitlines()
    assert lines[0] == "  driving [red]x: 0/12"
    assert lines[1] == "  driving [red]x: 3/12 after 60 s, about 3 min to go"
    assert lines[-1] == "  driving [red]x: 12/12 after 4 min"
    assert len(lines) == 5


def test_a_phase_that_goes_on_counts_only_what_it_did_itself() -> None:
    text, clock = io.StringIO(), Clock()
    progress = ProgressBars(Console(file=text, width=80), clock)
    progress.report("driving", 90, 100)
    clock.now = 100.0
    progress.report("driving", 95, 100)
    assert text.getvalue().splitlines()[-1] == "  driving: 95/100 after 2 min, about 2 min to go"


def test_a_narrow_terminal_tells_in_figures_what_a_wide_one_draws() -> None:
    text = io.StringIO()
    with ProgressBars(Console(file=text, width=60, force_terminal=True)) as progress:
        progress.report("new policy, held-out seeds", 3, 72, {"loss": 1.5})
        progress.report("new policy, held-out seeds", 72, 72)
    assert "72/72" in text.getvalue() and "ETA" in text.getvalue() and "…" not in text.getvalue()


def test_a_terminal_of_80_columns_shows_bar_count_and_eta_in_one_line() -> None:
    text = io.StringIO()
    with ProgressBars(Console(file=text, width=80, force_terminal=True)) as progress:
        progress.report("new policy, held-out seeds", 3, 72, {"loss": 1.5})
        progress.report("new policy, held-out seeds", 72, 72)
    assert "72/72" in text.getvalue() and "ETA" in text.getvalue() and "…" not in text.getvalue()
