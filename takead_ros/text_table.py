"""Tables as lines of text, as wide as the terminal: no word, path or hash is ever cut."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from rich.cells import cell_len
from rich.text import Text

GAP = 2
LEAST = 16  # columns that a wrapped cell is worth; with less a table becomes records
INDENT = 2


@dataclass(frozen=True)
class TableColumn:
    """``wrap``: its cells may be broken at their spaces; ``right``: figures."""

    title: str = ""
    right: bool = False
    wrap: bool = False


@dataclass
class TextTable:
    """Columns, and rows of as many cells; ``None`` in place of a row is a line across."""

    columns: Sequence[TableColumn]
    title: Text | None = None
    rows: list[tuple[Text, ...] | None] = field(default_factory=list)

    def lines(self, width: int, rule: str = "─") -> list[Text]:
        """What to print on ``width`` columns: a table, or where that is too narrow each row as a record.

        Longer than ``width`` is only what holds a single word that is.
        """
        widths = self._widths(width)
        head = wrapped(Text(self.title.plain, "bold"), width) if self.title is not None else []
        if not widths:
            records = [self._record(row, width) if row is not None else [Text()] for row in self.rows]
            return [*head, *(line for record in records for line in record)]
        found = [*head, Text()]
        across = Text(rule * (sum(widths) + GAP * (len(widths) - 1)), "dim")
        if any(column.title for column in self.columns):
            found += [*self._row([Text(column.title, "bold") for column in self.columns], widths, width), across]
        for row in self.rows:
            found += [across.copy()] if row is None else self._row(row, widths, width)
        return [*found, Text()]

    def _widths(self, width: int) -> list[int]:
        """Of each column; empty where a table does not fit."""
        cells: list[list[Text]] = [[] for _ in self.columns]
        for row in self.rows:
            for i, cell in enumerate(row or ()):
                cells[i].append(cell)
        widest = [
            max([cell_len(column.title), *(cell.cell_len for cell in mine)])
            for column, mine in zip(self.columns, cells, strict=True)
        ]
        wraps = [i for i, column in enumerate(self.columns) if column.wrap]
        over = sum(widest) + GAP * (len(widest) - 1) - width
        while over > 0:
            i = max(wraps, key=widest.__getitem__, default=-1)
            if i < 0 or widest[i] <= max(LEAST, _longest_word(self.columns[i].title)):
                return []
            widest[i] -= 1
            over -= 1
        return widest

    def _row(self, row: Sequence[Text], widths: Sequence[int], width: int) -> list[Text]:
        """A row's lines. A cell with a word that is wider than its column stands below the row."""
        parts, below = [], []
        for cell, room in zip(row, widths, strict=True):
            if _longest_word(cell.plain) > room:
                below.append(cell)
                parts.append([Text()])
            else:
                parts.append(wrapped(cell, room) or [Text()])
        found = []
        for number in range(max(map(len, parts))):
            line = Text()
            for column, part, room in zip(self.columns, parts, widths, strict=True):
                cell = part[number] if number < len(part) else Text()
                space = " " * (room - cell.cell_len)
                line.append_text(Text.assemble(space if column.right else "", cell, "" if column.right else space))
                line.append(" " * GAP)
            line.rstrip()
            found.append(line)
        for cell in below:
            found += _indented(wrapped(cell, width - 2 * INDENT), 2 * INDENT)
        return found

    def _record(self, row: Sequence[Text], width: int) -> list[Text]:
        """A row as its first cell and, below, the others with their titles."""
        items = [
            Text.assemble((f"{column.title} " if column.title else "", "dim"), cell)
            for column, cell in zip(self.columns[1:], row[1:], strict=True)
            if cell.plain
        ]
        lines: list[Text] = []
        for item in items:
            if lines and lines[-1].cell_len + GAP + item.cell_len <= width - INDENT:
                lines[-1] = Text.assemble(lines[-1], " " * GAP, item)
            else:
                lines += wrapped(item, width - INDENT)
        return [*wrapped(row[0], width), *_indented(lines, INDENT)]


def wrapped(text: Text, width: int, indent: int = 0) -> list[Text]:
    """``text``, a single line, broken at spaces into lines of ``width`` columns; all but the first are indented.

    A word that is longer than that is left whole.
    """
    if text.cell_len <= width or not text.plain.strip():
        return [text]
    found: list[Text] = []
    begin = end = 0
    first = len(text.plain) - len(text.plain.lstrip())
    for start, stop in _words(text.plain, first):
        room = width - (indent if found else 0)
        if end and cell_len(text.plain[begin:stop]) > room:
            found.append(text[begin:end])
            begin = start
        end = stop
    found.append(text[begin:end])
    return [found[0], *_indented(found[1:], indent)]


def _words(text: str, first: int) -> Iterable[tuple[int, int]]:
    """From where to where each word goes; the first one with the spaces before it."""
    place = first
    for number, word in enumerate(text.split()):
        place = text.index(word, place)
        yield (0 if number == 0 else place), place + len(word)
        place += len(word)


def _indented(lines: Sequence[Text], indent: int) -> list[Text]:
    return [Text.assemble(" " * indent, line) for line in lines]


def _longest_word(text: str) -> int:
    return max(map(cell_len, text.split()), default=0)
