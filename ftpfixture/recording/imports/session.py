"""A session of a log: its commands, each with the replies and the data connection that belong to it.

Theory of operation
-------------------
The items of one control connection come in the order of the log. A command begins a `Turn`. A reply answers the first
command without a final reply that may get such a code: while a transfer runs, ABOR, STAT and NOOP get theirs, and a
client that sends several commands at once gets the replies in their order. A reply stands at its place in the log,
except that of a client that sent several commands at once: it stands at its command, so that a client that waits for
each reply gets it, too.

A transfer that has a preliminary reply has a data connection, which ends before its final reply. The sizes that the log
names come before that reply or after it; the last transfer gets them.

One rule: nothing is invented here. `repair` adds what the log must have left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from ftpfixture.recording.imports.items import Closed, Counted, DataFailed, Item, Opened, Received, Secured, Sent, Shown
from ftpfixture.wire.states import TRANSFERS, UPLOADS, legal_reply

__all__ = ["Answer", "Remark", "Session", "Transfer", "Turn"]

Remark = Callable[[int, str], None]
"""Takes the number of a line and what was done with it."""

_CODE = re.compile(r"([1-6][0-9]{2})(?:[ -]|$)")
_BYTES = re.compile(r"\b([0-9]+(?:[.,][0-9]{3})*) ?bytes\b", re.IGNORECASE)
_OPENERS = ("PASV", "EPSV", "PORT", "EPRT", "LPSV", "LPRT")


@dataclass(slots=True)
class Answer:
    """A reply.

    Attributes:
        number: Of its first line in the log.
        lines: Each with its code.
        complete: Whether its last line is there.
    """

    number: int
    lines: list[str]
    complete: bool = True

    @property
    def code(self) -> str:
        """The code; "" for a line that is no reply."""
        match = _CODE.match(self.lines[0])
        return "" if match is None else match[1]


@dataclass(slots=True)
class Transfer:
    """The data connection of a command.

    Attributes:
        number: Of the command in the log.
        verb: Upper case.
        is_text: Whether it has TYPE A.
        mode: Of transmission.
        offset: Given by REST.
        whole: Number of bytes that the client counted; None for none.
        named: Number of bytes that a reply names; None for none.
        part: Number of bytes that the client counted, when more may have come.
        shown: Lines that may be its content.
        is_secured: Whether it has TLS.
        failed: Whether the client could not connect.
        end: How the server ended it.
    """

    number: int
    verb: str
    is_text: bool
    mode: Literal["S", "Z"]
    offset: int
    is_secured: bool
    whole: int | None = None
    named: int | None = None
    part: int | None = None
    shown: list[Shown] = field(default_factory=list)
    failed: bool = False
    end: Literal["eof", "rst"] = "eof"

    @property
    def is_upload(self) -> bool:
        """Whether the client sends the bytes."""
        return self.verb in UPLOADS


@dataclass(slots=True)
class Turn:
    """A command and what the server does after it; the first turn of a session is its beginning, without a command.

    Attributes:
        number: Of the command in the log.
        text: The command, "" for the beginning.
        events: In the order of the wire; "tls" and "clear" are the begin and end of TLS on the control connection.
        transfer: Its data connection.
        is_final: Whether its final reply is there.
    """

    number: int
    text: str = ""
    events: list[Answer | Transfer | Literal["tls", "clear"]] = field(default_factory=list)
    transfer: Transfer | None = None
    is_final: bool = False

    @property
    def verb(self) -> str:
        """The verb in upper case, "CONNECT" for the beginning."""
        return self.text.partition(" ")[0].upper() or "CONNECT"

    @property
    def argument(self) -> str:
        """The argument as sent."""
        return self.text.partition(" ")[2]

    @property
    def answers(self) -> list[Answer]:
        """The replies at this place."""
        return [event for event in self.events if isinstance(event, Answer)]


class Session:
    """Takes the items of a control connection.

    Args:
        number: Of its first line in the log.
        remark: Takes remarks.

    Attributes:
        turns: The beginning, and the commands.
        hosts: Names and addresses of the server.
        is_implicit: Whether TLS began with the connection.
        hides_auth: Whether there was TLS without the AUTH that begins it.
        version: Of TLS on the control connection.
        ended: How the server closed the connection; "" when the log does not have it.
    """

    def __init__(self, number: int, remark: Remark) -> None:
        self.turns = [Turn(number)]
        self.hosts: list[str] = []
        self.is_implicit = False
        self.hides_auth = False
        self.version = ""
        self.ended: Literal["", "eof", "rst"] = ""
        self._remark = remark
        self._open: Answer | None = None
        self._transfer: Transfer | None = None
        self._sizes: dict[str, int] = {}
        self._type = "A"
        self._mode: Literal["S", "Z"] = "S"
        self._offset = 0
        self._is_secured = False
        self._is_private = False
        self._data_failed = False

    def begins_with(self, item: Item) -> bool:
        """Whether an item begins the next session."""
        is_used = len(self.turns) > 1 or bool(self.turns[0].events)
        if isinstance(item, Opened):
            return item.begins and is_used
        if isinstance(item, Sent | Received) and self.ended:
            return True
        if isinstance(item, Sent) and self.turns[-1].verb == "QUIT":
            return True
        if not isinstance(item, Received) or self._open is not None or not item.text.startswith("220"):
            return False
        waiting = (turn for turn in self.turns if not turn.is_final)
        is_answered = any(turn.answers for turn in self.turns)
        return is_answered and not any(legal_reply(turn.verb, turn.argument, "220") for turn in waiting)

    def take(self, item: Item) -> bool:
        """Take an item; False for a line that is none of the session."""
        match item:
            case Sent():
                self._sent(item)
            case Received():
                self._received(item)
            case Secured():
                self._secured(item)
            case Counted():
                self._counted(item)
            case Opened(hosts=hosts):
                self.hosts += [host for host in hosts if host not in self.hosts]
            case DataFailed():
                self._data_failed = True
                if self._transfer is not None:
                    self._transfer.failed = True
            case Closed(end=end):
                self.ended = end
            case Shown():
                return self._shown(item)
        return True

    def _sent(self, item: Sent) -> None:
        self.finish()
        turn = Turn(item.number, item.text.strip())
        self.turns.append(turn)
        self._transfer = None
        if turn.verb in _OPENERS:
            self._data_failed = False

    def finish(self) -> None:
        """Complete a reply whose last line is not in the log, because the log has a command after it."""
        if self._open is not None:
            answer, self._open = self._open, None
            answer.lines.append(f"{answer.code} End")
            answer.complete = True
            self._remark(answer.number, f"this reply has no last line: {answer.lines[-1]!r} was added")
            self._answered(answer)

    # Replies.

    def _received(self, item: Received) -> None:
        text = item.text.rstrip(" \t")  # terminals pad lines
        if self._open is not None:
            answer = self._open
            answer.lines.append(text)
            if re.match(rf"{answer.code}(?: |$)", text):
                answer.complete, self._open = True, None
                self._answered(answer)
            return
        answer = Answer(item.number, [text], complete=text[3:4] != "-")
        self._place(answer)
        if answer.complete or not answer.code:
            self._answered(answer)
        else:
            self._open = answer

    def _place(self, answer: Answer) -> None:
        """Put a reply at its place: the last command, or that of a client that did not wait for replies."""
        owner, last = self._owner(answer), self.turns[-1]
        if owner is not last and not owner.events and (owner.text or answer.code == "220"):
            place = f"its command on line {owner.number}: {owner.verb}" if owner.text else "the begin of the session"
            self._remark(answer.number, f"this reply was put at {place}")
            owner.events.append(answer)
        else:
            if last.text and owner.is_final:
                self._remark(answer.number, "no command waits for this reply: the server sends it here")
            last.events.append(answer)

    def _owner(self, answer: Answer) -> Turn:
        """The turn that a reply answers."""
        waiting = [turn for turn in self.turns if not turn.is_final]
        fitting = (turn for turn in waiting if legal_reply(turn.verb, turn.argument, answer.code))
        commands = (turn for turn in waiting if turn.text)
        return next(fitting, next(commands, self.turns[-1]))

    def _answered(self, answer: Answer) -> None:
        """Act on a complete reply."""
        owner, code = self._owner(answer), answer.code
        if code.startswith("1"):
            if owner.verb in TRANSFERS and owner.transfer is None:
                self._begin_transfer(owner, answer)
        elif code and not owner.is_final:
            if owner.verb in TRANSFERS and owner.transfer is None and code in ("226", "250"):
                self._begin_transfer(owner, answer)
            owner.is_final = True
            if owner.transfer is not None:
                self._place_data(owner, owner.transfer, answer)
            if code.startswith(("2", "3")):
                self._follow(owner, answer)

    def _place_data(self, owner: Turn, transfer: Transfer, final: Answer) -> None:
        """Put a data connection before the final reply, where it is that of its command."""
        place = next(turn for turn in self.turns if any(event is final for event in turn.events))
        has_begun = any(answer.code.startswith("1") for answer in owner.answers)
        if not transfer.failed and (place is owner or has_begun):
            place.events.insert(next(n for n, event in enumerate(place.events) if event is final), transfer)

    def _follow(self, turn: Turn, answer: Answer) -> None:
        """Store what a positive reply changes."""
        match turn.verb:
            case "AUTH" if answer.code == "234":
                turn.events.append("tls")
                self._is_secured = True
            case "CCC":
                turn.events.append("clear")
            case "PROT":
                self._is_private = turn.argument.upper().startswith("P")
            case "TYPE":
                self._type = turn.argument[:1].upper()
            case "MODE":
                self._mode = "Z" if turn.argument.upper().startswith("Z") else "S"
            case "REST" if turn.argument.isdigit():
                self._offset = int(turn.argument)
            case "SIZE" if (text := answer.lines[0][4:].strip()).isdigit():
                self._sizes[turn.argument] = int(text)

    # Data connections.

    def _begin_transfer(self, turn: Turn, answer: Answer) -> None:
        for other in self.turns:
            if other.transfer is not None and not other.is_final:
                other.transfer.failed = True  # a session has one data connection at a time
        size = self._sizes.get(turn.argument)
        named = _BYTES.search(" ".join(answer.lines))
        turn.transfer = self._transfer = Transfer(
            turn.number,
            turn.verb,
            self._type != "I",
            self._mode,
            self._offset,
            self._is_private or self.hides_auth,
            named=size if size is not None else None if named is None else int(re.sub("[.,]", "", named[1])),
            failed=self._data_failed,
        )
        self._offset = 0

    def _counted(self, item: Counted) -> None:
        transfer = self._transfer
        if transfer is None:
            return
        if item.whole:
            transfer.whole = item.size
        elif not self._is_secured:  # with TLS, these are the bytes of its records
            transfer.part = (transfer.part or 0) + item.size

    def _shown(self, item: Shown) -> bool:
        if self._open is not None and not item.known:
            self._remark(
                item.number, f"this line was taken for one of the reply that begins on line {self._open.number}"
            )
            self._received(Received(number=item.number, text=item.text))
            return True
        if self._transfer is None:
            return item.known
        self._transfer.shown.append(item)
        return True

    # TLS.

    def _secured(self, item: Secured) -> None:
        if not self._is_secured:
            self._is_secured = True
            self.is_implicit = item.implicit is not False and not self.turns[0].events
            self.hides_auth = not self.is_implicit
        self.version = self.version or item.version
