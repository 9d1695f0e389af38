"""Ed25519 signatures over a manifest, with keys as OpenSSL writes them.

The library is `cryptography`, which dpsynth needs for its noise anyway and which is as well kept
as any; and what it signs, whoever lacks dpsynth can check:
`openssl pkeyutl -verify -pubin -inkey key.pub -rawin -in MANIFEST.json -sigfile MANIFEST.sig`.
(minisign's and sigstore's Python packages bring less use, or a network, with them.)
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from dpsynth.errors import InputError

MAKE = "openssl genpkey -algorithm ed25519 -out key.pem; openssl pkey -in key.pem -pubout"


def private_key(path: Path) -> Ed25519PrivateKey:
    """A private key in PEM, without a pass phrase.

    Raises:
        InputError: if it is none.
    """
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InputError(f"{path} can't be read as a private key: {error}; make one: {MAKE}") from (
            error
        )
    if not isinstance(key, Ed25519PrivateKey):
        raise InputError(f"{path} is no Ed25519 key; make one: {MAKE}")
    return key


def public_key(path: Path) -> Ed25519PublicKey:
    """A public key in PEM.

    Raises:
        InputError: if it is none.
    """
    try:
        key = serialization.load_pem_public_key(path.read_bytes())
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        raise InputError(f"{path} can't be read as a public key: {error}") from error
    if not isinstance(key, Ed25519PublicKey):
        raise InputError(f"{path} is no Ed25519 key")
    return key


def name_of(key: Ed25519PublicKey) -> str:
    """How a key is told from others: SHA-256 of its 32 bytes."""
    raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return hashlib.sha256(raw).hexdigest()


def words_of(key: Ed25519PublicKey) -> str:
    """A signer as a privacy card names it."""
    return f"Ed25519 key {name_of(key)}"


def signed_by(key: Ed25519PublicKey, signature: bytes, data: bytes) -> bool:
    """Whether the key's owner signed the data."""
    try:
        key.verify(signature, data)
    except InvalidSignature:
        return False
    return True
