"""Model bundles for tests: sound ones, signed by keys made here, and everything that an attacker might make of one."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import zstandard
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from takead_ros.policy.bundle import CONTENTS, MANIFEST, MODEL, MOST_BYTES, SIGNATURE, archive, pack
from takead_ros.policy.manifest import parse_manifest
from takead_ros.policy.model import onnx_bytes
from takead_ros.resources import resource

NOVICE = resource("models/novice.onnx")
TEAM, OTHER = (Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number in (1, 2))
PARAMETERS = b"/**/arbiter_node:\n  ros__parameters: {human_hold_s: 0.6}\n"


@cache
def make(release: int = 3, key: Ed25519PrivateKey | None = TEAM, parameters: bytes | None = None) -> bytes:
    """The novice in a bundle."""
    manifest = parse_manifest(NOVICE.with_suffix(".manifest.json").read_bytes(), "novice")
    return pack(onnx_bytes(NOVICE), manifest, release, parameters, key)


def write_keys(folder: Path) -> tuple[Path, Path]:
    """TEAM's private and public key as PEM files."""
    private, public = folder / "team.pem", folder / "team.pub.pem"
    private.write_bytes(TEAM.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public.write_bytes(TEAM.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return private, public


def tar_of(bundle: bytes) -> bytes:
    return zstandard.ZstdDecompressor().decompress(bundle)


def members(bundle: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(tar_of(bundle))) as tar:
        found = {member.name: tar.extractfile(member) for member in tar}
        return {name: file.read() for name, file in found.items() if file is not None}


def packed(tar: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=1).compress(tar)


def changed(name: str, change: Callable[[bytes], bytes]) -> bytes:
    """The signed bundle with one member changed and packed again, as a careful attacker would."""
    files = members(make())
    files[name] = change(files[name])
    return packed(archive(files))


def with_member(header: tarfile.TarInfo, content: bytes = b"", *, first: bool = False) -> bytes:
    """The signed bundle with one more member."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.GNU_FORMAT) as tar:

        def add() -> None:
            header.size = len(content)
            tar.addfile(header, io.BytesIO(content))

        if first:
            add()
        for name, data in members(make()).items():
            if name != header.name or not first:
                plain = tarfile.TarInfo(name)
                plain.size = len(data)
                tar.addfile(plain, io.BytesIO(data))
        if not first:
            add()
    return packed(stream.getvalue())


def odd(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    header = tarfile.TarInfo(name)
    header.type, header.linkname = kind, target
    return header


def without(name: str) -> bytes:
    return packed(archive({key: data for key, data in members(make()).items() if key != name}))


def flipped(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


def foreign_tar() -> bytes:
    """A tar of something else."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("README.md"), io.BytesIO())
    return packed(stream.getvalue())


def resized(name: str, size: int) -> bytes:
    """A member whose header claims another size."""
    tar = tar_of(make())
    at = tar.index(name.encode() + b"\0")
    header = tarfile.TarInfo.frombuf(tar[at : at + 512], "utf-8", "strict")
    header.size = size
    return packed(tar[:at] + header.tobuf(tarfile.USTAR_FORMAT) + tar[at + 512 :])


def sizeless() -> bytes:
    """A frame that does not say how much it unpacks to."""
    return zstandard.ZstdCompressor(write_content_size=False).compress(tar_of(make()))


def other_mode() -> bytes:
    """The same files, the first with other rights (and the header's checksum right again)."""
    tar = tar_of(make())
    header = tarfile.TarInfo.frombuf(tar[:512], "utf-8", "strict")
    header.mode = 0o777
    return packed(header.tobuf(tarfile.USTAR_FORMAT) + tar[512:])


def other_signature() -> bytes:
    return changed(SIGNATURE, lambda _: members(make(release=4))[SIGNATURE])


def lying_frame() -> bytes:
    """A frame whose header promises 4 GiB."""
    return zstandard.FRAME_HEADER + bytes([0b1110_0000]) + (4 << 30).to_bytes(8, "little") + b"\0" * 64


def told(before: str, after: str) -> Callable[[], bytes]:
    """The signed bundle with something else in its bundle.json."""
    return lambda: changed(CONTENTS, lambda data: data.replace(before.encode(), after.encode()))


# What was done: how, and what the refusal says.
BAD: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "not one whole zstd frame"),
    "text": (lambda: b"this is something else\n" * 99, "not one whole zstd frame"),
    "zeros": (lambda: bytes(4096), "not one whole zstd frame"),
    "bare onnx": (NOVICE.read_bytes, "not one whole zstd frame"),
    "cut to a tenth": (lambda: make()[: len(make()) // 10], "not one whole zstd frame"),
    "cut by a byte": (lambda: make()[:-1], "not one whole zstd frame"),
    "bit flipped": (lambda: flipped(make()), "not one whole zstd frame"),
    "bytes behind": (lambda: make() + b"more", "not one whole zstd frame"),
    "second frame": (lambda: make() + packed(b"more"), "not one whole zstd frame"),
    "bomb": (lambda: packed(bytes(MOST_BYTES + 1)), "expected 536870912 at most"),
    "bomb that only claims": (lying_frame, "expected 536870912 at most"),
    "no size told": (sizeless, "unpacks to an unknown number of bytes"),
    "no tar": (lambda: packed(b"this is something else\n" * 99), "not a whole tar archive"),
    "nothing packed": (lambda: packed(b""), "not a whole tar archive"),
    "cut tar": (lambda: packed(tar_of(make())[:-40960]), "model.onnx is no plain file|not a whole tar archive"),
    "foreign tar": (foreign_tar, "holds 'README.md'; expected only bundle.json"),
    "leads out of the folder": (lambda: with_member(odd("../../etc/passwd"), b"x"), r"holds '\.\./\.\./etc/passwd'"),
    "leads to the root": (lambda: with_member(odd("/etc/passwd"), b"x"), "holds '/etc/passwd'"),
    "dot before the name": (lambda: with_member(odd("./model.onnx"), b"x"), r"holds '\./model.onnx'"),
    "control characters": (lambda: with_member(odd("\x1b[31mred"), b"x"), r"holds '\\x1b"),
    "extra file": (lambda: with_member(odd("run.sh"), b"#!/bin/sh\n"), "holds 'run.sh'"),
    "extra known file": (lambda: with_member(odd("parameters.yaml"), PARAMETERS), "expected the same"),
    "symbolic link": (lambda: with_member(odd("parameters.yaml", tarfile.SYMTYPE, "/etc/passwd")), "no plain file"),
    "hard link": (lambda: with_member(odd("parameters.yaml", tarfile.LNKTYPE, MODEL)), "no plain file"),
    "folder": (lambda: with_member(odd("parameters.yaml", tarfile.DIRTYPE)), "no plain file"),
    "device": (lambda: with_member(odd("parameters.yaml", tarfile.CHRTYPE)), "no plain file"),
    "pipe": (lambda: with_member(odd("parameters.yaml", tarfile.FIFOTYPE)), "no plain file"),
    "link for the model": (lambda: with_member(odd(MODEL, tarfile.SYMTYPE, "/m.onnx"), first=True), "no plain file"),
    "model twice": (lambda: with_member(odd(MODEL), b"other"), "holds model.onnx twice"),
    "member larger than the file": (lambda: resized(MODEL, 1 << 30), "model.onnx is no plain file"),
    "member shorter": (lambda: resized(MODEL, 1024), "not a whole tar archive|expected the same"),
    "bytes hidden at the end": (lambda: packed(tar_of(make()) + bytes(10240)), "holds bytes beside its files"),
    "bytes hidden in a header": (other_mode, "holds bytes beside its files"),
    "no contents": (lambda: without(CONTENTS), "holds no bundle.json"),
    "no model": (lambda: without(MODEL), "expected the same"),
    "no manifest": (lambda: without(MANIFEST), "expected the same"),
    "other model": (lambda: changed(MODEL, flipped), "model.onnx is not what bundle.json says"),
    "other manifest": (lambda: changed(MANIFEST, lambda data: data + b" "), "model.manifest.json is not what bundle.j"),
}

# The same where bundle.json was changed, which a signature shows before anything else.
TOLD: dict[str, tuple[Callable[[], bytes], str]] = {
    "no JSON": (lambda: changed(CONTENTS, lambda data: data[:-5]), "bundle.json: .*expected a bundle made by"),
    "another format": (told("bundle-1", "bundle-9"), "bundle format 'takead-bundle-9', expected 'takead-bundle-1'"),
    "a key more": (told('{\n "files"', '{\n "a": 1,\n "files"'), "bundle.json: a: Extra inputs"),
    "release below zero": (told('"release": 3', '"release": -3'), "bundle.json: release"),
    "another model's sha256": (told('"model_sha256": "', '"model_sha256": "00'), "they do not belong together"),
    "another name": (told('"name": "', '"name": "not '), "they do not belong together"),
}

# What only the signature can tell.
KEYED: dict[str, tuple[Callable[[], bytes], str]] = {
    "unsigned": (lambda: make(key=None), "is not signed"),
    "signed by another key": (lambda: make(key=OTHER), "signed by another, or changed"),
    "signature taken off": (lambda: without(SIGNATURE), "is not signed"),
    "signature of another bundle": (other_signature, "signed by another, or changed"),
    "signature empty": (lambda: changed(SIGNATURE, lambda _: b""), "signed by another, or changed"),
    "signature longer": (lambda: changed(SIGNATURE, lambda data: data + b"\0"), "signed by another, or changed"),
    "release raised": (told('"release": 3', '"release": 9'), "signed by another, or changed"),
}
