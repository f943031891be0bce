"""Writes what is printed from the code: ``config/*.yaml`` and the tables in docs/ros2.md and docs/parameters.md.

Run it after a change of a parameter model or of the table of interfaces: ``python -m takead_ros.nodes.reference``.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo

from takead_ros.domain.parameters import Parameters
from takead_ros.messages import interfaces
from takead_ros.nodes.configuration import models
from takead_ros.resources import resource

COMMAND = "python -m takead_ros.nodes.reference"


def printed() -> dict[Path, str]:
    """Every file that is printed, wholly or in parts, with the content that it should have."""
    docs, config = resource("docs"), resource("config")
    page = docs / "ros2.md"
    text = page.read_text(encoding="utf-8")
    for name, table in (("topics", interfaces.topics_table()), ("services", interfaces.services_table())):
        text = re.sub(rf"(<!-- {name}: [^\n]*-->\n).*?(<!-- end -->)", rf"\g<1>{table}\g<2>", text, flags=re.DOTALL)
    files = {page: text, docs / "parameters.md": _parameters_page()}
    for name, (node, model) in models().items():
        files[config / f"{name}.yaml"] = _yaml(node, model)
    return files


def _yaml(node: str, model: type[Parameters]) -> str:
    lines = [
        f"# Parameters of {node}, each with its default. Printed by {COMMAND}.",
        f"/**/{node}:",
        "  ros__parameters:",
    ]
    for name, field in model.model_fields.items():
        comment = f"{field.description}{_bounds(field)}{_fixed(name, model)}"
        lines.append(f"    {f'{name}: {_scalar(field.default)}':38s}  # {comment}")
    return "\n".join(lines) + "\n"


def _parameters_page() -> str:
    lines = [
        "# Parameters",
        "",
        f"Printed by `{COMMAND}` from the models that the nodes validate with;",
        "`config/*.yaml` hold the same. A value that does not fit is refused at the start and at run time, with the",
        "reason. Units are in the names.",
    ]
    for name, (node, model) in models().items():
        lines += ["", f"## {node} (`config/{name}.yaml`)", "", "| parameter | default | range | what |"]
        lines.append("|---|---|---|---|")
        for key, field in model.model_fields.items():
            what = f"{field.description}{_fixed(key, model)}".replace("|", "\\|")
            default = _scalar(field.default).replace("|", "\\|")
            lines.append(f"| `{key}` | {default} | {_bounds(field).strip(' []')} | {what} |")
    return "\n".join(lines) + "\n"


def _scalar(value: Any) -> str:
    """A value as YAML."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (tuple, list)):
        return f"[{', '.join(map(_scalar, value))}]"
    if isinstance(value, str):
        return value if re.fullmatch(r"[A-Za-z_][A-Za-z_0-9]*", value) else f'"{value}"'
    return repr(value)


def _bounds(field: FieldInfo) -> str:
    found = {key: getattr(one, key) for one in field.metadata for key in ("ge", "gt", "le", "lt") if hasattr(one, key)}
    low, high = found.get("ge", found.get("gt")), found.get("le", found.get("lt"))
    if low is None and high is None:
        return ""
    return f" [{_short(low)}..{_short(high)}]"


def _short(bound: Any) -> str:
    return "" if bound is None else str(bound) if isinstance(bound, int) else f"{bound:g}"


def _fixed(name: str, model: type[Parameters]) -> str:
    return " (at start only)" if name in model.fixed_names() else ""


def main() -> None:
    for path, text in printed().items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
