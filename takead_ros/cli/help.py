"""``--help``: usage, what a verb does, its options and examples; as wide as the terminal, and no word is cut."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.text import Text

from takead_ros.console import print_lines, stdout
from takead_ros.text_table import wrapped

MOST = 100  # columns: longer lines read badly
LEFT = 30  # columns that names may take; a longer one stands above what is said about it


def print_help(command: Any, ctx: Any, formatter: Any = None) -> None:
    """What ``--help`` of ``command`` prints; in the place of ``format_help`` of the library's own objects."""
    width = min(stdout.width, MOST)
    lines = [Text(), *wrapped(Text(command.get_usage(ctx), "bold"), width, 2), Text()]
    for paragraph in _paragraphs(command.help):
        lines += [*wrapped(paragraph, width), Text()]
    for title, entries in _panels(command, ctx).items():
        lines += [Text(title, "bold"), *_definitions(entries, width), Text()]
    for paragraph in _paragraphs(command.epilog):
        lines += [*wrapped(paragraph, width, 2), Text()]
    print_lines(lines[:-1])


def _paragraphs(text: str | None) -> list[Text]:
    """Of a docstring with markup; a line break within one is none."""
    return [Text.from_markup(" ".join(part.split())) for part in (text or "").split("\n\n") if part.strip()]


def _panels(command: Any, ctx: Any) -> dict[str, list[tuple[Text, Text]]]:
    """Names and what is said about them, by the title that they stand under."""
    found: dict[str, list[tuple[Text, Text]]] = {}
    for param in command.get_params(ctx):
        record = param.get_help_record(ctx)
        if record is None:  # hidden
            continue
        title = getattr(param, "rich_help_panel", None) or f"{param.param_type_name.capitalize()}s"
        own = getattr(param, "help", None) or ""
        rest = Text("  " + record[1].removeprefix(own).strip(), "dim")
        what = Text.assemble(*_paragraphs(own), rest) if rest.plain.strip() else Text.assemble(*_paragraphs(own))
        found.setdefault(title, []).append((Text(record[0], "cyan"), what))
    for name in command.list_commands(ctx) if hasattr(command, "list_commands") else ():
        part = command.get_command(ctx, name)
        title = getattr(part, "rich_help_panel", None) or "Commands"
        found.setdefault(title, []).append((Text(name, "cyan"), (_paragraphs(part.help) or [Text()])[0]))
    order = dict.fromkeys(("Arguments", "Options", *found))
    return {title: found[title] for title in order if title in found}


def _definitions(entries: Iterable[tuple[Text, Text]], width: int) -> Iterable[Text]:
    entries = list(entries)
    left = min(LEFT, width // 2, max(name.cell_len for name, _ in entries))
    for name, what in entries:
        beside = wrapped(what, width - left - 4)
        if name.cell_len > left:
            yield from (Text.assemble("  ", line) for line in wrapped(name, width - 2, 2))
        else:
            space = " " * (left - name.cell_len + 2)
            yield Text.assemble("  ", name, space, beside.pop(0))
        yield from (Text.assemble(" " * (left + 4), line) for line in beside)
