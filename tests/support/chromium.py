"""A headless Chromium that a test drives over pipes, by the DevTools protocol."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

__all__ = ["Tab", "chromium"]

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--remote-debugging-pipe",
)


class Tab:
    """A page of the browser.

    Attributes:
        problems: Errors of its scripts, and what its policy has blocked.
    """

    def __init__(self, to_browser: int, from_browser: int) -> None:
        self._requests: dict[str, str] = {}
        self.problems: list[str] = []
        self._to_browser = to_browser
        self._from_browser = from_browser
        self._buffer = b""
        self._number = 0
        self._session = ""
        self._loaded = False
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol, and return its result."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to_browser, json.dumps(message).encode() + b"\0")
        while (answer := self._next()).get("id") != self._number:
            self._note(answer)
        assert "error" not in answer, answer
        result: dict[str, Any] = answer["result"]
        return result

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            piece = os.read(self._from_browser, 1 << 16)
            assert piece, "Chromium has ended"
            self._buffer += piece
        line, _, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(line)
        return message

    def _note(self, event: dict[str, Any]) -> None:
        match event.get("method"):
            case "Network.requestWillBeSent":
                self._requests[event["params"]["requestId"]] = event["params"]["request"]["url"]
            case "Network.loadingFailed" if event["params"].get("blockedReason") == "csp":
                del self._requests[event["params"]["requestId"]]
            case "Runtime.exceptionThrown":
                self.problems.append(event["params"]["exceptionDetails"]["text"])
            case "Log.entryAdded":
                self.problems.append(event["params"]["entry"]["text"])
            case "Page.loadEventFired":
                self._loaded = True

    @property
    def requests(self) -> list[str]:
        """URLs that the page has asked for, and its policy has not blocked."""
        return [*self._requests.values()]

    def open(self, path: Path) -> None:
        """Open a file, and wait until it is loaded."""
        self._requests, self.problems, self._loaded = {}, [], False
        self.call("Page.navigate", url=path.as_uri())
        while not self._loaded:
            self._note(self._next())

    def run(self, script: str) -> Any:
        """Return the value of an expression in the page, which its policy does not restrict."""
        return self.call("Runtime.evaluate", expression=script, returnByValue=True)["result"].get("value")

    def type(self, text: str) -> None:
        """Type characters with the keyboard."""
        for letter in text:
            for kind in ("keyDown", "keyUp"):
                self.call("Input.dispatchKeyEvent", type=kind, key=letter, text=letter if kind == "keyDown" else "")

    def press(self, key: str) -> None:
        """Press a key that types no character."""
        for kind in ("rawKeyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key)


@contextmanager
def chromium(folder: Path) -> Iterator[Tab]:
    """A page of a new browser, which ends with the context.

    Args:
        folder: Where it keeps its files.
    """
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("chromium is not installed")
    read_end, to_browser = os.pipe()
    from_browser, write_end = os.pipe()
    # The protocol is spoken on the descriptors 3 and 4, which may be those of the pipes.
    theirs_in, theirs_out = (fcntl.fcntl(one, fcntl.F_DUPFD, 10) for one in (read_end, write_end))
    script = f'exec "$0" "$@" 3<&{theirs_in} 4>&{theirs_out} 2>/dev/null'
    arguments = ["bash", "-c", script, program, *_FLAGS, f"--user-data-dir={folder}", "about:blank"]
    process = subprocess.Popen(arguments, pass_fds=(theirs_in, theirs_out))
    for one in (read_end, write_end, theirs_in, theirs_out):
        os.close(one)
    try:
        tab = Tab(to_browser, from_browser)
        yield tab
        tab._session = ""
        os.write(to_browser, json.dumps({"id": 0, "method": "Browser.close"}).encode() + b"\0")
    except BaseException:
        process.kill()
        raise
    finally:
        process.wait(20)
        os.close(to_browser)
        os.close(from_browser)
