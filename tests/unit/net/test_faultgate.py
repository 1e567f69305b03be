"""The gate that performs effects: one that it cannot perform is an error."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from ftpfixture import Server
from ftpfixture.clock import Clock
from ftpfixture.faults.active import ActiveFaults
from ftpfixture.faults.effects import Data, Effect, End, Exists, Fired, Hook, Use, Wait
from ftpfixture.log.events import FaultApplied
from ftpfixture.net.channel import Channel
from ftpfixture.net.faultgate import FaultGate
from ftpfixture.net.faultstream import FaultyStream
from ftpfixture.net.gate import Exchange
from ftpfixture.net.outbox import Outbox
from ftpfixture.server.connection import Connection
from ftpfixture.server.view import View

EXCHANGE = Exchange(3, "NOOP")


class Wire:
    """Stands for a connection that is never used."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.closed = False


def _gate() -> tuple[FaultGate, list[object]]:
    server = Server()
    events: list[object] = []
    server.hub.subscribe(events.append)
    channel: Any = Wire()
    connection = Connection(encoding="utf-8", server_host="127.0.0.1")
    return FaultGate(ActiveFaults(), Clock(), View(7, server, channel, connection, print), Outbox(channel)), events


def _hook(*effects: Effect) -> Hook[list[object]]:
    answers = []
    for effect in effects:
        answers.append((yield effect))
    return answers


async def test_results_of_effects() -> None:
    """An effect without a result returns None to the hook, and the caller gets what the hook returns."""
    gate, events = _gate()

    assert await gate.perform(_hook(Fired("a"), Exists("b"), Fired("c")), EXCHANGE) == [None, None, None]
    assert [event.fault for event in events if isinstance(event, FaultApplied)] == ["a", "c"]
    assert gate.perform_now(_hook(Fired("d")), EXCHANGE) == [None]


async def test_an_effect_that_waits_in_a_hook_that_must_not() -> None:
    """It is an error of the hook."""
    gate, _ = _gate()

    with pytest.raises(RuntimeError, match="a hook that must not wait yielded an effect that waits"):
        gate.perform_now(_hook(Wait(1000)), EXCHANGE)


@pytest.mark.parametrize("effect", [Data(b"a"), End("data", "fin")])
async def test_an_effect_that_needs_a_data_connection(effect: Effect) -> None:
    """Without one it is an error."""
    gate, _ = _gate()

    with pytest.raises(TypeError, match=r"needs a data connection, and there is none"):
        await gate.perform(_hook(effect), EXCHANGE)


@pytest.mark.parametrize("effect", [Use("speed", 1), Use("limit", "fast"), Use("close_notify", True)])
async def test_unknown_parameters_of_a_data_connection(effect: Use) -> None:
    """An unknown parameter, or an impossible value, is an error."""
    gate, _ = _gate()
    stream = FaultyStream(gate, cast(Channel, Wire()), {})

    with pytest.raises(ValueError, match=f"a data connection has no parameter '{effect.name}' that takes"):
        await gate.perform(_hook(effect), EXCHANGE, stream)


async def test_pauses_end_when_the_client_has_left() -> None:
    """No pause waits any more, and steps after a pause without limit never run."""
    gate, _ = _gate()
    gate.abandon()

    assert await gate.perform(_hook(Wait(1000)), EXCHANGE) == [None]
    with pytest.raises(ConnectionAbortedError):
        await gate.perform(_hook(Wait(None)), EXCHANGE)
