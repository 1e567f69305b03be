"""The client of a user as a check calls it: blocking or asyncio, made by a class, a function or a context manager.

One rule: of an exception only its type and text are kept, because its traceback would keep the sockets of the client.
"""

from __future__ import annotations

import asyncio
import inspect
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from ftpfixture.errors import ConfigurationError, HangError, SimulationError

__all__ = ["METHODS", "Calls", "Ended", "Style", "methods_of"]

METHODS = ("upload", "download", "resume_upload", "resume_download", "rename", "delete", "mkdir", "list")
"""What an adapter can have."""

Style = Literal["enter", "aenter", "connect", "made"]
"""How a client is opened: as a context manager, by `connect`, or by being made."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a call ended.

    Attributes:
        value: What it returned.
        error: Type and text of its exception; None if it returned.
        verdict: "returned", "failed" (cleanly), "crashed" or "hung".
        place: The innermost line of the exception, for a crash.
    """

    value: Any = None
    error: str | None = None
    verdict: Literal["returned", "failed", "crashed", "hung"] = "returned"
    place: str = ""


def methods_of(client: object) -> list[str]:
    """The methods that an adapter has.

    Raises:
        ConfigurationError: It has none of them.
    """
    found = [name for name in METHODS if callable(getattr(client, name, None))]
    if not found:
        raise ConfigurationError(f"{client!r} has no method that can be checked: give it some of {', '.join(METHODS)}")
    return found


class Calls:
    """Opens the client of a user, calls it, and closes it.

    Args:
        adapter: Makes a client from host, port, user and password.
        raises: The exceptions that are clean failures.

    Attributes:
        client: The open one; None without.
        style: How the latest was opened.
        is_async: Whether one of its calls was awaited.
    """

    def __init__(self, adapter: Callable[[str, int, str, str], Any], raises: tuple[type[Exception], ...]) -> None:
        self._adapter = adapter
        self._raises = raises
        self._manager: Any = None
        self._runner: asyncio.Runner | None = None
        self.client: Any = None
        self.style: Style = "made"
        self.is_async = False

    def open(self, host: str, port: int, user: str, password: str) -> Ended:
        """Make a client, and connect it."""
        return self._ended(self._open, host, port, user, password)

    def _open(self, *address: Any) -> None:
        made = self._adapter(*address)
        if hasattr(made, "__aenter__"):
            self.style, self.client = "aenter", self._awaited(made.__aenter__())
        elif hasattr(made, "__enter__"):
            self.style, self.client = "enter", made.__enter__()
        elif hasattr(made, "connect"):
            self.style = "connect"
            self._awaited(made.connect())
            self.client = made
        else:
            self.style, self.client = "made", self._awaited(made)
        self._manager = made

    def call(self, method: str, *args: Any) -> Ended:
        """Call a method of the client."""
        return self._ended(lambda: self._awaited(getattr(self.client, method)(*args)))

    def close(self) -> Ended:
        """Close the client; without one, do nothing."""
        client, manager = self.client, self._manager
        self.client = self._manager = None
        if client is None:
            return Ended()
        if self.style == "aenter":
            return self._ended(lambda: self._awaited(manager.__aexit__(None, None, None)))
        if self.style == "enter":
            return self._ended(lambda: manager.__exit__(None, None, None))
        return self._ended(lambda: self._awaited(client.close()) if hasattr(client, "close") else None)

    def end(self) -> None:
        """Close what is still open, and the event loop; its failures were judged before, or are none of the check."""
        self.close()
        if self._runner is not None:
            self._runner.close()
            self._runner = None

    def _awaited(self, value: Any) -> Any:
        if not inspect.isawaitable(value):
            return value
        self.is_async = True
        if self._runner is None:
            self._runner = asyncio.Runner()
        return self._runner.run(_await(value))

    def _ended(self, call: Callable[..., Any], *args: Any) -> Ended:
        try:
            return Ended(call(*args))
        except SimulationError:
            raise
        except HangError as error:
            return Ended(error=_shown(error), verdict="hung")
        except self._raises as error:
            return Ended(error=_shown(error), verdict="failed")
        except Exception as error:
            last = traceback.extract_tb(error.__traceback__)[-1]
            return Ended(error=_shown(error), verdict="crashed", place=f"{last.filename}:{last.lineno}")


async def _await(value: Any) -> Any:
    return await value


def _shown(error: Exception) -> str:
    first = str(error).partition("\n")[0]
    return f"{type(error).__name__}: {first:.200}" if first else type(error).__name__
