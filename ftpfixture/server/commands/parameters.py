"""Transfer parameters: representation, and the address of the data connection (RFC 959 4.1.2, RFC 2428)."""

from __future__ import annotations

from ftpfixture.errors import CommandRefused
from ftpfixture.net.hosts import same_host
from ftpfixture.server.conditions import ConnectionConditions
from ftpfixture.server.connection import Connection
from ftpfixture.server.dispatch import command
from ftpfixture.server.transfers import Transfers
from ftpfixture.wire.hostport import parse_eprt, parse_port, render_227, render_229
from ftpfixture.wire.numbers import is_number, parse_number

__all__ = ["ParameterCommands"]

_TYPES = {"A": "A", "A N": "A", "I": "I", "L 8": "I"}
_FAMILIES = {4: 1, 6: 2}  # IP version to address family number of RFC 2428
_FIRST_USER_PORT = 1024


class ParameterCommands(Transfers):
    """PORT EPRT PASV EPSV TYPE STRU MODE."""

    def reset(self, connection: Connection) -> None:
        """See BaseServer."""
        super().reset(connection)
        connection.epsv_all = False

    @command("PORT")
    @ConnectionConditions(ConnectionConditions.login_required)
    async def port(self, connection: Connection, rest: str) -> bool:
        """PORT <SP> h1,h2,h3,h4,p1,p2: name the port that the server connects to.

        The settings `allow_foreign_addresses` and `allow_privileged_ports` allow other addresses than the client's and
        ports below 1024: a server that connects to any address can be abused for attacks (RFC 2577 3).

        Replies: 200, 501 malformed, 504 not the client's own address or a privileged port, 503 after EPSV ALL.
        """
        return self._active(connection, parse_port(rest))

    @command("EPRT", feat="EPRT")
    @ConnectionConditions(ConnectionConditions.login_required)
    async def eprt(self, connection: Connection, rest: str) -> bool:
        """EPRT <SP> |family|address|port|: name the port that the server connects to; family 1 is IPv4, 2 is IPv6.

        Replies: 200, 501 malformed, 504 as PORT, 503 after EPSV ALL, 522
        another family than the control connection's. Source: RFC 2428 2.
        """
        family, host, port = parse_eprt(rest)
        if family != _family(connection):
            _refuse_family(connection)
        return self._active(connection, (host, port))

    def _active(self, connection: Connection, address: tuple[str, int]) -> bool:
        _only_before_epsv_all(connection)
        self.expect_client(connection, address)
        connection.response("200", "Active data connection will be made")
        return True

    def expect_client(self, connection: Connection, address: tuple[str, int]) -> None:
        """Connect to an address that a client names when the next transfer begins.

        Raises:
            CommandRefused: It is another host's, or a privileged port, and the settings do not allow that.
        """
        host, port = address
        if same_host(host, connection.client_host):
            host = connection.client_host  # with its zone, which a link-local address needs
        elif not self.allow_foreign_addresses:
            raise CommandRefused("504", "The address is not the client's own")
        if port < (1 if self.allow_privileged_ports else _FIRST_USER_PORT):
            raise CommandRefused("504", f"Port {port} is refused")
        self.expect_active(connection, (host, port))

    @command("PASV")
    @ConnectionConditions(ConnectionConditions.login_required)
    async def pasv(self, connection: Connection, rest: str) -> bool:
        """PASV: let the server listen for the data connection.

        Replies: 227, 425 no port free or the control connection is IPv6, 501, 503 after EPSV ALL.
        """
        _no_argument(rest)
        _only_before_epsv_all(connection)
        if _family(connection) != _FAMILIES[4]:
            raise CommandRefused("425", "PASV can name IPv4 addresses only: use EPSV")
        port = self.expect_passive(connection)
        host = self.ipv4_pasv_forced_response_address or connection.server_host
        connection.response("227", render_227(host, port))
        return True

    @command("EPSV", feat="EPSV")
    @ConnectionConditions(ConnectionConditions.login_required)
    async def epsv(self, connection: Connection, rest: str) -> bool:
        """EPSV [<SP> 1 | 2 | ALL]: let the server listen, with a reply that works behind address translators.

        Replies: 229, 200 to ALL, 425 no port free, 501, 522 another family. Source: RFC 2428 3.
        """
        if rest.upper() == "ALL":
            connection.epsv_all = True
            connection.response("200", "EPSV ALL accepted")
            return True
        if rest and parse_number(rest, "The protocol of EPSV, unless it is ALL,") != _family(connection):
            _refuse_family(connection)
        connection.response("229", render_229(self.expect_passive(connection)))
        return True

    @command("TYPE")
    @ConnectionConditions(ConnectionConditions.login_required)
    async def type(self, connection: Connection, rest: str) -> bool:
        """TYPE <SP> A [N] | I | L 8: choose the representation of files.

        Replies: 200, 501 unknown, 504 known but not offered (E, A T, A C, other byte sizes).
        """
        wanted = " ".join(rest.upper().split())
        if wanted in _TYPES:
            connection.transfer_type = _TYPES[wanted]
            connection.response("200", f"Type set to {wanted}")
        elif _is_type(wanted.split()):
            connection.response("504", f"Type {wanted} is not offered")
        else:
            connection.response("501", "Unknown type")
        return True

    @command("STRU")
    @ConnectionConditions(ConnectionConditions.login_required)
    async def stru(self, connection: Connection, rest: str) -> bool:
        """STRU <SP> F: choose the file structure; record and page structure are not offered.

        Replies: 200, 501 unknown, 504 known but not offered.
        """
        return _choose(connection, "Structure", rest, "F", "RP")

    @command("MODE", feat="MODE Z")
    @ConnectionConditions(ConnectionConditions.login_required)
    async def mode(self, connection: Connection, rest: str) -> bool:
        """MODE <SP> S | Z: choose the transfer mode, stream or deflate; block and compressed mode are not offered.

        Replies: 200, 501 unknown, 504 known but not offered. Source: RFC 959 3.4, draft-preston-ftpext-deflate.
        """
        if rest.upper() in ("S", "Z"):
            connection.transfer_mode = rest.upper()
        return _choose(connection, "Mode", rest, "SZ", "BC")


def _choose(connection: Connection, what: str, rest: str, offered: str, known: str) -> bool:
    wanted = rest.upper()
    if len(wanted) == 1 and wanted in offered:
        connection.response("200", f"{what} set to {wanted}")
    elif len(wanted) == 1 and wanted in known:
        connection.response("504", f"{what} {wanted} is not offered")
    else:
        connection.response("501", f"Unknown {what.lower()}")
    return True


def _is_type(words: list[str]) -> bool:
    """True for every form that RFC 959 5.3.2 allows."""
    match words:
        case ["A" | "E"] | ["A" | "E", "N" | "T" | "C"] | ["I"]:
            return True
        case ["L", size]:
            return is_number(size, least=1, most=255)
    return False


def _family(connection: Connection) -> int:
    return _FAMILIES[6 if ":" in connection.server_host else 4]


def _refuse_family(connection: Connection) -> None:
    raise CommandRefused("522", f"Network protocol not supported, use ({_family(connection)})")


def _only_before_epsv_all(connection: Connection) -> None:
    if connection.epsv_all:
        raise CommandRefused("503", "Only EPSV is allowed after EPSV ALL")


def _no_argument(rest: str) -> None:
    if rest:
        raise CommandRefused("501", "This command takes no argument")
