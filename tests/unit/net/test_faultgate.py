"""The gate that performs effects: none is lost, wherever it cannot be performed."""

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
    told: list[object] = []
    server.hub.subscribe(told.append)
    channel: Any = Wire()
    connection = Connection(encoding="utf-8", server_host="127.0.0.1")
    return FaultGate(ActiveFaults(), Clock(), View(7, server, channel, connection, print), Outbox(channel)), told


def _hook(*effects: Effect) -> Hook[list[object]]:
    answers = []
    for effect in effects:
        answers.append((yield effect))
    return answers


async def test_effects_are_answered() -> None:
    """What has no answer has None, and what the hook returns comes back."""
    gate, told = _gate()

    assert await gate.perform(_hook(Fired("a"), Exists("b"), Fired("c")), EXCHANGE) == [None, None, None]
    assert [event.fault for event in told if isinstance(event, FaultApplied)] == ["a", "c"]
    assert gate.perform_now(_hook(Fired("d")), EXCHANGE) == [None]


async def test_nothing_waits_where_nothing_can() -> None:
    """An effect that takes time is a mistake in a hook that must not take any."""
    gate, _ = _gate()

    with pytest.raises(RuntimeError, match="a hook that must not wait yielded an effect that waits"):
        gate.perform_now(_hook(Wait(1000)), EXCHANGE)


@pytest.mark.parametrize("effect", [Data(b"a"), End("data", "fin")])
async def test_what_is_for_a_data_connection_needs_one(effect: Effect) -> None:
    """It is not lost in silence."""
    gate, _ = _gate()

    with pytest.raises(TypeError, match=r"needs a data connection, and there is none"):
        await gate.perform(_hook(effect), EXCHANGE)


@pytest.mark.parametrize("effect", [Use("speed", 1), Use("limit", "fast"), Use("close_notify", True)])
async def test_parameters_that_no_data_connection_has(effect: Use) -> None:
    """A parameter that nobody knows, or a value that nobody can use, is told."""
    gate, _ = _gate()
    stream = FaultyStream(gate, cast(Channel, Wire()), {})

    with pytest.raises(ValueError, match=f"a data connection has no parameter '{effect.name}' that takes"):
        await gate.perform(_hook(effect), EXCHANGE, stream)


async def test_pauses_are_over_when_the_client_is_gone() -> None:
    """Nothing waits any more, and what would never have come never comes."""
    gate, _ = _gate()
    gate.abandon()

    assert await gate.perform(_hook(Wait(1000)), EXCHANGE) == [None]
    with pytest.raises(ConnectionAbortedError):
        await gate.perform(_hook(Wait(None)), EXCHANGE)
