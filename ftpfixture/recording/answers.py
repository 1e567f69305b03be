"""The replies of a real server behind a proxy: each belongs to the first command that waits for one.

One rule: the client gets the replies in the order in which the server sent them.
"""

from __future__ import annotations

from asyncio import Event, Queue
from collections import deque
from dataclasses import dataclass, field

from ftpfixture.wire.reply import Reply
from ftpfixture.wire.states import TRANSFERS, legal_reply

__all__ = ["Answers", "RawReply", "ReplyOrder"]

_OVERTAKEN = TRANSFERS | {"ABOR"}


@dataclass(frozen=True)
class RawReply(Reply):
    """A reply with its own bytes.

    Attributes:
        raw: As received, each line with CRLF.
    """

    raw: bytes = b""

    def render(self, encoding: str = "utf-8") -> bytes:
        """The bytes as received."""
        return self.raw


class Answers:
    """The replies to one command, in order.

    Args:
        verb: Of the command; "CONNECT" for the greeting.

    Attributes:
        passed_on: Set when the client has the final one.
    """

    def __init__(self, verb: str) -> None:
        self.verb = verb
        self._queue: Queue[RawReply | EOFError] = Queue()
        self.passed_on = Event()

    def put(self, reply: RawReply | EOFError) -> None:
        """Add the next reply, or the end of the connection."""
        self._queue.put_nowait(reply)

    async def next(self) -> RawReply:
        """Wait for the next reply.

        Raises:
            EOFError: The server closed the control connection.
        """
        reply = await self._queue.get()
        if isinstance(reply, EOFError):
            self._queue.put_nowait(reply)
            raise reply
        return reply

    async def final(self) -> RawReply:
        """Wait for the final reply, past preliminary ones; raises as `next` does."""
        while (reply := await self.next()).is_preliminary:
            pass
        return reply


@dataclass
class ReplyOrder:
    """Assigns the replies of one control connection to its commands.

    Attributes:
        begun: Whether the server has sent a reply.
        ended: Why the connection has ended; None while it is open.
    """

    begun: bool = False
    ended: EOFError | None = None
    _waiting: deque[Answers] = field(default_factory=deque)
    _answered: list[Answers] = field(default_factory=list)

    def expect(self, verb: str) -> Answers:
        """The replies to a command that is sent now.

        Raises:
            EOFError: The server has closed the control connection.
        """
        if self.ended is not None:
            raise self.ended
        answers = Answers(verb)
        self._waiting.append(answers)
        return answers

    def take(self, reply: RawReply) -> str | None:
        """Assign a reply; the verb of its command, None when no command waits for one.

        Servers reply to NOOP, STAT and QUIT while a transfer runs. Some send one reply to a transfer and its ABOR
        together, as pyftpdlib does before the first byte of an upload: then ABOR gets none.
        """
        self.begun = True
        if not self._waiting:
            return None
        index = self._place(reply.code)
        if index and self._waiting[0].verb == "ABOR":
            self._waiting.popleft().put(EOFError("the server sent no reply to ABOR"))
            index -= 1
        answers = self._waiting[index]
        answers.put(reply)
        if not reply.is_preliminary:
            del self._waiting[index]
            self._answered.append(answers)
        return answers.verb

    def _place(self, code: str) -> int:
        """The first command, or a later one if only that may get this code."""
        first = self._waiting[0].verb
        if first not in _OVERTAKEN or legal_reply(first, "", code):
            return 0
        return next((index for index, answers in enumerate(self._waiting) if _may_get(answers.verb, code)), 0)

    async def turn(self, answers: Answers) -> None:
        """Wait until every reply that the server sent before the final one to this command is passed on."""
        while self._answered and self._answered[0] is not answers:
            await self._answered[0].passed_on.wait()

    def passed_on(self, answers: Answers) -> None:
        """Record that the client has the final reply to this command, or another one in its place."""
        if answers in self._answered:
            self._answered.remove(answers)
        answers.passed_on.set()

    def end(self, reason: str) -> None:
        """Let all commands that wait, and later ones, raise EOFError with this reason."""
        if self.ended is None:
            self.ended = EOFError(reason)
            for answers in self._waiting:
                answers.put(self.ended)
            self._waiting.clear()


def _may_get(verb: str, code: str) -> bool:
    return verb not in _OVERTAKEN and legal_reply(verb, "", code)
