"""Names of ``aioftp.pathio``, for users of aioftp: path layers and helpers for their authors.

One rule: nothing is defined here; each name is imported from its own module.
"""

from __future__ import annotations

from ftpfixture.files.base import AbstractPathIO, PathIONursery
from ftpfixture.files.disk import AsyncPathIO, PathIO
from ftpfixture.files.handles import AsyncPathIOContext, defend_file_methods, universal_exception
from ftpfixture.files.memory import MemoryPathIO, Node

__all__ = [
    "AbstractPathIO",
    "AsyncPathIO",
    "AsyncPathIOContext",
    "MemoryPathIO",
    "Node",
    "PathIO",
    "PathIONursery",
    "defend_file_methods",
    "universal_exception",
]
