"""Makes a version's layout table from the debug information of CARLA's own client library.

    python -m takead_ros.simulators.carla_server.layout_from_library

reads the installed ``carla`` wheel (its library carries DWARF) by LLVM's ``llvm-dwarfdump`` and writes
``layouts/VERSION.json``: sizes and offsets of what is sent as packed bytes, the fields of what is sent as MessagePack
arrays, the order of sensors and commands, the values of enumerations, and the names of the calls. Nothing is guessed:
what is not found ends the command.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from takead_ros.domain.errors import TakeadError
from takead_ros.simulators.carla_server.debug_information import DebugEntry, read_types

FOLDER = Path(__file__).parent / "layouts"

# Members that the client keeps to itself: declared, but not among those that are sent (seen on the wire).
UNSENT = {
    "OpendriveGenerationParameters": ("vertex_width_resolution", "simplification_percentage"),
    "SetAutopilot": ("tm_port",),
}
# Sent as packed bytes: the name in the table, the library's, and a member that tells structs of one name apart.
PACKED = {
    "header": ("Header", "sensor_type"),
    "episode": ("Header", "episode_id"),
    "actor": ("ActorDynamicState", "actor_state"),
    "vehicle": ("VehicleData", "speed_limit"),
    "light": ("TrafficLightData", "pole_index"),
    "sign": ("TrafficSignData", "sign_id"),
    "walker": ("PackedWalkerControl", "jump"),
    "radar": ("RadarDetection", "azimuth"),
    "token": ("token_data", "stream_id"),
}
INSIDE = ("PackedVehicleControl", "Location", "Rotation", "Transform", "Vector3D", "Vector3DInt")
# Sent as MessagePack arrays, by the library's names.
STRUCTS = (
    "Vector2D", "Vector3D", "Location", "Rotation", "Transform", "BoundingBox", "ActorAttributeValue", "ActorAttribute",
    "ActorDefinition", "ActorDescription", "Actor", "EpisodeSettings", "EpisodeInfo", "MapInfo", "VehicleControl",
    "VehicleAckermannControl", "AckermannControllerSettings", "VehiclePhysicsControl", "GearPhysicsControl",
    "WheelPhysicsControl", "VehicleLightState", "WalkerControl", "WeatherParameters", "Color", "LightState",
    "EnvironmentObject", "LabelledPoint", "OpendriveGenerationParameters", "WheelTelemetryData", "VehicleTelemetryData",
)  # fmt: skip
GEOMETRY = ("Vector2D", "Vector3D", "Location", "Rotation", "Transform", "BoundingBox")
ENUMS = (
    "ActorState",
    "TrafficLightState",
    "AttachmentType",
    "ActorAttributeType",
    "CityObjectLabel",
    "VehicleFailureState",
    "SimulationState",
    "LightState",
)
SCALARS = {
    "float": "f4", "double": "f8", "bool": "u1", "unsigned char": "u1", "uint8_t": "u1", "uint16_t": "u2",
    "uint32_t": "u4", "uint64_t": "u8", "int32_t": "i4", "int": "i4", "unsigned int": "u4", "unsigned long": "u8",
    "carla::ActorId": "u4", "carla::rpc::ActorId": "u4", "size_t": "u8",
}  # fmt: skip
MESSAGE = {
    "float": "float", "double": "float", "bool": "bool", "unsigned char": "int", "uint8_t": "int", "uint16_t": "int",
    "uint32_t": "int", "uint64_t": "int", "int32_t": "int", "int": "int", "unsigned int": "int", "unsigned long": "int",
    "unsigned short": "int",
}  # fmt: skip
# Calls whose literal the compiler put into the code itself (at most 15 letters), or that is the tail of another one:
# they are among the strings of no section. The client's methods that send them are in the debug information.
INLINED = {
    "GetServerVersion": "version", "SpawnActor": "spawn_actor", "ApplyBatch": "apply_batch", "SendTickCue": "tick_cue",
    "CastRay": "cast_ray", "GetLightBoxes": "get_light_boxes", "ProjectPoint": "project_point",
    "LoadLevelLayer": "load_map_layer", "StopRecorder": "stop_recorder", "StopReplayer": "stop_replayer",
    "GetSpectator": "get_spectator", "RequestFile": "request_file", "ReplayFile": "replay_file",
}  # fmt: skip
# Methods of the client's class whose call has a name that their own does not tell.
NAMED = {
    "GetActorsById": "get_actors_by_id", "LoadEpisode": "load_new_episode", "LoadLevelLayer": "load_map_layer",
    "CopyOpenDriveToServer": "copy_opendrive_to_file", "UnloadLevelLayer": "unload_map_layer",
    "GetVehiclesLightStates": "get_vehicle_light_states", "GetVehiclePhysicsControl": "get_physics_control",
    "ApplyPhysicsControlToVehicle": "apply_physics_control", "GetVehicleTelemetryData": "get_telemetry_data",
    "SetLightStateToVehicle": "set_vehicle_light_state", "GetIMUISensorGravity": "get_imui_gravity",
    "SetIMUISensorGravity": "set_imui_gravity", "UseCarSimRoad": "use_carsim_road", "EnableCarSim": "enable_carsim",
    "RestorePhysXPhysics": "restore_physx_physics", "QueryLightsStateToServer": "query_lights_state",
    "UpdateServerLightsState": "update_lights_state", "GetLevelBBs": "get_all_level_BBs",
    "EnableForROS": "enable_sensor_for_ros", "DisableForROS": "disable_sensor_for_ros",
    "IsEnabledForROS": "is_sensor_enabled_for_ros", "AreGBuffersEnabled": "are_gbuffers_enabled",
}  # fmt: skip

# Methods of the client's class that send nothing under their own name.
LOCAL = {
    "ApplyBatchSync",
    "Client",
    "GetClientVersion",
    "GetServerVersion",
    "GetTimeout",
    "SetTimeout",
    "SetFilesBaseFolder",
}


class Library:
    """What the debug information of one client library says, and the strings that are in it."""

    def __init__(self, path: Path) -> None:
        tool = shutil.which("llvm-dwarfdump")
        if tool is None:
            raise TakeadError("'llvm-dwarfdump': not found on PATH, expected LLVM's (Debian, Ubuntu: apt install llvm)")
        self._tool, self._path = tool, path
        self.strings = re.findall(rb"[\x20-\x7e]{4,}", path.read_bytes())
        self.commands = self.template(
            "define_array<const boost::variant2::variant<carla::rpc::Command::", r"Command::(\w+)"
        )
        self.sensors = self.template("CompositeSerializer<std::pair<ACollisionSensor", r"pair<(\w+) \*")
        names = {name for name, _ in PACKED.values()} | {*INSIDE, *STRUCTS, *ENUMS, *self.commands, "Client"}
        self.types = [entry for entry in read_types(self._dump(names)) if "/carla/" in entry.file]

    def _dump(self, names: set[str]) -> str:
        flags = [part for name in sorted(names) for part in ("--name", name)]
        done = subprocess.run([self._tool, *flags, "-c", str(self._path)], capture_output=True, text=True, check=True)
        return done.stdout

    def struct(self, name: str, member: str = "", folder: str = "") -> DebugEntry:
        """The struct ``name`` with a ``member``, declared in a file of ``folder``. Raises TakeadError."""
        for entry in self.types:
            if (
                entry.name == name
                and (entry.members or entry.bases)
                and folder in entry.file
                and (not member or any(found == member for found, _, _ in entry.members))
            ):
                return entry
        raise TakeadError(f"{self._path}: no struct '{name}' with '{member}' in the debug information")

    def packed(self, name: str, member: str = "") -> tuple[int, list[list[Any]]]:
        """Size and [dotted name, NumPy scalar or S<n>, offset] of each scalar of a packed struct."""
        entry = self.struct(name, member)
        fields: list[list[Any]] = []
        for member_name, kind, at in self._all_members(entry):
            if member_name == "state" and kind.endswith("TypeDependentState"):
                fields.append(["state", f"V{entry.size - at}", at])
            elif kind in SCALARS:
                fields.append([member_name, SCALARS[kind], at])
            elif floats := re.fullmatch(r"float\[(\d+)\]", kind):
                fields.append([member_name, f"{floats[1]}f4", at])
            else:
                fields += self._nested(member_name, kind, at, entry)
        return entry.size, fields

    def _nested(self, name: str, kind: str, at: int, owner: DebugEntry) -> list[list[Any]]:
        short = kind.split("::")[-1]
        for entry in self.types:
            if entry.name == short and entry.values and entry.size:
                return [[name, f"u{entry.size}", at]]
        if any(entry.name == short and (entry.members or entry.bases) for entry in self.types):
            return [[f"{name}.{inner}", scalar, at + offset] for inner, scalar, offset in self.packed(short)[1]]
        following = sorted(offset for _, _, offset in self._all_members(owner) if offset > at)
        size = (following[0] if following else owner.size) - at
        return [[name, f"u{size}" if size in (1, 2, 4, 8) else f"V{size}", at]]

    def _all_members(self, entry: DebugEntry) -> list[tuple[str, str, int]]:
        inherited = [m for base in entry.bases for m in self._base(base)]
        return inherited + entry.members

    def _base(self, name: str) -> list[tuple[str, str, int]]:
        short = name.split("::")[-1]
        known = [entry for entry in self.types if entry.name == short and entry.members]
        return self._all_members(known[0]) if known else []

    def message(self, entry: DebugEntry) -> list[list[str]]:
        """[name, type] of each member of a struct that is sent as an array, in the order of its declaration."""
        kept = UNSENT.get(entry.name, ())
        return [[name, _message_type(kind)] for name, kind, _ in self._all_members(entry) if name not in kept]

    def enum(self, name: str) -> dict[str, int]:
        """The values of enumeration ``name`` by their names. Raises TakeadError."""
        for entry in self.types:
            if entry.values and (entry.name == name or entry.file.endswith(f"/{name}.h")):
                return {
                    key: value for key, value in entry.values.items() if "INVALID" not in key.upper() or value < 256
                }
        raise TakeadError(f"{self._path}: no enumeration '{name}' in the debug information")

    def template(self, opening: str, pattern: str) -> list[str]:
        """What ``pattern`` finds in the first template instance that begins with ``opening``. Raises TakeadError."""
        for text in self.strings:
            if text.startswith(opening.encode()):
                return re.findall(pattern, text.decode())
        raise TakeadError(f"{self._path}: no '{opening}' among its strings")


def _message_type(kind: str) -> str:
    kind = kind.removeprefix("const ").strip()
    if kind in MESSAGE or kind.endswith(("ActorId", "::id_type", "LightId", "::flag_type")):
        return MESSAGE.get(kind, "int")
    if kind.endswith("string") or (("basic_string" in kind) and "vector" not in kind):
        return "str"
    if inner := re.match(r"(?:std::)?vector<([\w: ]+)", kind):
        return "bytes" if inner[1] in ("unsigned char", "uint8_t") else f"list:{_message_type(inner[1])}"
    if inner := re.match(r"boost::optional<([\w: ]+)>", kind):
        return f"optional:{_message_type(inner[1])}"
    return kind.split("::")[-1]


def calls(library: Library) -> list[str]:
    """The names of the calls that the client's class can send."""
    literals = {text.decode() for text in library.strings if re.fullmatch(rb"[a-z][A-Za-z_]+", text)}
    # The literals of the file that sends them stand together; a sentence or two stand between.
    first, last = library.strings.index(b"is_traffic_manager_running"), library.strings.index(b"get_all_level_BBs")
    together = {text.decode() for text in library.strings[first : last + 1]}
    methods = {
        name
        for entry in library.types
        if entry.name == "Client" and "/client/detail/Client.h" in entry.file
        for name in entry.methods
    }
    found = {INLINED[name] for name in methods & set(INLINED)} | (literals & together)
    for name in methods - LOCAL:
        call = NAMED.get(name) or re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
        if call in literals:
            found.add(call)
    return sorted(found)


def make_table(path: Path, version: str) -> dict[str, Any]:
    """The layout table of ``version`` from the client library at ``path``. Raises TakeadError."""
    library = Library(path)
    return {
        "version": version,
        "made_from": {"file": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()},
        "packed": {
            name: dict(zip(("size", "fields"), library.packed(*known), strict=True)) for name, known in PACKED.items()
        },
        "structs": {
            name: library.message(library.struct(name, folder="/rpc/" if name not in GEOMETRY else "/geom/"))
            for name in STRUCTS
        },
        "enums": {name: library.enum(name) for name in ENUMS},
        "sensors": library.sensors,
        "commands": [
            [name, library.message(library.struct(name, folder="/rpc/Command.h"))] for name in library.commands
        ],
        "calls": calls(library),
    }


def main() -> int:
    """Write the table of the installed wheel; the exit code."""
    spec = importlib.util.find_spec("carla")
    libraries = [
        path
        for place in (spec.submodule_search_locations or [] if spec else [])
        for path in Path(place).glob("libcarla*.so")
    ]
    if not libraries:
        sys.stderr.write("error: the package 'carla' is not installed here: pip install 'takead_ros[carla-server]'\n")
        return 2
    version = importlib.metadata.version("carla")
    try:
        table = make_table(libraries[0], version)
    except TakeadError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    place = FOLDER / f"{version}.json"
    place.write_text(json.dumps(table, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    sys.stdout.write(f"{place}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
