"""The replies of a real server are assigned to the commands of a client."""

from __future__ import annotations

import asyncio

import pytest

from ftpfixture.recording.answers import RawReply, ReplyOrder
from tests.support.rows import table

Sent = list[str]


def _reply(code: str) -> RawReply:
    return RawReply(code, ("text",), raw=f"{code} text\r\n".encode())


@table(
    ("commands", "codes", "verbs"),
    [
        (["RETR", "NOOP"], ["150", "226", "200"], ["RETR", "RETR", "NOOP"]),
        ([], ["421"], [None]),
        (["NOOP"], ["200", "421"], ["NOOP", None]),
        (["STOR", "ABOR", "PWD"], ["150", "426", "226", "257"], ["STOR", "STOR", "ABOR", "PWD"]),
        (["STOR", "ABOR", "PWD"], ["150", "225", "257"], ["STOR", "STOR", "PWD"]),
        (["STOR", "ABOR", "EPSV"], ["150", "226", "229"], ["STOR", "STOR", "EPSV"]),
        (["ABOR", "EPSV", "STOR"], ["229", "150"], ["EPSV", "STOR"]),
        (["STOR", "NOOP"], ["150", "200", "226"], ["STOR", "NOOP", "STOR"]),
        (["RETR", "STAT", "QUIT"], ["150", "211", "221", "426"], ["RETR", "STAT", "QUIT", "RETR"]),
        (["STOR", "ABOR", "NOOP"], ["150", "200", "426", "226"], ["STOR", "NOOP", "STOR", "ABOR"]),
        (["RETR"], ["150", "200"], ["RETR", "RETR"]),
        (["PWD", "NOOP"], ["200", "200"], ["PWD", "NOOP"]),
        (["ABOR"], ["200"], ["ABOR"]),
        (["ABOR", "NOOP"], ["502", "200"], ["ABOR", "NOOP"]),
    ],
)
def test_replies_belong_to_commands(commands: Sent, codes: Sent, verbs: list[str | None]) -> None:
    """To the first that waits; ABOR without a reply of its own is skipped when another kind of reply comes."""
    order = ReplyOrder()
    for verb in commands:
        order.expect(verb)
    assert [order.take(_reply(code)) for code in codes] == verbs


async def test_a_skipped_abort_ends() -> None:
    """Its task does not wait for ever, and the next command gets its own reply."""
    order = ReplyOrder()
    abort, noop = order.expect("ABOR"), order.expect("NOOP")
    order.take(_reply("200"))
    with pytest.raises(EOFError, match="no reply to ABOR"):
        await abort.next()
    assert await noop.final() == _reply("200")


async def test_final_replies_are_passed_on_in_turn() -> None:
    """The turn of a command comes when the client has the replies before."""
    order = ReplyOrder()
    first, second = order.expect("RETR"), order.expect("ABOR")
    order.take(_reply("426"))
    order.take(_reply("226"))
    await order.turn(first)
    waiting = asyncio.ensure_future(order.turn(second))
    await asyncio.sleep(0)
    assert not waiting.done()
    order.passed_on(first)
    await waiting


async def test_the_end_reaches_all_commands() -> None:
    """Those that wait, and later ones, raise EOFError with the reason; a reply that came before is still read."""
    order = ReplyOrder()
    answered, waiting = order.expect("NOOP"), order.expect("PWD")
    order.take(_reply("200"))
    order.end("closed")
    order.end("another reason")
    assert (await answered.next()).code == "200"
    for _ in range(2):
        with pytest.raises(EOFError, match=r"^closed$"):
            await waiting.final()
    with pytest.raises(EOFError, match=r"^closed$"):
        order.expect("NOOP")
