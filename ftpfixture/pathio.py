"""Path layers and what their authors need, under the names that users of aioftp import from ``aioftp.pathio``.

One rule: nothing is made here; each name comes from the room it belongs to.
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
