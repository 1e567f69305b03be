"""What a log has left out: the beginning of a session, and its end.

One rule: nothing is added without a remark, and a command that the log has without a reply gets none.
"""

from __future__ import annotations

from ftpfixture.recording.imports.bodies import body_of
from ftpfixture.recording.imports.session import Answer, Remark, Session, Turn

__all__ = ["repair"]

_BEFORE_LOGIN = frozenset(
    {
        "ABOR",
        "AUTH",
        "CLNT",
        "CSID",
        "FEAT",
        "HELP",
        "HOST",
        "LANG",
        "NOOP",
        "OPTS",
        "PBSZ",
        "PROT",
        "QUIT",
        "STAT",
        "SYST",
    }
)
_GREETING = "220 Service ready"
_USER, _PASS = ("USER {user}", "331 Password required"), ("PASS {password}", "230 Logged in")
_AUTH, _PRIVATE = ("AUTH TLS", "234 Ready for TLS"), (("PBSZ 0", "200 PBSZ=0"), ("PROT P", "200 Private"))
_GREETS = ("120", "220", "421", "500", "530", "550", "")


def repair(session: Session, remark: Remark) -> None:
    """Add what a client and a server need to begin and to end a session."""
    _begin(session, remark)
    if session.hides_auth:
        _add(session, 1, (_AUTH,), remark, "the log has TLS without its commands")
        session.turns[1].events.append("tls")
    _log_in(session, remark)
    _end(session, remark)


def _turn(number: int, pair: tuple[str, str]) -> Turn:
    return Turn(number, pair[0], [Answer(number, [pair[1]])], is_final=True)


def _add(session: Session, place: int, pairs: tuple[tuple[str, str], ...], remark: Remark, why: str) -> None:
    number = session.turns[min(place, len(session.turns) - 1)].number
    session.turns[place:place] = [_turn(number, pair) for pair in pairs]
    commands = ", ".join(command for command, _ in pairs)
    remark(number, f"{why}: {commands} with positive replies {'was' if len(pairs) == 1 else 'were'} added")


def _begin(session: Session, remark: Remark) -> None:
    """Begin with a greeting: a log that begins later may begin with the reply to USER or PASS."""
    first = session.turns[0]
    answers = first.answers
    if answers and answers[0].code in _GREETS:
        return
    number = answers[0].number if answers else first.number
    first.events = [event for event in first.events if not isinstance(event, Answer)]
    first.events.append(Answer(number, [_GREETING]))
    remark(number, f"the log begins later than the session: {_GREETING!r} was added")
    for answer in answers:
        before = {"331": [_USER], "332": [_USER], "230": [_USER, _PASS]}.get(answer.code)
        if before is None or (len(session.turns) > 1 and session.turns[1].verb == "USER"):
            remark(answer.number, "this reply is left out: its command is not in the log")
            continue
        added = [_turn(number, pair) for pair in before]
        added[-1].events[:] = [answer]
        session.turns[1:1] = added
        remark(answer.number, f"this reply got its command: {added[-1].text}")


def _log_in(session: Session, remark: Remark) -> None:
    """Log in where the log begins after it, or does not have these commands."""
    turns = session.turns
    verbs = [turn.verb for turn in turns]
    if "USER" in verbs or any(answer.code == "530" for turn in turns for answer in turn.answers):
        return
    place = next((place for place, verb in enumerate(verbs) if place and verb not in _BEFORE_LOGIN), None)
    if place is None:
        return
    pairs = (_USER,) if verbs[place] == "PASS" else (_USER, _PASS)
    if session.hides_auth:
        pairs = (*pairs, *_PRIVATE)
    _add(session, place, pairs, remark, "the log has no login")


def _end(session: Session, remark: Remark) -> None:
    """End with what the log says of the end, and report what is missing in it."""
    last = session.turns[-1]
    if last.verb == "QUIT" and not last.events and not session.ended:
        remark(last.number, "QUIT has no reply in the log: the server sends 221")
        session.turns.pop()
    elif any(answer.code == "421" for answer in last.answers) or (last.verb == "QUIT" and last.is_final):
        session.ended = session.ended or "eof"
    for answer in (answer for turn in session.turns for answer in turn.answers if not answer.complete):
        then = "closes the session" if session.ended else "stops here, and the client waits"
        remark(answer.number, f"this reply has no last line in the log: the server {then}")
    for turn in session.turns[1:]:
        if turn.transfer is not None and not turn.is_final:
            _end_transfer(session, turn, remark)
        elif not turn.events:
            then = "closes the session" if turn is last and session.ended else "sends none"
            remark(turn.number, f"{turn.verb} has no reply in the log: the server {then}")


def _end_transfer(session: Session, turn: Turn, remark: Remark) -> None:
    """End a transfer without a final reply: as the log says that the connection ended, or not at all."""
    transfer = turn.transfer
    assert transfer is not None
    body = body_of(transfer)
    has_data = not transfer.failed and (transfer.whole is not None or (bool(body.content) and not body.generated))
    if session.ended and not transfer.failed:
        transfer.end = session.ended
        transfer.whole = transfer.whole if has_data else transfer.part or 0
    if has_data or (session.ended and not transfer.failed):
        session.turns[-1].events.append(transfer)
    waits = "sends the data and no reply" if has_data else "sends neither data nor a reply"
    then = "closes the session" if session.ended else f"{waits}, and the client waits"
    remark(turn.number, f"{turn.verb} has no final reply in the log: the server {then}")
