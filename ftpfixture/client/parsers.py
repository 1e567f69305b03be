"""What servers answer, as values: the parsers that a client uses, to be used and overridden.

One rule: each takes what the server sent and nothing else, so that it can be called without a connection.
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
    """What every listing tells of an entry; values are texts, as MLSD has them."""

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
UnixListInfo.__doc__ = "What a listing in the form of Unix tells."

ListInfo = BasicListInfo | UnixListInfo

Info = dict[str, Any]
"""What is known of an entry: facts of MLSD, names in lower case, values as sent (RFC 3659 7.5).

LIST gives some of them. ``type`` is "file", "dir", "link" or "unknown", ``size`` bytes in
digits, ``modify`` YYYYMMDDHHMMSS in UTC, ``link_dst`` the path that a link holds. What is not known is not there.
"""


class Parsers:
    """Static methods that take what servers answer apart."""

    @staticmethod
    def parse_epsv_response(s: str) -> tuple[None, int]:
        """The port in the text of a 229 reply, behind None for the host, which is the server's.

        Raises:
            ReplySyntaxError: There is none; it is a ValueError.

        Source: RFC 2428 3.
        """
        return None, parse_229(s)

    @staticmethod
    def parse_pasv_response(s: str) -> tuple[str, int]:
        """Host and port in the text of a 227 reply.

        Raises:
            ReplySyntaxError: There are none; it is a ValueError.

        Source: RFC 959 4.1.2, RFC 1123 4.1.2.6.
        """
        return parse_227(s)

    @staticmethod
    def parse_directory_response(s: str) -> PurePosixPath:
        """The path in the text of a 257 reply; "." when there is none in quotes.

        Source: RFC 959 Appendix II.
        """
        return PurePosixPath(parse_257(s)) if '"' in s else PurePosixPath()

    @staticmethod
    def parse_unix_mode(s: str) -> int:
        """The permission bits of nine letters such as ``rwxr-xr-x``.

        Raises:
            ReplySyntaxError: They are something else; it is a ValueError.
        """
        return parse_unix_mode(s)

    @staticmethod
    def format_date_time(d: datetime) -> str:
        """A time without its seconds, as listings give it: YYYYMMDDHHMM00."""
        return d.strftime("%Y%m%d%H%M00")

    @staticmethod
    def parse_ls_date(s: str, *, now: datetime | None = None) -> str:
        """The date of a line of LIST as YYYYMMDDHHMMSS; without a year it is the last one up to a day after `now`.

        Raises:
            ReplySyntaxError: It is no date; it is a ValueError.
        """
        return format_time(parse_ls_date(s, now=time.time() if now is None else now.timestamp()))

    @staticmethod
    def parse_list_line_unix(b: bytes | str) -> tuple[PurePosixPath, Info]:
        """Read a line of LIST in the form of ``ls -l``; bytes are UTF-8, as in all that follow.

        Raises:
            ReplySyntaxError: It has another form; it is a ValueError.
        """
        return info_of(parse_unix_line(_text(b), now=time.time()))

    @staticmethod
    def parse_list_line_windows(b: bytes | str) -> tuple[PurePosixPath, Info]:
        """Read a line of LIST in the form of IIS.

        Raises:
            ReplySyntaxError: It has another form; it is a ValueError.
        """
        return info_of(parse_msdos_line(_text(b)))

    @staticmethod
    def parse_list_line_eplf(b: bytes | str) -> tuple[PurePosixPath, Info]:
        """Read a line of LIST in the easily parsed format.

        Raises:
            ReplySyntaxError: It has another form; it is a ValueError.
        """
        return info_of(parse_eplf_line(_text(b)))

    @staticmethod
    def parse_mlsx_line(b: bytes | str) -> tuple[PurePosixPath, Info]:
        """Read a line of MLSD, or the middle line of MLST.

        Returns:
            The name, and the facts: their names in lower case, their values as sent. A fact whose value is empty
            is unknown and left out, but for ``perm``, where it says that nothing is allowed. A link that Unix servers
            tell as ``OS.unix=slink:target`` has the type "link", and `link_dst`.

        Raises:
            ReplySyntaxError: It has another form; it is a ValueError.

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
    """The name of an entry of LIST, and what is known of it."""
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
