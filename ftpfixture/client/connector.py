"""Opens and encrypts the control and data connections of a client.

One rule: a connection that could not be opened or encrypted is closed, and the error names it.
"""

from __future__ import annotations

import asyncio
from ssl import SSLCertVerificationError, SSLContext, SSLSession

from ftpfixture.client.view import ClientView
from ftpfixture.errors import TlsError
from ftpfixture.net.channel import Channel
from ftpfixture.net.tls import refusal

__all__ = ["Connector"]


class Connector:
    """Opens connections in the network of a client.

    Args:
        client: Gives the network and the timeouts.

    Attributes:
        host_name: The name or address that the user gave; certificates must match it.
    """

    def __init__(self, client: ClientView) -> None:
        self.host_name = ""
        self._client = client

    async def open(self, host: str, port: int) -> Channel:
        """Open a connection.

        Raises:
            OSError: The connection was refused, or the name cannot be resolved.
            TimeoutError: It took longer than `connection_timeout`.
        """
        async with asyncio.timeout(self._client.connection_timeout):
            transport = await self._client.network.connect(None, (host, port))
        return Channel(transport, self._client.socket_timeout)

    async def encrypt(
        self, channel: Channel, context: SSLContext, kind: str, session: SSLSession | None = None
    ) -> None:
        """Perform the TLS handshake on a connection.

        Args:
            channel: The connection; it is closed when the handshake fails.
            context: The trusted certificates, and the client's own certificate.
            kind: "control" or "data", for errors.
            session: The TLS session to resume.

        Raises:
            TlsError: The certificate was refused, or the handshake failed.
            TimeoutError: It took longer than `connection_timeout`.
        """
        place = self._place(channel, kind)
        try:
            async with asyncio.timeout(self._client.connection_timeout):
                self.start_tls(channel, context, session)
                await channel.secured()
        except SSLCertVerificationError as error:
            channel.close()
            raise TlsError(f"the certificate of the {place} was refused: {error.verify_message}") from error
        except TimeoutError as error:
            channel.close()
            raise TimeoutError(f"no TLS on the {place}: the handshake timed out") from error
        except OSError as error:
            channel.close()
            if refusal(error):
                raise _own_certificate_refused(place, error) from error
            raise TlsError(f"no TLS on the {place}: {getattr(error, 'reason', '') or error}") from error
        except BaseException:
            channel.close()
            raise

    def start_tls(self, channel: Channel, context: SSLContext, session: SSLSession | None) -> None:
        """Begin the TLS handshake; reads and writes on the connection wait until it is complete."""
        channel.start_tls(context, server_side=False, server_hostname=self.host_name, session=session)

    def raise_refusal(self, channel: Channel, error: ConnectionAbortedError) -> None:
        """Raise TlsError when the control connection failed because the server refused this client's certificate.

        With TLS 1.3 a client completes the handshake before the server has seen its certificate.
        """
        if refusal(error.__cause__):
            raise _own_certificate_refused(self._place(channel, "control"), error.__cause__) from error.__cause__

    def _place(self, channel: Channel, kind: str) -> str:
        return f"{kind} connection to {self.host_name}:{channel.peer[1]}"


def _own_certificate_refused(place: str, error: BaseException | None) -> TlsError:
    return TlsError(f"the server refused this client's certificate on the {place}: {refusal(error)}")
