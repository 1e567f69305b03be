"""Plays sessions from `fuzz_words` against real servers, and reports what went wrong.

One rule: for any client, the server replies once to each command or logs why not, and is unchanged afterwards.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from ftpfixture import AsyncPathIO, FtpServer, PathIO, Permission, Server, User
from ftpfixture.faults.presets import PRESETS
from ftpfixture.log.events import CommandReceived, FaultApplied, ReplySent
from ftpfixture.recording.target import Target
from ftpfixture.testing.loopthread import shared_thread
from ftpfixture.wire.states import check_exchange
from tests.support.fuzz_client import LAST_WORDS, Player
from tests.support.fuzz_words import Step, session
from tests.support.leaks import Held, held
from tests.support.raw import RawClient

__all__ = ["WORLDS", "Case", "Fuzzer", "play", "shrink"]

WORLDS = ("memory", "disk", "threads", "explicit", "implicit", "faults", "proxy")
STOP_LIMIT = 2  # seconds; close() gives sessions half of one, the rest is for machines that are shared
END_LIMIT = 10  # seconds until a session must have ended after its client closed
FILES = {"/a.txt": b"hello\n", "/b.txt": b"0123456789", "/d/e/f.bin": bytes(range(256)) * 300, "/two words": b"2"}
NEW_FILES = {"/new", "/new2", "/up/x"}

# Faults that wait for seconds of the clock on the wall, of which there is no time.
_FAULTS = tuple(name for name, known in PRESETS.items() if "delay" not in known.text and "AUTH" not in known.text)


class Case(NamedTuple):
    """One session to play.

    Attributes:
        world: One of `WORLDS`.
        steps: What the client does.
        faults: What goes wrong on the server.
    """

    world: str
    steps: tuple[Step, ...]
    faults: tuple[str, ...] = ()


class World:
    """A running server of some kind, on which sessions are played one after another.

    Args:
        name: One of `WORLDS`.
        folder: For the files of a server over the disk.
        server_class: Of the server.

    Attributes:
        server: The server that is played with.
        real: The server behind it in the world "proxy", else the same.
    """

    def __init__(self, name: str, folder: Path, server_class: type[Server] = Server) -> None:
        self.name = name
        self.errors: list[str] = []
        on_disk = {"disk": PathIO, "threads": AsyncPathIO}.get(name)
        base: Any = PurePosixPath("/") if on_disk is None else folder
        settings: dict[str, Any] = {"path_io_factory": on_disk} if on_disk else {"files": FILES}
        if name in ("explicit", "implicit"):
            settings["tls"] = name
        limits: Any = {"wait_future_timeout": 0.03, "socket_timeout": 0.2, "handshake_timeout": 0.2}
        self.real = self.server = FtpServer(
            users=_users(base), server_class=server_class, inflation_limit=1 << 20, **limits, **settings
        )
        if name == "proxy":
            self.real.start()
            self.server = FtpServer(
                upstream=Target(*self.real.address, timeout=0.3, user="ann", password="secret"), **limits
            )
        if on_disk is not None:
            _store(folder)
        self._tls: str | None = settings.get("tls")
        self._context = self.server.tls.client_context() if self._tls else None

    def __enter__(self) -> World:
        shared_thread().acquire()
        shared_thread().call(lambda: asyncio.get_running_loop().set_exception_handler(self._on_error))
        self._others = _tasks()  # of servers that other tests keep
        self.server.start()
        if self.name not in ("disk", "threads"):
            self.real.files.symlink("/link", "a.txt")
            self.real.files.symlink("/loop", "loop")
            self.real.files.symlink("/dangling", "nowhere")
        return self

    def __exit__(self, *_: object) -> None:
        self.server.stop()
        self.real.stop()
        shared_thread().release()

    def _on_error(self, _: object, context: dict[str, Any]) -> None:
        self.errors.append(f"in the loop: {context.get('message')}: {context.get('exception')!r}")

    def play(self, case: Case) -> list[str]:
        """Play a session; everything that went wrong, in words."""
        for fault in case.faults:
            self.server.faults.add(fault)
        with Player(self.server.address, self._tls, self._context) as player:
            # A connection that is reset before it is accepted is no session, and its end is waited for in vain.
            assert self.server.log.wait_until(lambda: bool(self.server.log.sessions), END_LIMIT)
            player.play(case.steps)
            in_order = not case.faults and player.leave()
            unanswered = not case.faults and not player.closed
        ended = self.server.log.wait_until(lambda: not self.server.sessions, END_LIMIT)
        ended = self.real.log.wait_until(lambda: not self.real.sessions, END_LIMIT) and ended
        problems = [*self.errors, *_failures(self.server), *_failures(self.real)]
        problems += [] if ended else ["the session does not end"]
        problems += ["QUIT was not the end"] if unanswered else []
        problems += self._left() if ended else []
        # Of two commands with the same code, as STOR and STAT with 550, a proxy cannot know which one is answered.
        problems += _unanswered(self.server, in_pairs=self.server is self.real) + _out_of_order(self.server)
        in_order = in_order and self.server.log.sessions[0].reason == "quit"  # and not in the middle of CCC
        if player.broken and self.server.log.commands[-1].argument != LAST_WORDS.decode():
            in_order = False  # an earlier QUIT ended the session, and bytes after it reset the connection
        if in_order and (sent := _sent(self.server)) != player.received:
            problems.append(f"sent {sent!r:.500}, received {player.received!r:.500}")
        self.server.faults.clear()
        self.server.log.clear()
        self.real.log.clear()
        self.errors.clear()
        return problems

    def stop(self) -> list[str]:
        """Stop the server; what went wrong with that, and with the last healthy session before it."""
        problems = [] if self._context is not None else _probe(self.server)
        began = time.monotonic()
        self.server.stop()
        took = time.monotonic() - began
        if took > STOP_LIMIT:
            problems.append(f"stop() took {took:.1f} s")
        self.real.log.wait_until(lambda: not self.real.sessions, END_LIMIT)
        return problems + self.errors + self._left()

    def _left(self) -> list[str]:
        """What still runs on the loop though no session of this server does."""
        return [f"task left: {task!r}" for task in _tasks() - self._others]


def _users(base: Any) -> list[User]:
    limited = [Permission("/", writable=False), Permission("/d", readable=False), Permission("/up", delete=False)]
    return [
        User("ann", "secret", base_path=base),
        User("bob", "secret", base_path=base, permissions=limited),
        User("carol", "secret", base_path=base, account="gold"),
        User("dave", "secret", base_path=base / "d", maximum_connections=1),
        User(None, None, base_path=base, permissions=[Permission("/", writable=False)]),
    ]


def _store(folder: Path) -> None:
    for path, content in FILES.items():
        place = folder / path[1:]
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    (folder / "link").symlink_to("a.txt")
    (folder / "loop").symlink_to("loop")
    (folder / "dangling").symlink_to("nowhere")


def _failures(server: FtpServer) -> list[str]:
    return [f"{failure.verb} raised {failure.error!r:.500}" for failure in server.log.take_failures()]


def _unanswered(server: FtpServer, *, in_pairs: bool) -> list[str]:
    """What is wrong with the replies of the session that is over."""
    log, problems = server.log, []
    quits = {session.number for session in log.sessions if session.reason == "quit"}
    faulty = {event.session for event in log.events if isinstance(event, FaultApplied)}
    left = 0
    for record in log.commands:
        codes = [code for code, _ in record.replies]
        unfinished = not codes or codes[-1].startswith("1")
        if unfinished and not record.reply_withheld and not record.faults:
            left += 1
            if record.session in quits and record.session not in faulty:
                problems.append(f"{record} was not answered")
        elif (
            in_pairs
            and record.session not in faulty
            and (problem := check_exchange(record.verb, record.argument, codes))
        ):
            problems.append(f"{record}: {problem}")
    if left > 2 and not faulty:  # a transfer, and what is handled beside it
        problems.append(f"{left} commands were not answered")
    return problems


def _out_of_order(server: FtpServer) -> list[str]:
    """Replies that came before the first one to an earlier command."""
    waiting: list[int] = []
    faulty = {event.session for event in server.log.events if isinstance(event, FaultApplied)}
    for event in server.log.events:
        if event.session in faulty:
            continue
        if isinstance(event, CommandReceived):
            waiting.append(event.seq)
        elif isinstance(event, ReplySent) and event.command_seq:
            if event.command_seq in waiting and waiting[0] != event.command_seq:
                return [f"a {event.code} to a later command came first"]
            waiting = [seq for seq in waiting if seq != event.command_seq]
    return []


def _sent(server: FtpServer) -> bytes:
    return b"".join(event.raw for event in server.log.events if isinstance(event, ReplySent))


def _left(before: Held, after: Held) -> list[str]:
    """Threads and descriptors that were not there before; a server that others keep keeps the loop and its threads."""
    threads = Counter(after.threads) - Counter(before.threads)
    if "ftpfixture" in after.threads and "ftpfixture" in before.threads:
        threads = Counter({name: number for name, number in threads.items() if not name.startswith("asyncio_")})
    left = [*threads.elements(), *(Counter(after.descriptors) - Counter(before.descriptors)).elements()]
    return [f"left over: {left}"] if left else []


def _tasks() -> set[asyncio.Task[Any]]:
    """What runs on the loop of all servers, and was not about to end."""
    shared_thread().await_(asyncio.sleep(0))
    return shared_thread().call(lambda: {task for task in asyncio.all_tasks() if not task.done()})


def _probe(server: FtpServer) -> list[str]:
    try:
        with RawClient(server.address) as client:
            client.login("ann", "secret")
            codes = [client.code("PWD"), *client.fetch("NLST")[0], client.code("QUIT")]
    except (AssertionError, OSError, EOFError) as error:
        return [f"the next session is not healthy: {error!r}"]
    return [] if codes == ["257", "150", "226", "221"] else [f"the next session is not healthy: {codes}"]


class Fuzzer:
    """Plays many sessions.

    Args:
        folder: For files.
        seed: Of all sessions.
        server_class: Of the servers.

    Attributes:
        commands: How many the servers were sent so far.
    """

    def __init__(self, folder: Path, seed: int, server_class: type[Server] = Server) -> None:
        self._folder = folder
        self._seed = seed
        self._server_class = server_class
        self._numbers = count()
        self.commands = 0

    def batch(self, world: str, sessions: int) -> str | None:
        """Play some sessions against one server; the first that goes wrong as a text with a case to play again."""
        before = held()
        with World(world, self._new_folder(), self._server_class) as made:
            for case in self._cases(made, sessions):
                if problems := made.play(case):
                    return self._reported(case, problems)
            problems = made.stop()
        problems = problems or _left(before, held())
        return f"seed {self._seed}, {world}: {problems}" if problems else None

    def _new_folder(self) -> Path:
        folder = self._folder / str(next(self._numbers))
        folder.mkdir()
        return folder

    def _cases(self, world: World, sessions: int) -> Iterator[Case]:
        verbs = [verb.upper() for verb in world.real.server.commands_mapping]
        source = random.Random(f"{self._seed} {world.name}")
        for _ in range(sessions):
            faults = tuple(source.sample(_FAULTS, source.choice((1, 1, 2)))) if world.name == "faults" else ()
            length = source.choice((5, 20, 60, 150))
            self.commands += length
            yield Case(world.name, tuple(session(source.getrandbits(64), verbs, length)), faults)

    def _reported(self, case: Case, problems: list[str]) -> str:
        def fails(tried: Case) -> bool:
            return bool(play(tried, self._new_folder(), self._server_class))

        smallest = shrink(case, fails) if fails(case) else case
        return f"seed {self._seed}: {problems}\nplay again: {smallest!r}"


def play(case: Case, folder: Path, server_class: type[Server] = Server) -> list[str]:
    """Play one case against a new server; returns what went wrong."""
    with World(case.world, folder, server_class) as world:
        return world.play(case) or world.stop()


def shrink(case: Case, fails: Callable[[Case], bool], tries: int = 100) -> Case:
    """Leave out steps and lines as long as the rest still goes wrong.

    Args:
        case: One that goes wrong.
        fails: Plays a case; returns whether it fails.
        tries: How often that is done at most.
    """
    steps = [step for what, payload in case.steps for step in _single(what, payload)]
    size = len(steps)
    left = tries
    while size and left > 0:
        start = 0
        while start < len(steps) and left > 0:
            shorter = steps[:start] + steps[start + size :]
            left -= 1
            if fails(case._replace(steps=tuple(shorter))):
                steps = shorter
            else:
                start += size
        size //= 2
    return case._replace(steps=tuple(steps))


def _single(what: str, payload: bytes) -> list[Step]:
    return [(what, line) for line in payload.splitlines(keepends=True)] if what == "send" else [(what, payload)]
