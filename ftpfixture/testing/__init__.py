"""For tests: the blocking server, the pytest plugin, and conformance checks for what users write themselves."""

from __future__ import annotations

from ftpfixture.testing.client_check import ClientReport, check_client
from ftpfixture.testing.files import Files
from ftpfixture.testing.ftpserver import FtpServer
from ftpfixture.testing.pathio_check import check_path_io
from ftpfixture.testing.stream_check import check_two_way_stream
from ftpfixture.testing.transport_check import check_transport
from ftpfixture.testing.usermanager_check import check_user_manager

__all__ = [
    "ClientReport",
    "Files",
    "FtpServer",
    "check_client",
    "check_path_io",
    "check_transport",
    "check_two_way_stream",
    "check_user_manager",
]
