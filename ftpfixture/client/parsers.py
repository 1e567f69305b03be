"""The parsers of replies and listings that a client uses; users may call and override them.

One rule: a parser takes only what the server sent, so that it can be called without a connection.
"""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any, NotRequired, TypedDict

from ftpfixture.wire.hostport import parse_227, parse_229
from ftpfixture.wire.listing import (
    parse_eplf_line,
    parse_ls_date,
    parse_msdos_line,
    parse_unix_line,
    parse_unix_mode,
    split_mlsx_line,
)
from ftpfixture.wire.listing.entry import Entry
from ftpfixture.wire.pathname import parse_257
from ftpfixture.wire.timestamps import format_time

__all__ = ["BasicListInfo", "Info", "ListInfo", "Parsers", "UnixListInfo", "info_of"]


class BasicListInfo(TypedDict):
    """The facts that every listing has of an entry; values are strings, as in MLSD."""

    type: str
    size: NotRequired[str]
    modify: NotRequired[str]


UnixListInfo = TypedDict(
    "UnixListInfo",
    {
        "type": str,
        "size": NotRequired[str],
        "modify": NotRequired[str],
        "unix.mode": NotRequired[int],
        "unix.links": NotRequired[str],
        "unix.owner": NotRequired[str],
        "unix.group": NotRequired[str],
        "link_dst": NotRequired[str],
    },
)
UnixListInfo.__doc__ = "The facts that a listing in the form of Unix has of an entry."

ListInfo = BasicListInfo | UnixListInfo

Info = dict[str, Any]
"""The facts of an entry as in MLSD: names in lower case, values as sent (RFC 3659 7.5).

LIST gives some of them. ``type`` is "file", "dir", "link" or "unknown", ``size`` bytes in digits, ``modify``
YYYYMMDDHHMMSS in UTC, ``link_dst`` the path in a link. Unknown facts are missing.
"""


class Parsers:
    """Static methods that parse replies and lines of listings."""

    @staticmethod
    def parse_epsv_response(s: str) -> tuple[None, int]:
        """None for the host, which is the server's, and the port in the text of a 229 reply.

        Raises:
            ReplySyntaxError: The text has no port; this error is a ValueError.

        Source: RFC 2428 3.
        """
        return None, parse_229(s)

    @staticmethod
    def parse_pasv_response(s: str) -> tuple[str, int]:
        """Host and port in the text of a 227 reply.

        Raises:
            ReplySyntaxError: The text has none; this error is a ValueError.

        Source: RFC 959 4.1.2, RFC 1123 4.1.2.6.
        """
        return parse_227(s)

    @staticmethod
    def parse_directory_response(s: str) -> PurePosixPath:
        """The path in the text of a 257 reply; "." when the text has none in quotes.

        Source: RFC 959 Appendix II.
        """
        return PurePosixPath(parse_257(s)) if '"' in s else PurePosixPath()

    @staticmethod
    def parse_unix_mode(s: str) -> int:
        """The permission bits of nine letters such as ``rwxr-xr-x``.

        Raises:
            ReplySyntaxError: The text is something else; this error is a ValueError.
        """
        return parse_unix_mode(s)

    @staticmethod
    def format_date_time(d: datetime) -> str:
        """A time without its seconds, as listings give it: YYYYMMDDHHMM00."""
        return d.strftime("%Y%m%d%H%M00")

    @staticmethod
    def parse_ls_date(s: str, *, now: datetime | None = None) -> str:
        """The date of a line of LIST as YYYYMMDDHHMMSS; without a year, the last such date up to a day after `now`.

        Raises:
            ReplySyntaxError: The text is no date; this error is a ValueError.
        """
        return format_time(parse_ls_date(s, now=time.time() if now is None else now.timestamp()))

    @staticmethod
    def parse_list_line_unix(b: bytes | str) -> tuple[PurePosixPath, Info]:
        """Parse a line of LIST in the form of ``ls -l``; bytes are decoded as UTF-8.

        Raises:
            ReplySyntaxError: The line has another form; this error is a ValueError.
        """
        return info_of(parse_unix_line(_text(b), now=time.time()))

    @staticmethod
    def parse_list_line_windows(b: bytes | str) -> tuple[PurePosixPath, Info]:
        """Parse a line of LIST in the form of IIS; bytes are decoded as UTF-8.

        Raises:
            ReplySyntaxError: The line has another form; this error is a ValueError.
        """
        return info_of(parse_msdos_line(_text(b)))

    @staticmethod
    def parse_list_line_eplf(b: bytes | str) -> tuple[PurePosixPath, Info]:
        """Parse a line of LIST in the easily parsed format (EPLF); bytes are decoded as UTF-8.

        Raises:
            ReplySyntaxError: The line has another form; this error is a ValueError.
        """
        return info_of(parse_eplf_line(_text(b)))

    @staticmethod
    def parse_mlsx_line(b: bytes | str) -> tuple[PurePosixPath, Info]:
        """Parse a line of MLSD, or the middle line of MLST; bytes are decoded as UTF-8.

        Returns:
            The name, and the facts: names in lower case, values as sent. A fact with an empty value is unknown and left
            out, except ``perm``, where it means that nothing is allowed. A link, which Unix servers send as
            ``OS.unix=slink:target``, has the type "link" and `link_dst`.

        Raises:
            ReplySyntaxError: The line has another form; this error is a ValueError.

        Source: RFC 3659 7.2, 7.5.5.
        """
        facts, name = split_mlsx_line(_text(b))
        info: Info = {fact.lower(): value for fact, value in facts if value or fact.lower() == "perm"}
        kind, colon, target = info.get("type", "unknown").partition(":")
        if kind.lower() in ("os.unix=slink", "os.unix=symlink"):
            info["type"] = "link"
            if colon:
                info["link_dst"] = target
        else:
            info["type"] = info.get("type", "unknown").lower()
        return PurePosixPath(name), info


def _text(line: bytes | str) -> str:
    return line if isinstance(line, str) else line.decode("utf-8", "surrogateescape")


def info_of(entry: Entry) -> tuple[PurePosixPath, Info]:
    """The name of an entry of LIST, and its facts."""
    known: dict[str, Any] = {
        "type": entry.type,
        "size": None if entry.size is None else str(entry.size),
        "modify": None if entry.modify is None else format_time(entry.modify),
        "unix.mode": entry.mode,
        "unix.links": None if entry.links is None else str(entry.links),
        "unix.owner": entry.owner,
        "unix.group": entry.group,
        "link_dst": entry.target,
    }
    return PurePosixPath(entry.name), {name: value for name, value in known.items() if value is not None}
