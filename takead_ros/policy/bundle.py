"""A model as a vehicle gets it: one file that holds the ONNX model, its manifest, parameters and checksums, signed.

A bundle (``NAME.tar.zst``) is a tar archive in one zstd frame. Its members, in this order and no others:

    bundle.json           what is inside: name, release, sha256 of the model, sha256 and size of every file below
    bundle.sig            Ed25519 signature (64 bytes) of FORMAT, a zero byte and bundle.json; left out where unsigned
    model.onnx            the model
    model.manifest.json   its manifest (``policy.manifest``)
    parameters.yaml       a ROS parameter file for the nodes, where one was given

The tar's bytes follow from its content alone (no times, owners or modes of files), and a bundle whose tar has other
bytes is refused: a member that leads out of a folder, a link, a second file of one name or anything hidden between
members cannot pass. Nothing is ever unpacked by a member's name.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass

import zstandard
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import BaseModel, ConfigDict, Field

from takead_ros import __version__
from takead_ros.domain.errors import TakeadError
from takead_ros.files import parse_record, to_json
from takead_ros.policy.manifest import Manifest
from takead_ros.policy.signing import fingerprint

FORMAT = "takead-bundle-1"
SUFFIX = ".tar.zst"
CONTENTS, SIGNATURE, MODEL, MANIFEST, PARAMETERS = (
    "bundle.json", "bundle.sig", "model.onnx", "model.manifest.json", "parameters.yaml",
)  # fmt: skip
ORDER = (CONTENTS, SIGNATURE, MODEL, MANIFEST, PARAMETERS)
LAST_RELEASE = 2**31 - 1
MOST_BYTES = 512 << 20  # unpacked; a policy of this project has some 4 MiB
EXPECTED = "a bundle made by 'takead model bundle'"
_LEVEL = 19


class BundleFile(BaseModel):
    """A file in a bundle."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    bytes: int = Field(ge=0)


class Contents(BaseModel):
    """``bundle.json``. release: the later bundle has the higher number; a vehicle goes back only where told to."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    format: str
    name: str
    release: int = Field(ge=0, le=LAST_RELEASE)
    model_sha256: str
    software_version: str
    files: dict[str, BundleFile]


@dataclass(frozen=True)
class Seal:
    """What a bundle adds to its model. signer: fingerprint of the key by which the signature was checked; empty where
    no key was asked for."""

    release: int
    signer: str


@dataclass(frozen=True)
class Bundle:
    """An opened bundle: every checksum holds. signed: whether it has a signature, checked or not."""

    contents: Contents
    seal: Seal
    signed: bool
    model: bytes
    manifest: bytes
    parameters: bytes | None


def pack(
    model: bytes,
    manifest: Manifest,
    release: int,
    parameters: bytes | None = None,
    key: Ed25519PrivateKey | None = None,
) -> bytes:
    """The bundle's bytes; the same arguments give the same bytes (with the same zstd library)."""
    files = {MODEL: model, MANIFEST: manifest.to_json().encode()}
    if parameters is not None:
        files[PARAMETERS] = parameters
    contents = Contents(
        format=FORMAT,
        name=manifest.name,
        release=release,
        model_sha256=manifest.sha256,
        software_version=__version__,
        files={name: BundleFile(sha256=_sha256(data), bytes=len(data)) for name, data in files.items()},
    )
    told = to_json(contents, indent=1).encode() + b"\n"
    seal = {} if key is None else {SIGNATURE: key.sign(_signed_text(told))}
    compressor = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True, write_content_size=True)
    return compressor.compress(archive({CONTENTS: told, **seal, **files}))


def open_bundle(data: bytes, where: str, key: Ed25519PublicKey | None = None) -> Bundle:
    """The bundle in ``data``, with every checksum compared, and the signature where ``key`` is given.

    Raises TakeadError that names ``where`` for what is no bundle or not whole, for one that holds anything besides what
    it should, for content that is not what its checksums say, and, with a key, for one that is unsigned or signed by
    another key.
    """
    tar = _unpacked(data, where)
    members = _members(tar, where)
    told = members.get(CONTENTS)
    if told is None:
        raise TakeadError(f"{where}: holds no {CONTENTS}; expected {EXPECTED}")
    signer = _checked_signature(told, members.get(SIGNATURE), where, key)
    contents = parse_record(Contents, told, f"{where}: {CONTENTS}", EXPECTED)
    if contents.format != FORMAT:
        raise TakeadError(f"{where}: bundle format '{contents.format}', expected '{FORMAT}'")
    files = {name: content for name, content in members.items() if name not in (CONTENTS, SIGNATURE)}
    _check_files(files, contents, where)
    if archive(members) != tar:
        raise TakeadError(f"{where}: holds bytes beside its files; expected {EXPECTED}")
    seal = Seal(contents.release, signer)
    return Bundle(contents, seal, SIGNATURE in members, files[MODEL], files[MANIFEST], files.get(PARAMETERS))


def older(new: Seal | None, present: Seal | None) -> str:
    """Why going from the ``present`` model to the ``new`` one is a step back, in words; empty where it is none. None:
    a model without a bundle."""
    if present is None or (new is not None and new.release >= present.release):
        return ""
    given = "a model without a release" if new is None else f"release {new.release}"
    return f"{given} is older than release {present.release}, which is in use"


def archive(members: Mapping[str, bytes]) -> bytes:
    """The one tar archive that holds ``members`` in ORDER."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name in sorted(members, key=ORDER.index):
            header = tarfile.TarInfo(name)
            header.size = len(members[name])
            tar.addfile(header, io.BytesIO(members[name]))
    return stream.getvalue()


def _unpacked(data: bytes, where: str) -> bytes:
    """The tar archive. Its size is known before a byte is unpacked, so that a small file cannot fill the memory."""
    try:
        size = zstandard.get_frame_parameters(data).content_size
        if size == zstandard.CONTENTSIZE_UNKNOWN or size > MOST_BYTES:
            said = "an unknown number of" if size == zstandard.CONTENTSIZE_UNKNOWN else str(size)
            raise TakeadError(f"{where}: unpacks to {said} bytes; expected {MOST_BYTES} at most")
        return zstandard.ZstdDecompressor().decompress(data, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise TakeadError(f"{where}: not one whole zstd frame ({error}; {len(data)} bytes); expected {EXPECTED}") from (
            error
        )


def _members(tar: bytes, where: str) -> dict[str, bytes]:
    """Content of every member. Raises TakeadError for one that is no plain file of a bundle."""
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(tar), mode="r:") as archived:
            for member in archived:
                if member.name not in ORDER:
                    raise TakeadError(f"{where}: holds {member.name[:80]!a}; expected only {', '.join(ORDER)}")
                if member.type != tarfile.REGTYPE or member.sparse or member.pax_headers or member.size > len(tar):
                    raise TakeadError(f"{where}: {member.name} is no plain file (a link, a folder, sparse or the like)")
                if member.name in found:
                    raise TakeadError(f"{where}: holds {member.name} twice")
                content = archived.extractfile(member)
                assert content is not None  # it is a plain file
                found[member.name] = content.read()
    except (tarfile.TarError, ValueError, EOFError, RecursionError) as error:
        raise TakeadError(f"{where}: not a whole tar archive ({error}); expected {EXPECTED}") from error
    return found


def _check_files(files: Mapping[str, bytes], contents: Contents, where: str) -> None:
    missing = {MODEL, MANIFEST} - set(files)
    if missing or set(files) != set(contents.files):
        raise TakeadError(
            f"{where}: holds {', '.join(files) or 'no file'}, its {CONTENTS} names {', '.join(contents.files)}; "
            f"expected the same, {MODEL} and {MANIFEST} among them"
        )
    for name, content in files.items():
        entry = contents.files[name]
        if (len(content), _sha256(content)) != (entry.bytes, entry.sha256):
            raise TakeadError(f"{where}: {name} is not what {CONTENTS} says (sha256 {entry.sha256[:12]}): changed")


def _checked_signature(told: bytes, signature: bytes | None, where: str, key: Ed25519PublicKey | None) -> str:
    """Fingerprint of the key that signed ``told``; empty where no ``key`` is asked for."""
    if key is None:
        return ""
    if signature is None:
        raise TakeadError(f"{where}: is not signed; expected the signature of key {fingerprint(key)[:12]}")
    try:
        key.verify(signature, _signed_text(told))
    except InvalidSignature as error:
        raise TakeadError(
            f"{where}: the signature is not that of key {fingerprint(key)[:12]}: signed by another, or changed since"
        ) from error
    return fingerprint(key)


def _signed_text(told: bytes) -> bytes:
    """What is signed: the format goes first, so that no signature of another kind of file counts here."""
    return FORMAT.encode() + b"\0" + told


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
