"""A server of a Python library in its own process, over a folder, until it is killed.

It prints its port on one line as soon as it listens.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import sys
from pathlib import Path
from typing import Any

__all__ = ["serve_aioftp", "serve_pyftpdlib"]


def serve_pyftpdlib(host: str, root: Path, user: str, password: str, settings: dict[str, Any]) -> None:
    """Serve with pyftpdlib; `settings` are attributes of its handler, which knows TLS when `certfile` is among them."""
    from pyftpdlib import handlers
    from pyftpdlib.authorizers import DummyAuthorizer
    from pyftpdlib.log import config_logging
    from pyftpdlib.servers import FTPServer

    config_logging(level=logging.DEBUG)
    authorizer = DummyAuthorizer()
    authorizer.add_user(user, password, str(root), perm="elradfmwMT")
    base = handlers.TLS_FTPHandler if "certfile" in settings else handlers.FTPHandler
    handler = type("Handler", (base,), {"authorizer": authorizer, "auth_failed_timeout": 0, **settings})
    server = FTPServer((host, 0), handler)
    print(server.address[1], flush=True)
    server.serve_forever()


async def serve_aioftp(host: str, root: Path, user: str, password: str, settings: dict[str, Any]) -> None:
    """Serve with aioftp; `settings` are arguments of its server, `certfile` and `keyfile` make its TLS context."""
    import aioftp

    logging.basicConfig(level=logging.DEBUG)
    context = None
    if "certfile" in settings:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(settings.pop("certfile"), settings.pop("keyfile", None))
    server = aioftp.Server([aioftp.User(user, password, base_path=root)], ssl=context, **settings)
    await server.start(host, 0)
    print(server.server_port, flush=True)
    await server.serve_forever()


def main(name: str, host: str, root: str, user: str, password: str, *settings: str) -> None:
    """Serve; each setting is `name=value`, where digits make a number."""
    values = dict(setting.split("=", 1) for setting in settings)
    parsed = {key: int(value) if value.isdigit() else value for key, value in values.items()}
    if name == "pyftpdlib":
        serve_pyftpdlib(host, Path(root), user, password, parsed)
    else:
        asyncio.run(serve_aioftp(host, Path(root), user, password, parsed))


if __name__ == "__main__":
    main(*sys.argv[1:])
