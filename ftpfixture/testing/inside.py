"""The server inside of a handle, made from the settings of both.

One rule: what does not go together is refused here, before anything listens.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from ftpfixture.clock import Clock
from ftpfixture.driver import Driver
from ftpfixture.errors import ConfigurationError, UnknownSetting
from ftpfixture.server import AbstractUserManager, Server
from ftpfixture.settings import setting_names, unknown_setting
from ftpfixture.testing.certificates import Certified, context_for, contexts_for, refuse_without_tls
from ftpfixture.testing.settings import FTP_SERVER_SETTINGS, FtpServerSettings

__all__ = ["clock_of", "encrypt", "server_of", "verbs_of"]


def clock_of(clock: Clock | Callable[[], float] | None, driver: Driver) -> Clock:
    """The setting `clock` as a clock that goes by the driver's time.

    Raises:
        ConfigurationError: It goes by another.
    """
    if not isinstance(clock, Clock):
        return Clock(clock, driver)
    if clock.time_source.monotonic != driver.monotonic:
        raise ConfigurationError("clock= goes by another time than driver=: make it with Clock(time_source=driver)")
    return clock


def encrypt(own: FtpServerSettings, others: dict[str, Any]) -> Certified | None:
    """Set the context of a server that has TLS.

    Returns:
        Makes contexts for other host names; None without TLS, and where the context is the user's own.

    Raises:
        ConfigurationError: It has not, and something was set that means nothing without; or a context cannot be made.
    """
    asked: dict[str, Any] = {
        "client_certificates": own["client_certificates"],
        "minimum_tls": own["minimum_tls"],
        "ciphers": own["ciphers"],
    }
    context = FTP_SERVER_SETTINGS.rows["ssl"].check("ssl", others.get("ssl"))
    if others.get("tls") is not None:
        choose = contexts_for if others.get("require_session_reuse") else context_for
        make: Certified = partial(choose, context or own["certificate"], **asked)
        others["ssl"] = make()
        return make if context is None and isinstance(own["certificate"], str) else None
    if context is None:
        refuse_without_tls(own["certificate"], **asked)
    return None


def server_of(server_class: type[Server], users: AbstractUserManager, settings: dict[str, Any]) -> Server:
    """The server inside.

    Raises:
        UnknownSetting: A setting is neither one of ours nor of the class.
    """
    try:
        return server_class(users, **settings)
    except UnknownSetting as error:
        raise unknown_setting(error.name, setting_names(server_class) | FTP_SERVER_SETTINGS.rows.keys()) from None


def verbs_of(server: Server) -> set[str]:
    """Return the verbs that a server answers, or would if they were not disabled, upper case."""
    return {verb.upper() for verb in (*server.specs, *server.commands_mapping)}
