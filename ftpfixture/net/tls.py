"""TLS beside the channel: a context that resumes a session by itself, and what alerts say of certificates."""

from __future__ import annotations

import ssl
from typing import Any

__all__ = ["SSLSessionBoundContext", "refusal"]

# The alerts that refuse a certificate (RFC 8446 6.2), as OpenSSL calls them.
_REFUSALS = {
    "SSLV3_ALERT_BAD_CERTIFICATE": "it is damaged, or badly signed",
    "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE": "its kind is not taken there",
    "SSLV3_ALERT_CERTIFICATE_REVOKED": "it is revoked",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "it has expired",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": "it is not good enough",
    "TLSV1_ALERT_UNKNOWN_CA": "its authority is not known there",
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "there was none",
}


def refusal(error: BaseException | None) -> str:
    """Why the other side refuses the certificate of this side; "" when an error says nothing of that."""
    return _REFUSALS.get(getattr(error, "reason", ""), "") if isinstance(error, ssl.SSLError) else ""


class SSLSessionBoundContext(ssl.SSLContext):
    """A context for whom knows nothing of sessions, such as asyncio: what it encrypts resumes one.

    Everything but `wrap_socket` and `wrap_bio`, which go to the context inside, is that of a context of its own.

    Args:
        protocol: As `ssl.SSLContext` takes it.
        context: What really encrypts.
        session: What is resumed, if the other side agrees.
    """

    def __new__(cls, protocol: int, context: ssl.SSLContext, session: ssl.SSLSession | None) -> SSLSessionBoundContext:
        """Make the C part, which knows of the protocol only."""
        return super().__new__(cls, protocol)

    def __init__(self, protocol: int, context: ssl.SSLContext, session: ssl.SSLSession | None) -> None:
        self.context = context
        self.session = session

    def wrap_socket(self, *args: Any, **kwargs: Any) -> ssl.SSLSocket:
        """As `ssl.SSLContext.wrap_socket`.

        Raises:
            ValueError: A session was given; this has one.
        """
        return self.context.wrap_socket(*args, **self._with_session(args, 6, kwargs))

    def wrap_bio(self, *args: Any, **kwargs: Any) -> ssl.SSLObject:
        """As `ssl.SSLContext.wrap_bio`.

        Raises:
            ValueError: A session was given; this has one.
        """
        return self.context.wrap_bio(*args, **self._with_session(args, 4, kwargs))

    def _with_session(self, args: tuple[Any, ...], place: int, kwargs: dict[str, Any]) -> dict[str, Any]:
        if len(args) > place or kwargs.get("session") is not None:
            raise ValueError("a session was given to a context that has one of its own")
        return {**kwargs, "session": self.session}
