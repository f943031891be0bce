"""Tables: whatever is in them and however narrow it is, every word is there whole, and lines fit where words do."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.text import Text

from takead_ros.text_table import TableColumn, TextTable, wrapped

WORD = st.text(st.sampled_from("abcdeF0123456789/.-_車"), min_size=1, max_size=40).filter(lambda w: not set(w) <= {"-"})
WORDS = st.lists(WORD, max_size=6).map(" ".join)


@st.composite
def tables(draw: st.DrawFn) -> TextTable:
    count = draw(st.integers(1, 5))
    made = TextTable([TableColumn(draw(WORDS), draw(st.booleans()), draw(st.booleans())) for _ in range(count)])
    for _ in range(draw(st.integers(0, 4))):
        made.rows.append(tuple(Text(draw(WORDS)) for _ in range(count)))
    return made


@settings(max_examples=300, deadline=None)
@given(tables(), st.integers(1, 120))
def test_every_word_is_there_and_no_line_is_too_long(made: TextTable, width: int) -> None:
    lines = [line.plain for line in made.lines(width)]
    shown = [word for line in lines for word in line.split()]
    for row in made.rows:
        assert {word for cell in row or () for word in cell.plain.split()} <= set(shown)
    for line in lines:
        assert cell_len(line) <= width or len(line.split()) == 1, line


@given(WORDS, st.integers(1, 60), st.integers(0, 4))
def test_a_line_is_broken_at_spaces_only(text: str, width: int, indent: int) -> None:
    lines = wrapped(Text(text), width, indent)
    assert " ".join(line.plain.strip() for line in lines).split() == text.split()
    assert all(line.cell_len <= width or len(line.plain.split()) == 1 for line in lines)


def test_what_fits_is_a_table_and_what_does_not_is_records() -> None:
    made = TextTable(
        [TableColumn("family"), TableColumn("Score", right=True), TableColumn("why", wrap=True)], Text("all")
    )
    made.rows += [(Text("cut_in"), Text("60.0"), Text("it was cut in by somebody")), None]
    made.rows.append((Text("all"), Text("100.0"), Text("")))
    assert [line.plain for line in made.lines(80)] == [
        "all",
        "",
        "family  Score  why",
        "────────────────────────────────────────",
        "cut_in   60.0  it was cut in by somebody",
        "────────────────────────────────────────",
        "all     100.0",
        "",
    ]
    assert [line.plain for line in made.lines(20)] == [
        "all",
        "cut_in",
        "  Score 60.0",
        "  why it was cut in",
        "  by somebody",
        "",
        "all",
        "  Score 100.0",
    ]
    assert made.lines(33)[4].plain == "cut_in   60.0  it was cut in by"


def test_a_path_that_is_wider_than_its_column_stands_below_its_row() -> None:
    made = TextTable([TableColumn("part"), TableColumn("found", wrap=True)])
    made.rows.append((Text("baseline"), Text("/a/very/long/path/to/the/baseline.onnx sound")))
    assert [line.plain for line in made.lines(40)][3:6] == [
        "baseline",
        "    /a/very/long/path/to/the/baseline.onnx",
        "    sound",
    ]
