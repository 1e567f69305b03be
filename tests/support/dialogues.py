"""Clients that play a recorded dialogue, command by command, and the reply codes that they get.

One rule: what a client gets is read from the client, and compared with the recording; commands that are loose, and
those that a program sends of itself, do not count.
"""

from __future__ import annotations

import contextlib
import ftplib
import re
import socket
import ssl
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

from ftpfixture import FtpServer
from ftpfixture.recording.format import Command, Note, Reply
from ftpfixture.recording.steps import Step, Track
from ftpfixture.recording.store import Recording
from ftpfixture.wire.states import TRANSFERS, UPLOADS

__all__ = ["Exchange", "curl_plays", "exchanges_of", "for_curl", "ftplib_plays"]

Exchange = tuple[str, tuple[str, ...]]
"""A verb, and the codes of its replies; "" for the beginning."""

_NEXT = ("--next", "-s", "-v", "-k", "--max-time", "30")
_OWN = ("FEAT", "OPTS", "PBSZ", "PROT", "PWD", "SYST", "TYPE")
"""What curl sends of itself, or never."""


def exchanges_of(track: Track) -> list[Exchange]:
    """What a client gets that plays a session; QUIT does not count, because curl does not show it."""
    return [
        (step.verb, tuple(reply.content()[:3].decode() for reply in step.lines if isinstance(reply, Reply)))
        for step in track.steps
        if step.verb != "QUIT"
    ]


# curl.


def for_curl(recording: Recording) -> Recording:
    """A recording that curl can play: commands that it sends of itself are loose, and AUTH is that for SSL."""
    lines = list(recording.lines)
    asks = [index for index, line in enumerate(lines) if isinstance(line, Command) and line.line().startswith(b"AUTH")]
    for index in asks[:1]:
        lines[index] = Command(session=lines[index].session, text="AUTH SSL")
    own = {
        "PWD": '257 "/"',
        "TYPE A": "200 A",
        "TYPE I": "200 I",
        "PBSZ 0": "200 0",
        "PROT P": "200 P",
        "SYST": "215 UNIX",
    }
    number = lines[-1].session + 1
    lines.append(Note(session=number, what="connected"))
    for command, reply in own.items():
        lines += [Command(session=number, text=command), Reply(session=number, lines=(reply,))]
    lines.append(Note(session=number, what="closed", by="client", end="eof"))
    header = recording.header
    loose = tuple(sorted({*header.loose, *_OWN}))
    changed = type(header)(
        version=header.version, source=header.source, tls=header.tls, redacted=header.redacted, loose=loose
    )
    return Recording(changed, tuple(lines), recording.blobs)


def curl_plays(server: FtpServer, track: Track, folder: Path) -> list[Exchange]:
    """Run curl against a server, and return what it has got when that is all, or when it ends."""
    expected = exchanges_of(track)
    (folder / "upload").write_bytes(b"")
    trust = [] if expected[-1][0] == "AUTH" else ["-k"]  # a log that ends there ends with a handshake that failed
    program = ["curl", "-v", "-s", *trust, "--max-time", "30", *_arguments(track, server)]
    process = subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=folder, text=True)
    assert process.stderr is not None
    got: list[Exchange] = [("", ())]
    with process:
        try:
            for line in process.stderr:
                _take(got, line.rstrip("\r\n"))
                if _counted(got) == expected and _waits(track):
                    break  # the server sends nothing more: curl waits, until it is killed
        finally:
            process.kill()
    return _counted(got)


def _closes(track: Track) -> bool:
    """Whether the server ends the session."""
    return any(isinstance(line, Note) and line.what == "closed" for step in track.steps for line in step.lines)


def _waits(track: Track) -> bool:
    """Whether the server stops in the last command."""
    codes = exchanges_of(track)[-1][1]
    return not _closes(track) and (not codes or codes[-1].startswith("1"))


def _take(got: list[Exchange], line: str) -> None:
    command, reply = re.match(r"> (\S+)", line), re.match(r"< ([0-9]{3})(?: |$)", line)
    if command is not None:
        got.append((command[1].upper(), ()))
    elif reply is not None:
        verb, codes = got[-1]
        got[-1] = verb, (*codes, reply[1])


def _counted(got: Iterable[Exchange]) -> list[Exchange]:
    return [exchange for exchange in got if exchange[0] not in (*_OWN, "QUIT")]


def _arguments(track: Track, server: FtpServer) -> Iterator[str]:
    """The arguments of curl for the commands of a session: one group of options for each transfer."""
    address = f"ftp://127.0.0.1:{server.port}/"
    login = ["--user", "ann:secret", *(["--ssl-reqd"] if any(step.verb == "AUTH" for step in track.steps) else [])]
    steps = [step for step in track.steps if step.verb not in ("", "AUTH", "USER", "PASS", "QUIT")]
    before: list[str] = []
    count = 0
    while steps:
        step = steps.pop(0)
        place = next((index for index, other in enumerate(steps) if other.verb in TRANSFERS), None)
        if step.opens and place is not None:
            sized = steps[place].verb == "RETR" and any(between.verb == "SIZE" for between in steps[:place])
            if not sized:  # before a download that is none of a listing, curl sends SIZE of itself
                before += [word for between in steps[:place] for word in ("--quote", f"+*{_line(between)}")]
            way = _transfer(step, steps[place], address, sized)
            yield from (*_NEXT * count, *login, *before, *way)
            count = 1
            del steps[: place + 1]
            before = []
        else:
            before += ["--quote", f"*{_line(step)}"]
    if before or not count:
        yield from (*_NEXT * count, *login, *before, "--head", address)


def _transfer(opener: Step, step: Step, address: str, sized: bool) -> list[str]:
    ways = {"EPSV": ["--ftp-pasv"], "PASV": ["--disable-epsv"]}
    way = ways.get(opener.verb, ["--ftp-port", "-", "--disable-eprt"])
    if step.verb in UPLOADS:
        return [*way, "--upload-file", "upload", f"{address}{step.argument}"]
    if sized:
        return [*way, f"{address}{step.argument}"]
    return [*way, "--request", _line(step), address]


def _line(step: Step) -> str:
    return f"{step.verb} {step.argument}".rstrip()


# ftplib.


def ftplib_plays(server: FtpServer, track: Track) -> list[Exchange]:
    """Send all commands of a session with ftplib, and return what it has got."""
    got: list[Exchange] = []
    with ftplib.FTP(timeout=20) as ftp, contextlib.ExitStack() as stack:
        ftp.connect(*server.address)
        assert ftp.welcome is not None
        got.append(("", (ftp.welcome[:3],)))
        player = _Ftplib(ftp, server, stack)
        for step in track.steps[1:]:
            if step.verb != "QUIT":
                got.append((step.verb, player.play(step)))
        assert ftp.sock is not None
        if not _closes(track) and track.steps[-1].verb != "QUIT":
            assert _is_silent(ftp.sock)
        ftp.close()
    return got


def _is_silent(connection: socket.socket) -> bool:
    """Whether nothing has come, and no end; session tickets of TLS 1.3 do not count."""
    connection.setblocking(False)
    try:
        connection.recv(1)
    except (BlockingIOError, ssl.SSLWantReadError):
        return True
    return False


class _Ftplib:
    """Plays steps on the connection of a client."""

    def __init__(self, ftp: ftplib.FTP, server: FtpServer, stack: contextlib.ExitStack) -> None:
        self._ftp = ftp
        self._server = server
        self._stack = stack
        self._data: socket.socket | None = None
        self._listener: socket.socket | None = None
        self._private = False

    def play(self, step: Step) -> tuple[str, ...]:
        """Send a command, and return the codes of its replies."""
        self._ftp.putcmd(self._command(step))
        codes: list[str] = []
        for _ in range(sum(isinstance(line, Reply) for line in step.lines)):
            reply = self._ftp.getmultiline()
            codes.append(reply[:3])
            self._follow(step, reply)
        if not codes and _closes(Track(0, (step,), {})):
            with contextlib.suppress(ConnectionResetError, EOFError):
                raise AssertionError(self._ftp.getmultiline())
        return tuple(codes)

    def _command(self, step: Step) -> str:
        if step.verb in ("USER", "PASS"):
            return f"{step.verb} {self._server.user}"
        if step.verb == "PORT":
            self._listener = self._stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            port = self._listener.getsockname()[1]
            return f"PORT 127,0,0,1,{port // 256},{port % 256}"
        return _line(step)

    def _follow(self, step: Step, reply: str) -> None:
        code = reply[:3]
        if step.opens and code in ("227", "229"):
            host, port = ftplib.parse227(reply) if code == "227" else ftplib.parse229(reply, self._server.address)
            self._data = self._stack.enter_context(socket.create_connection((host, port), timeout=20))
        elif step.verb == "AUTH" and code == "234":
            context = ssl.create_default_context(cafile=self._server.tls.ca_file)
            assert self._ftp.sock is not None
            self._ftp.sock = context.wrap_socket(self._ftp.sock, server_hostname="127.0.0.1")
            self._ftp.file = self._ftp.sock.makefile("r", encoding="utf-8")
        elif code == "150" and step.data is not None:
            self._move(step)

    def _move(self, step: Step) -> None:
        data = self._data
        if self._listener is not None:
            data = self._stack.enter_context(self._listener.accept()[0])
        assert data is not None
        if step.verb not in UPLOADS:
            while data.recv(1 << 16):
                pass
        data.close()
