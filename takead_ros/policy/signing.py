"""Ed25519 keys of model bundles: who makes them signs with a private key, a vehicle knows only the public half.

Keys are PEM files as openssl makes them (docs/bundles.md). Signing and checking are ``cryptography``'s.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from takead_ros.domain.errors import TakeadError
from takead_ros.files import read_file

PRIVATE = "an Ed25519 private key in PEM without a password (openssl genpkey -algorithm ed25519 -out KEY.pem)"
PUBLIC = "an Ed25519 public key in PEM (openssl pkey -in KEY.pem -pubout -out KEY.pub.pem)"


def private_key(path: Path) -> Ed25519PrivateKey:
    """The key in a PEM file. Raises TakeadError for what is none; the file's content is in no message."""
    data = read_file(path, PRIVATE)
    try:
        key = load_pem_private_key(data, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:  # TypeError: it has a password
        raise TakeadError(f"key {path}: not readable ({type(error).__name__}); expected {PRIVATE}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise TakeadError(f"key {path}: a {_kind(key)}; expected {PRIVATE}")
    return key


def public_key(path: Path) -> Ed25519PublicKey:
    """The key in a PEM file. Raises TakeadError for what is none, and for a private key, which no vehicle may have."""
    data = read_file(path, PUBLIC)
    if b"PRIVATE KEY" in data:
        raise TakeadError(f"key {path}: holds a private key, which belongs on no vehicle; expected {PUBLIC}")
    try:
        key = load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise TakeadError(f"key {path}: not readable ({type(error).__name__}); expected {PUBLIC}") from error
    if not isinstance(key, Ed25519PublicKey):
        raise TakeadError(f"key {path}: a {_kind(key)}; expected {PUBLIC}")
    return key


def fingerprint(key: Ed25519PublicKey) -> str:
    """sha256 of the raw public key (32 bytes), in hexadecimal: the name of who signs."""
    return hashlib.sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()


def _kind(key: object) -> str:
    return type(key).__name__.strip("_")
