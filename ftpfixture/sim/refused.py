"""The methods of event loops that a simulated loop has not: each says so by its name.

One rule: what needs a descriptor or another process is refused when it is called, and never waits for nothing.
"""

from __future__ import annotations

import asyncio
from typing import Any, NoReturn

from ftpfixture.errors import SimulationError

__all__ = ["REFUSED", "RefusedMethods"]

_PROCESSES = "another process cannot reach a simulated server, and has another time"
_DESCRIPTORS = "a simulated loop has streams, timers, tasks and executors, and no descriptors"

REFUSED = {
    **dict.fromkeys(("subprocess_exec", "subprocess_shell"), _PROCESSES),
    **dict.fromkeys(
        (
            *("add_reader", "add_writer", "connect_accepted_socket", "connect_read_pipe", "connect_write_pipe"),
            *("create_datagram_endpoint", "create_unix_connection", "create_unix_server", "sendfile", "sock_accept"),
            *("sock_connect", "sock_recv", "sock_recv_into", "sock_recvfrom", "sock_recvfrom_into", "sock_sendall"),
            *("sock_sendfile", "sock_sendto"),
        ),
        _DESCRIPTORS,
    ),
}
"""The reason for each method that is refused."""


class RefusedMethods(asyncio.BaseEventLoop):
    """Those of `REFUSED`, also where asyncio has the half of them that would wait for the other half."""

    def remove_reader(self, fd: Any) -> bool:
        """See AbstractEventLoop; there was none."""
        return False

    def remove_writer(self, fd: Any) -> bool:
        """See above."""
        return False


def _refusal(name: str, reason: str) -> Any:
    def refused(loop: object, *args: object, **options: object) -> NoReturn:
        what = f"loop.{name}"
        if name.startswith("subprocess_"):
            what = f"asyncio.create_{name}"
        raise SimulationError(f"{what} cannot be simulated: {reason}; use simulate=False for this test")

    refused.__name__ = name
    return refused


for _name, _reason in REFUSED.items():
    setattr(RefusedMethods, _name, _refusal(_name, _reason))
