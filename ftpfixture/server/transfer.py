"""The description of one transfer, which its command makes."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from ftpfixture.net.stream import ThrottleStreamIO

__all__ = ["Transfer"]

File = Any
"""An open file of the path layer; None for listings."""


@dataclass(slots=True)
class Transfer:
    """What a data connection transfers, and how.

    Attributes:
        direction: "download" or "upload".
        path: Virtual path.
        preliminary: Text of the 150.
        move: Moves the bytes between the stream and the open file.
        open: Returns the context manager of the file. It is called after the data connection was made and before the
            150, so that an error needs no 150, and an upload without a data connection overwrites nothing.
        offset: Bytes skipped.
        size: Bytes of the download; None when unknown.
        stream: The data connection, while there is one.
        on_end: Called when the transfer has ended, also with an error; not called if `start_transfer` refuses it.
        entries: Lines of a listing that were sent so far; None for a file.
    """

    direction: str
    path: PurePosixPath
    preliminary: str
    move: Callable[[ThrottleStreamIO, File], Awaitable[None]]
    open: Callable[[], contextlib.AbstractAsyncContextManager[File]] = contextlib.nullcontext
    offset: int = 0
    size: int | None = None
    stream: ThrottleStreamIO | None = None
    on_end: Callable[[], object] | None = None
    entries: int | None = None
