"""The state of a replayed session, which faults, the log and TLS need.

One rule: it follows from a command and the recorded reply to it, and from nothing else.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from ftpfixture.files.paths import resolve_virtual
from ftpfixture.net.gate import Exchange
from ftpfixture.server import Connection
from ftpfixture.wire.reply import Reply

__all__ = ["follow"]

_QUOTED = re.compile(r'"((?:[^"]|"")*)"')


def follow(connection: Connection, exchange: Exchange, reply: Reply) -> None:
    """Store the effect of a reply on the session."""
    verb, argument = exchange.verb, exchange.argument
    if verb == "USER":
        connection.login = argument
    if not reply.code.startswith("2"):
        return
    match verb:
        case "USER" | "PASS" | "ACCT" if reply.code in ("230", "232"):
            connection.logged = True
            connection.session.logged_in(connection.login)
        case "CWD" | "XCWD":
            connection.current_directory = resolve_virtual(connection.current_directory, argument)
        case "CDUP" | "XCUP":
            connection.current_directory = resolve_virtual(connection.current_directory, "..")
        case "PWD" | "XPWD" if found := _QUOTED.search(reply.text):
            connection.current_directory = resolve_virtual(PurePosixPath("/"), found[1].replace('""', '"'))
        case "TYPE":
            connection.transfer_type = "A" if argument.upper().startswith("A") else "I"
        case "PROT":
            connection.protection = argument.upper()
        case "AUTH":
            connection.protection = "P" if argument.upper() in ("SSL", "TLS-P") else "C"
