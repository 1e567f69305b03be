"""Access control: login, working directory and virtual host (RFC 959 4.1.1, RFC 7151)."""

from __future__ import annotations

import ipaddress
import re

from ftpfixture.errors import CommandRefused
from ftpfixture.net.throttle import StreamThrottle
from ftpfixture.server.conditions import ConnectionConditions, PathConditions, PathPermissions
from ftpfixture.server.connection import Connection
from ftpfixture.server.dispatch import command
from ftpfixture.server.replies import LOGIN_FAILURES
from ftpfixture.server.states import Login, login_answer
from ftpfixture.server.transfers import Transfers
from ftpfixture.server.users import User

__all__ = ["AccessCommands"]

_HOST_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*")


_BEFORE_ACCOUNT = {Login.IN: Login.ACCOUNT_DUE, Login.IN_WITHOUT_PASSWORD: Login.ONLY_ACCOUNT_DUE}
_WITH_ACCOUNT = {before: after for after, before in _BEFORE_ACCOUNT.items()}


class AccessCommands(Transfers):
    """USER PASS ACCT CWD CDUP REIN QUIT HOST."""

    @command("USER")
    async def user(self, connection: Connection, rest: str) -> bool:
        """USER <SP> username: name the user.

        A new USER logs the old one out at once; transfer parameters do not change.

        Replies: 230 logged in, 232 by certificate, 331 password needed, 332 account needed, 501, 530 refused.
        """
        if not rest:
            connection.response("501", "USER needs a name")
            return True
        if "login" in self.require_tls and connection.session.channel.tls is None:
            connection.response("530", "Encrypt the control connection first: use AUTH TLS")
            return True
        await self._log_out(connection)
        answer: tuple[object, User | None, str] = await self.user_manager.get_user(rest)
        response, user, text = answer
        connection.enter(Login.NAMED)
        connection.login = rest
        responses = self.user_manager.GetUserResponse
        if response is responses.ERROR:
            connection.response("530", text)
        elif response is responses.PASSWORD_REQUIRED:
            connection.claimed = user
            if user is not None and await self._certified(connection, user):
                self._identified(connection, user, Login.IN_WITHOUT_PASSWORD, "Login by certificate", "232")
            else:
                connection.response("331", text)
        elif response is responses.OK and user is not None:
            connection.claimed = user
            self._identified(connection, user, Login.IN_WITHOUT_PASSWORD, text)
        else:
            raise TypeError(f"get_user returned {response!r} with {user!r}: see ftpfixture.testing.check_user_manager")
        return True

    @command("PASS")
    async def pass_(self, connection: Connection, rest: str) -> bool:
        """PASS <SP> password: log in with a password.

        Replies: 230 logged in, 202 not needed, 332 account needed, 421 too many failures, 503 USER first, 530 wrong.
        """
        answer = login_answer(connection.login_state, "PASS")
        if answer is not None:
            connection.response(*answer)
            return True
        user = connection.claimed
        try:
            right = user is not None and await self.user_manager.authenticate(user, rest)
        except CommandRefused as refusal:
            if refusal.code not in LOGIN_FAILURES:
                raise
            return await self._login_failed(connection, refusal.text, refusal.code)
        if user is not None and right:
            self._identified(connection, user, Login.IN, "Login successful")
            return True
        return await self._login_failed(connection, "Login incorrect")

    @command("ACCT")
    async def acct(self, connection: Connection, rest: str) -> bool:
        """ACCT <SP> account-information: name the account.

        Replies: 230 logged in, 202 not needed, 503 USER and PASS first, 530 wrong.
        """
        answer = login_answer(connection.login_state, "ACCT")
        if answer is not None:
            connection.response(*answer)
            return True
        user = connection.claimed
        if user is not None and await self.user_manager.check_account(user, rest):
            self._log_in(connection, user, _WITH_ACCOUNT[connection.login_state], "Login successful")
            return True
        return await self._login_failed(connection, "Account refused")

    async def _certified(self, connection: Connection, user: User) -> bool:
        tls = connection.session.channel.tls
        if tls is None or tls.certificate is None:
            return False
        return await self.user_manager.authenticate_certificate(user, tls.certificate)

    def _identified(self, connection: Connection, user: User, state: Login, text: str, code: str = "230") -> None:
        """Log in after a right password or certificate, in `state`, or require an account first."""
        if user.account is None:
            self._log_in(connection, user, state, text, code)
        else:
            connection.enter(_BEFORE_ACCOUNT[state])
            connection.response("332", "Account needed")

    def _log_in(self, connection: Connection, user: User, state: Login, text: str, code: str = "230") -> None:
        connection.enter(state)
        connection.login_failures = 0
        connection.current_directory = user.home_path
        connection.throttles["user_global"] = self.throttle_per_user.setdefault(
            user, StreamThrottle.from_limits(user.read_speed_limit, user.write_speed_limit)
        )
        connection.throttles["user_per_connection"] = StreamThrottle.from_limits(
            user.read_speed_limit_per_connection, user.write_speed_limit_per_connection
        )
        connection.session.logged_in(connection.login)
        connection.response(code, text)

    async def _login_failed(self, connection: Connection, text: str, code: str = "530") -> bool:
        failures = connection.login_failures = connection.login_failures + 1
        await self.clock.sleep(self.login_delay)
        if self.maximum_login_failures is not None and failures >= self.maximum_login_failures:
            connection.response("421", "Too many login failures")
            return False
        connection.response(code, text)
        return True

    async def _log_out(self, connection: Connection) -> None:
        user = connection.claimed
        connection.enter(Login.NO_USER)
        del connection.rename_from
        connection.throttles.pop("user_global", None)
        connection.throttles.pop("user_per_connection", None)
        if user is not None:
            await self.user_manager.notify_logout(user)

    def reset(self, connection: Connection) -> None:
        """See BaseServer."""
        super().reset(connection)
        connection.login_failures = 0

    async def release(self, connection: Connection) -> None:
        """See BaseServer."""
        try:
            await self._log_out(connection)
        finally:
            await super().release(connection)

    @command("REIN")
    async def rein(self, connection: Connection, rest: str) -> bool:
        """REIN: log out and reset all parameters.

        Replies: 220.
        """
        self.forget_data(connection)
        await self._log_out(connection)
        self.reset(connection)
        connection.response("220", "Ready for a new user")
        return True

    @command("QUIT", during_transfer=True)
    async def quit(self, connection: Connection, rest: str) -> bool:
        """QUIT: end the session; a running transfer is finished first.

        Replies: 221.
        """
        connection.response("221", "Goodbye")
        return False

    @command("CWD", "XCWD")
    @ConnectionConditions(ConnectionConditions.login_required)
    async def cwd(self, connection: Connection, rest: str) -> bool:
        """CWD <SP> pathname: change the working directory; without a path, to the home directory.

        Replies: 250, 550 missing, not a directory or not allowed.
        """
        return await self._change_to(connection, rest or str(connection.user.home_path))

    @command("CDUP", "XCUP")
    @ConnectionConditions(ConnectionConditions.login_required)
    async def cdup(self, connection: Connection, rest: str) -> bool:
        """CDUP: change to the parent directory; the root is its own parent.

        Replies: 250, 550.
        """
        return await self._change_to(connection, "..")

    @PathConditions(PathConditions.path_must_exists, PathConditions.path_must_be_dir)
    @PathPermissions(PathPermissions.readable)
    async def _change_to(self, connection: Connection, rest: str) -> bool:
        _, connection.current_directory = self.get_paths(connection, rest)
        connection.response("250", f"Directory changed to {connection.current_directory}")
        return True

    @command("HOST", feat="HOST")
    async def host(self, connection: Connection, rest: str) -> bool:
        """HOST <SP> hostname: choose the virtual host, before USER.

        Replies: 220, 501 not a host name, 503 too late, 504 unknown host. Source: RFC 7151 3.
        """
        answer = login_answer(connection.login_state, "HOST")
        if answer is not None:
            connection.response(*answer)
        elif not _is_host(rest):
            connection.response("501", "HOST needs a host name, or an address in brackets, without a port")
        elif self.virtual_hosts is not None and rest.lower() not in self.virtual_hosts:
            connection.response("504", "Unknown host")
        else:
            connection.response("220", "Host accepted")
        return True


def _is_host(text: str) -> bool:
    if text.startswith("[") and text.endswith("]"):
        try:
            return ipaddress.ip_address(text[1:-1]).version == 6
        except ValueError:
            return False
    return len(text) <= 255 and _HOST_NAME.fullmatch(text) is not None
