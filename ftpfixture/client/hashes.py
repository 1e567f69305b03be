"""Digests of files, of the server and of the client.

One rule: both sides use the same name for an algorithm, so that their digests can be compared.
"""

from __future__ import annotations

import hashlib
import zlib
from pathlib import PurePath
from typing import NamedTuple

from ftpfixture.files.base import AbstractPathIO
from ftpfixture.net.stream import DEFAULT_BLOCK_SIZE

__all__ = ["HASHES", "FileHash", "digest_of", "offered_hashes"]

# Strongest first (RFC 6151).
HASHES = {
    "SHA-512": (128, "XSHA512"),
    "SHA-256": (64, "XSHA256"),
    "SHA-1": (40, "XSHA1"),
    "MD5": (32, "XMD5"),
    "CRC32": (8, "XCRC"),
}
"""Algorithms in order of preference: name in FEAT, hexadecimal digits of the digest, verb of servers without HASH."""

_NAMES = {"SHA-512": "sha512", "SHA-256": "sha256", "SHA-1": "sha1", "MD5": "md5"}
"""The names of `hashlib` for the algorithms that it has."""


class FileHash(NamedTuple):
    """A digest and its algorithm.

    Attributes:
        algorithm: Its name in FEAT, such as "SHA-256".
        digest: Hexadecimal digits in lower case.
    """

    algorithm: str
    digest: str


def offered_hashes(features: dict[str, str]) -> set[str]:
    """The algorithms of HASH in a server's FEAT reply, in upper case."""
    return {name.strip("*").upper() for name in features.get("HASH", "").split(";")}


async def digest_of(path_io: AbstractPathIO, path: PurePath, algorithm: str) -> str:
    """The digest of a local file, in hexadecimal digits."""
    checksum = 0
    digest = hashlib.new(_NAMES[algorithm], usedforsecurity=False) if algorithm in _NAMES else None
    async with path_io.open(path, mode="rb") as file:
        async for block in file.iter_by_block(DEFAULT_BLOCK_SIZE):
            if digest is not None:
                digest.update(block)
            else:
                checksum = zlib.crc32(block, checksum)
    return f"{checksum:08x}" if digest is None else digest.hexdigest()
