"""Logins at a user manager, without a server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ftpfixture.errors import CommandRefused, NoReply
from ftpfixture.server.users import AbstractUserManager, User

__all__ = ["Response", "answer", "answer_password", "session"]

Response = AbstractUserManager.GetUserResponse


@asynccontextmanager
async def session(manager: AbstractUserManager, login: str) -> AsyncIterator[tuple[Response, User, str]]:
    """What a server does with a name that gets a user, the logout included."""
    response, user, text = await manager.get_user(login)
    assert user is not None
    yield response, user, text
    await manager.notify_logout(user)


async def answer(manager: AbstractUserManager, login: str, password: str | None = None) -> str:
    """What one session with one password is answered, as the server would: codes and the last text."""
    try:
        response, user, text = await manager.get_user(login)
    except CommandRefused as refusal:
        return f"{refusal.code} {refusal.text}"
    except NoReply:
        return "silence"
    if user is None:
        return f"530 {text}" if response is Response.ERROR else "331 530"
    try:
        return await answer_password(manager, response, user, password, text)
    finally:
        await manager.notify_logout(user)


async def answer_password(
    manager: AbstractUserManager, response: Response, user: User, password: str | None, text: str
) -> str:
    """What PASS is answered with, once USER was answered with `response`."""
    needed = "332 account" if user.account is not None else ""
    if response is Response.OK:
        return needed or f"230 {text}"
    try:
        right = await manager.authenticate(user, password or "")
    except CommandRefused as refusal:
        return f"331 {refusal.code} {refusal.text}"
    except NoReply:
        return "331 silence"
    if not right:
        return "331 530"
    return "331 332 account" if user.account is not None else "331 230"
