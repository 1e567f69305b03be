"""One transfer, as its command describes it."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from ftpfixture.net.stream import ThrottleStreamIO

__all__ = ["Transfer"]

File = Any
"""What `Transfer.open` gives: an open file of the path layer, or nothing for listings."""


@dataclass(slots=True)
class Transfer:
    """What goes over a data connection, and how.

    Attributes:
        direction: "download" or "upload".
        path: Virtual path.
        opening: Text of the 150.
        move: Moves the bytes between the stream and the open file.
        open: Gives the context manager of the file; called when the data connection is there, before the 150, so
            that what goes wrong is still a plain refusal, and an upload without a data connection destroys nothing.
        offset: Bytes skipped.
        size: Bytes that a download will have; None when nobody knows.
        stream: The data connection, while there is one.
        over: Called when the transfer has ended, however; never if `start_transfer` refuses it.
    """

    direction: str
    path: PurePosixPath
    opening: str
    move: Callable[[ThrottleStreamIO, File], Awaitable[None]]
    open: Callable[[], contextlib.AbstractAsyncContextManager[File]] = contextlib.nullcontext
    offset: int = 0
    size: int | None = None
    stream: ThrottleStreamIO | None = None
    over: Callable[[], object] | None = None
