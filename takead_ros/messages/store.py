"""Message classes and CDR coding without ROS 2: a ``rosbags`` typestore that also knows this package's interfaces.

``rosbags`` classes have no defaults and take arrays only as ndarrays. The classes built here behave like rosidl's:
keyword construction with rosidl's defaults, lists accepted for arrays, no unknown attributes.
"""

from __future__ import annotations

import functools
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
from rosbags.interfaces import Nodetype
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

from takead_ros.resources import resource

PACKAGE = "takead_ros"
_DTYPES = {"bool": np.bool_, "byte": np.uint8, "char": np.uint8}


@functools.cache
def typestore() -> Typestore:
    """The typestore: everything of Jazzy plus ``msg/*.msg`` and ``srv/*.srv`` of this package.

    A service is two types, ``takead_ros/srv/Engage_Request`` and ``takead_ros/srv/Engage_Response``.
    """
    store = get_typestore(Stores.ROS2_JAZZY)
    definitions: dict[str, Any] = {}
    for path in sorted(resource("msg").glob("*.msg")):
        definitions.update(get_types_from_msg(path.read_text(), f"{PACKAGE}/msg/{path.stem}"))
    for path in sorted(resource("srv").glob("*.srv")):
        for part, text in zip(("Request", "Response"), service_halves(path), strict=True):
            # rosbags would file it under takead_ros/srv/msg; only the definition itself is wanted.
            (definition,) = get_types_from_msg(text, f"{PACKAGE}/msg/{path.stem}").values()
            definitions[f"{PACKAGE}/srv/{path.stem}_{part}"] = definition
    store.register(definitions)
    return store


def service_halves(path: Path) -> tuple[str, str]:
    """The texts of request and response in a ``.srv`` file."""
    request, _, response = ("\n" + path.read_text()).partition("\n---")
    return request, response


@functools.cache
def message_class(type_name: str) -> Any:
    """The class for ``type_name`` (such as ``std_msgs/msg/Header``) of this store, built once.

    Raises KeyError for a type that the store does not know.
    """
    store = typestore()
    constants, fields = store.fielddefs[type_name]
    built = _build(type_name, constants, fields)
    store.types[type_name] = built
    store.cache.pop(type_name, None)
    return built


def _build(type_name: str, constants: Any, fields: Any) -> Any:
    """A slotted class whose ``__init__`` takes the fields in order or by keyword, each with rosidl's default."""
    scope: dict[str, Any] = {}
    body: dict[str, Any] = {name: value for name, _, value in constants}
    slots, arguments, lines = [], [], []
    for name, (node, detail) in fields:
        value, slot = name, name
        if node == Nodetype.BASE:
            arguments.append(f"{name}={_scalar_default(detail[0])!r}")
        elif node == Nodetype.NAME:
            scope[f"_new_{name}"] = message_class(detail)
            arguments.append(f"{name}=None")
            value = f"_new_{name}() if {name} is None else {name}"
        else:
            (element, element_detail), count = detail
            size = count if node == Nodetype.ARRAY else 0
            arguments.append(f"{name}=None")
            if element == Nodetype.BASE and element_detail[0] != "string":
                slot = f"_{name}"
                dtype = np.dtype(_DTYPES.get(element_detail[0], element_detail[0])).newbyteorder("<")
                scope[f"_array_{name}"] = functools.partial(_as_array, dtype=dtype)
                scope[f"_zeros_{name}"] = functools.partial(np.zeros, size, dtype)
                body[name] = property(attrgetter(slot), _array_setter(slot, dtype))
                value = f"_zeros_{name}() if {name} is None else _array_{name}({name})"
            else:
                new = "''"
                if element == Nodetype.NAME:
                    scope[f"_new_{name}"], new = message_class(element_detail), f"_new_{name}()"
                default = f"[{new} for _ in range({size})]" if size else "[]"
                value = f"{default} if {name} is None else {name}"
        slots.append(slot)
        lines.append(f"    self.{slot} = {value}")
    source = f"def __init__(self, {', '.join(arguments)}):\n" + "\n".join(lines)
    exec(source, scope)
    names = [name for name, _ in fields]
    body.update(
        __slots__=tuple(slots),
        __init__=scope["__init__"],
        __msgtype__=type_name,
        __eq__=_equal,
        __repr__=_show,
        __hash__=None,
        __module__=__name__,
        __qualname__=type_name.rsplit("/", 1)[1],
        _fields=tuple(names),
        __doc__=f"{type_name} (see its .msg file).",
    )
    return type(type_name.rsplit("/", 1)[1], (), body)


def _scalar_default(base: str) -> Any:
    if base == "string":
        return ""
    return False if base == "bool" else 0.0 if base.startswith("float") else 0


def _as_array(value: Any, dtype: np.dtype[Any]) -> Any:
    return np.ascontiguousarray(value, dtype=dtype)


def _array_setter(slot: str, dtype: np.dtype[Any]) -> Any:
    def assign(self: Any, value: Any) -> None:
        setattr(self, slot, np.ascontiguousarray(value, dtype=dtype))

    return assign


def _equal(self: Any, other: Any) -> Any:
    if type(self) is not type(other):
        return NotImplemented
    return all(np.array_equal(getattr(self, name), getattr(other, name)) for name in self._fields)


def _show(self: Any) -> str:
    return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in self._fields)})"
