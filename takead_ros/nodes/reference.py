"""Writes what is printed from the code: the tables in docs/ros2.md. ``python -m takead_ros.nodes.reference``."""

from __future__ import annotations

import re
from pathlib import Path

from takead_ros.messages import interfaces
from takead_ros.resources import resource


def printed() -> dict[Path, str]:
    """Every file that is printed, wholly or in parts, with the content that it should have."""
    page = resource("docs/ros2.md")
    text = page.read_text(encoding="utf-8")
    for name, table in (("topics", interfaces.topics_table()), ("services", interfaces.services_table())):
        text = re.sub(rf"(<!-- {name}: [^\n]*-->\n).*?(<!-- end -->)", rf"\g<1>{table}\g<2>", text, flags=re.DOTALL)
    return {page: text}


def main() -> None:
    for path, text in printed().items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
