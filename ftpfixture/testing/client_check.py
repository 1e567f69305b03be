"""A check that code which transfers files by FTP keeps its word, whatever goes wrong on the way.

One rule: every failure names what is wrong, and has a short test that reproduces it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ftpfixture.errors import ConfigurationError
from ftpfixture.faults.dsl import Fault
from ftpfixture.testing.client_calls import METHODS, Calls, methods_of
from ftpfixture.testing.client_nemesis import NOTICES, Means, Nemesis
from ftpfixture.testing.client_run import Counts, Plan
from ftpfixture.testing.ftpserver import FtpServer
from ftpfixture.testing.settings import FtpServerSettings

if TYPE_CHECKING:
    from hypothesis import settings as HypothesisSettings

__all__ = ["ClientReport", "check_client"]

_NEEDED = "check_client needs Hypothesis: python -m pip install 'ftpfixture[hypothesis]'"


_EXAMPLES: dict[str, tuple[str | bytes, ...]] = {
    "upload": ("/b", b"ab"),
    "resume_upload": ("/a", b"abc"),
    "download": ("/a",),
    "resume_download": ("/a", b"a"),
    "rename": ("/a", "/b"),
    "delete": ("/a",),
    "mkdir": ("/d",),
    "list": ("/",),
}
"""Arguments with which each method can be called when there is a file ``/a`` with the content ``ab``."""


@dataclass(frozen=True, slots=True)
class ClientReport:
    """What `check_client` has tried without finding anything wrong.

    Attributes:
        examples: Runs, each with a new server.
        operations: Calls, by method.
        failures: Those of them that failed cleanly, by method.
        faults: Faults that happened, by word.
        not_checked: What was left out, and why.
    """

    examples: int
    operations: Mapping[str, int]
    failures: Mapping[str, int]
    faults: Mapping[str, int]
    not_checked: Mapping[str, str]

    def __str__(self) -> str:
        calls = ", ".join(
            f"{name} {count} ({self.failures.get(name, 0)} failed)" for name, count in sorted(self.operations.items())
        )
        faults = ", ".join(f"{word} {count}" for word, count in sorted(self.faults.items()))
        lines = [f"{self.examples} examples", f"calls: {calls}", f"faults that happened: {faults or 'none'}"]
        return "\n".join([*lines, *(f"not checked: {what}: {why}" for what, why in self.not_checked.items())])


def check_client(
    adapter: Callable[[str, int, str, str], Any],
    *,
    raises: type[Exception] | tuple[type[Exception], ...],
    atomic: bool = False,
    temporary: str | Collection[str] = (),
    notices: Iterable[Means] = ("size",),
    reuse: bool = True,
    faults: Iterable[str | Fault] = (),
    leave_out: Collection[str] = (),
    simulate: bool = True,
    server: FtpServerSettings | None = None,
    settings: HypothesisSettings | None = None,
) -> ClientReport:
    """Check that code which transfers files does exactly what it says or fails cleanly, whatever goes wrong.

    Hypothesis calls the code in any order while faults happen, and compares the files of the server with a model. An
    operation that returns has done exactly what it says; one that raises may have left

    - an upload: the old file, the beginning of the new one, or none; with `atomic` the old or the new one,
    - a rename: the file under either name, a delete: the file or none, and every other file as it was.

    Any other exception is a crash, a wait that never ends a hang, and a session that is there after a close a leak.
    Without a fault since the client was made, nothing may fail. The text of a failure has the shortest test that
    reproduces it, and its dialogue.

    Args:
        adapter: Makes a connected client from host, port, user and password: a class, a function or a context manager.
            The client has some of the methods ``upload(path, data)``, ``download(path)``, which returns bytes,
            ``resume_upload(path, data)``, of which the server has a beginning, ``resume_download(path, begin)``, which
            returns all, ``rename(path, new)``, ``delete(path)``, ``mkdir(path)`` and ``list(path)``, which returns
            names; and ``connect()`` and ``close()`` where it is no context manager. Paths are absolute. All of them may
            be coroutine methods. What it does not have is not checked.
        raises: The exceptions that are clean failures.
        atomic: Whether a failed upload leaves the old file or the new one, and nothing else under that name.
        temporary: Shell patterns of names that the client uses for itself, such as ``"*.part"``.
        notices: What the client does to notice what replies do not tell: "size" (it compares with SIZE or a listing),
            "checksum", "stray" (it looks for replies to no command). Faults that need others are left out.
        reuse: Whether a client is used further after a failure, as well as a new one; never on real connections.
        faults: More faults, such as ``"RETR: delay 3"``, which may happen in any operation.
        leave_out: Words of faults that do not happen, such as "garble".
        simulate: Whether connections and time are simulated; else the client has to have timeouts of less than
            `hang_after`, and delays are short.
        server: Settings of the servers.
        settings: Those of Hypothesis, such as ``hypothesis.settings(max_examples=2000)``; by default 300 examples,
            which are the same in every run.

    Returns:
        What was tried.

    Raises:
        AssertionError: Something is wrong. The text says what, and has a test that reproduces it.
        ConfigurationError: An argument cannot work; the text says what would.
        ImportError: Hypothesis is not installed.
    """
    __tracebackhide__ = True
    try:
        from ftpfixture.testing import client_machine
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "hypothesis":
            raise
        raise ImportError(_NEEDED) from error
    kinds = raises if isinstance(raises, tuple) else (raises,)
    _check(kinds)
    patterns = (temporary,) if isinstance(temporary, str) else tuple(temporary)
    nemesis = Nemesis(notices, leave_out, faults, (2, 100) if simulate else (0.01,))
    options: FtpServerSettings = {"simulate": simulate, **(server or {})}
    methods = _methods(adapter, kinds, options)
    counts = Counts()
    plan = Plan(adapter, methods, kinds, atomic, patterns, reuse, nemesis, options, simulate, counts)
    if (found := client_machine.run(plan, settings)) is not None:
        raise AssertionError(found)
    not_checked = {name: "the adapter has no such method" for name in METHODS if name not in methods}
    for what, why in nemesis.left_out.items():
        not_checked[what] = f"only a client notices it of which {NOTICES[why]}" if why in NOTICES else why
    return ClientReport(counts.examples, counts.operations, counts.failures, counts.faults, not_checked)


def _check(raises: tuple[object, ...]) -> None:
    """Check what a check is given.

    Raises:
        ConfigurationError: It cannot work.
    """
    wrong = [kind for kind in raises if not (isinstance(kind, type) and issubclass(kind, Exception))]
    if wrong or not raises:
        shown = ", ".join(map(repr, wrong)) or "nothing"
        raise ConfigurationError(f"raises has {shown}: use exception types, as in (OSError, EOFError, ftplib.Error)")
    if Exception in raises:
        raise ConfigurationError(
            "raises has Exception, so nothing would be a crash: use the exceptions that users of the code are told of, "
            "as in (OSError, EOFError, ftplib.Error)"
        )
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise ConfigurationError(
        "check_client runs in a coroutine: call it in a test that is none; it has an event loop of its own"
    )


def _methods(
    adapter: Callable[[str, int, str, str], Any], raises: tuple[type[Exception], ...], options: FtpServerSettings
) -> dict[str, list[str]]:
    """The methods of the client, and the verbs that each sends when nothing goes wrong; "close" is one of them.

    Raises:
        ConfigurationError: It has none, or cannot be made.
    """
    calls = Calls(adapter, raises)
    running = FtpServer(**options)
    running.start()
    try:
        ended = calls.open(*running.address, *running.credentials)
        if ended.error is not None:
            raise ConfigurationError(
                f"{adapter!r} cannot connect to a server without faults: {ended.error}: it is called with host, port, "
                "user and password"
            )
        methods: dict[str, list[str]] = {}
        for name in methods_of(calls.client):
            running.files.clear()
            running.files["/a"] = b"ab"
            seen = len(running.log.commands)
            calls.call(name, *_EXAMPLES[name])  # if it fails, the check tells why
            methods[name] = [record.verb for record in running.log.commands[seen:]]
        return {**methods, "close": ["QUIT"]}
    finally:
        calls.end()
        running.stop()
