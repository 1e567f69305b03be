"""The printers of Bambu Lab: vsftpd behind implicit TLS, which insists on a resumed session for data connections.

Give the server ``tls="implicit"`` as well, as the printers have it.
"""

from __future__ import annotations

from dataclasses import replace

from ftpfixture.server.personas.table import texts
from ftpfixture.server.personas.vsftpd import PERSONA as VSFTPD

__all__ = ["PERSONA"]

_PRINTERS = "https://github.com/tobiasbischoff/bambu-cli/issues/2"

_TEXTS = """
* -> 522 SSL connection failed: session reuse required
"""

PERSONA = replace(
    VSFTPD,
    replies=texts(_TEXTS, _PRINTERS) + VSFTPD.replies,
    quirks={**VSFTPD.quirks, "require_session_reuse": True},
    seen=f"printers X1C and P2S; {_PRINTERS}, https://github.com/DMontgomery40/mcp-3D-printer-server/issues/22",
)
