"""A raw client that sends the lines of a script, and describes what it sees, in words short enough for a table."""

from __future__ import annotations

import re
import socket
from contextlib import suppress

from ftpfixture.wire.hostport import parse_227, parse_229
from tests.support.raw import RawClient

__all__ = ["SILENCE", "Walker", "received"]

_PORTS = re.compile(r"(?<=,)[0-9]+,?[0-9]+(?=\)|\Z)|(?<=\|\|\|)[0-9]+")
_TIME = re.compile(rb"[A-Z][a-z]{2} [ 0-9]{2} [0-9:]{5}|[0-9-]{8,10}  [0-9:]{5}[AP]M")
SILENCE = 0.3  # seconds without a byte


class Walker:
    """Sends lines, and describes the result of each.

    Args:
        address: The address of the server.
    """

    def __init__(self, address: tuple[str, int]) -> None:
        self.client = RawClient(address)
        self.data: socket.socket | None = None

    def walk(self, script: str) -> str:
        """Return the results of the steps, with semicolons between them."""
        return "; ".join(self.step(step.strip()) for step in script.split(";"))

    def step(self, step: str) -> str:
        """Perform a step.

        ``+`` reads a reply, ``hush`` expects none, ``get`` and ``put`` are transfers, ``end`` receives to the end.
        """
        try:
            match step.split(" ", 1):
                case ["+"]:
                    return self._code()
                case ["hush", line]:
                    self.client.send(line)
                    return self._final()
                case ["login"]:
                    self.client.login()
                    return "login"
                case ["get", line]:
                    return self._get(line)
                case ["put", line]:
                    return self._put(line)
                case ["text"]:
                    return self.client.reply().text
                case ["end", line]:
                    self.client.send(line)
                    while self.client.sock.recv(1 << 16):
                        pass
                    return "EOF"
                case ["text", line]:
                    return _PORTS.sub("P", self.client.ask(line).text)
                case ["line", line]:
                    return self._line(line)
                case ["raw"]:
                    return repr(self.client.sock.recv(100))[2:-1]
                case ["raw", line]:
                    self.client.send(line)
                    return repr(self.client.sock.recv(100))[2:-1]
                case ["data", verb]:
                    self.data = self.client.passive(verb)
                    return "connected"
                case ["connect", verb]:
                    return self._connect(verb)
                case _:
                    self.client.send(step)
                    return self._code()
        except EOFError:
            return "EOF"
        except ConnectionResetError:
            return "RST"
        except TimeoutError:
            return "silence"
        except ConnectionRefusedError:
            return "refused"

    def _code(self) -> str:
        return self.client.reply().code

    def _line(self, line: str) -> str:
        """Return the first line of a listing, without its time."""
        with self.client.passive() as data:
            self.client.ask(line)
            data.settimeout(SILENCE)
            first = b"".join(iter(lambda: data.recv(65536), b"")).split(b"\r\n")[0]
            self.client.reply()
            return repr(_TIME.sub(b"T", first))[2:-1]

    def _connect(self, verb: str) -> str:
        reply = self.client.ask(verb)
        address = parse_227(reply.text) if verb == "PASV" else ("127.0.0.1", parse_229(reply.text))
        with socket.create_connection(address, SILENCE):
            return "connected"

    def _get(self, line: str) -> str:
        with self.client.passive() as data:
            first = self.client.ask(line)
            if not first.is_preliminary:
                return first.code
            count, end = received(data)
            size = "" if end == "RST" else f" {count}"  # RST discards what was not read yet
            return f"{first.code}{size} {end} {self._final()}"

    def _put(self, line: str) -> str:
        with self.client.passive() as data:
            first = self.client.ask(line)
            if not first.is_preliminary:
                return first.code
            # Whether an upload sees FIN or RST depends on timing; other tests check it.
            with suppress(OSError):
                data.sendall(b"x" * 2000)
                data.shutdown(socket.SHUT_WR)
            return f"{first.code} {self._final()}"

    def _final(self) -> str:
        self.client.sock.settimeout(SILENCE)
        try:
            return self._code()
        except TimeoutError:
            return "silence"
        except EOFError:
            return "EOF"
        finally:
            self.client.sock.settimeout(10)


def received(data: socket.socket) -> tuple[int, str]:
    """Return the number of received bytes, and how the connection ended."""
    count = 0
    data.settimeout(SILENCE)
    try:
        while content := data.recv(65536):
            count += len(content)
    except TimeoutError:
        return count, "silence"
    except ConnectionResetError:
        return count, "RST"
    return count, "FIN"
