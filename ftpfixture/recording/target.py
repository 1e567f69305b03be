"""The real server behind a proxy: its address, and how the proxy connects to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from ssl import SSLContext
from typing import Literal
from urllib.parse import unquote, urlsplit

__all__ = ["Target"]


@dataclass(frozen=True, slots=True)
class Target:
    """The real server behind a proxy.

    Attributes:
        host: Name or address.
        port: Of the control connection.
        tls: How the proxy encrypts: "client" for what the client uses, "none", "explicit" or "implicit".
        context: For TLS; None for one that accepts any certificate, because the user named this server.
        timeout: Seconds for opening a connection.
        user: Login, for `FtpServer.credentials`; "" when it is not known.
        password: Of that login.
    """

    host: str
    port: int = 21
    tls: Literal["client", "none", "explicit", "implicit"] = "client"
    context: SSLContext | None = None
    timeout: float = 30
    user: str = ""
    password: str = field(default="", repr=False)

    @classmethod
    def parse(cls, text: object) -> Target:
        """Read ``HOST``, ``HOST:PORT``, or a URL; ``ftps://`` is implicit TLS with the port 990.

        Raises:
            ValueError: It is none of these.
        """
        if not isinstance(text, str) or not text.strip():
            raise ValueError
        url = urlsplit(text if "://" in text else f"ftp://{text}")
        if url.scheme not in ("ftp", "ftps") or not url.hostname or url.path.strip("/") or url.query or url.fragment:
            raise ValueError
        implicit = url.scheme == "ftps"
        return cls(
            url.hostname,
            url.port or (990 if implicit else 21),
            "implicit" if implicit else "client",
            user=unquote(url.username or ""),
            password=unquote(url.password or ""),
        )
