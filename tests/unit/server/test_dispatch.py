"""Which methods a verb may reach: every point of the rule, in the table and on the wire."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ftpfixture import Connection, ConnectionConditions, FtpServer, Server, worker
from ftpfixture.server.dispatch import CommandSpec, build_table, command
from tests.support.raw import RawClient
from tests.support.rows import table


def _verbs(server: type) -> dict[str, str]:
    """Verb to the name of its method."""
    return {verb: name for verb, (name, _) in build_table(server).items()}


def _new_verbs(server: type) -> dict[str, str]:
    """The verbs of a class that Server does not have."""
    known = _verbs(Server)
    return {verb: name for verb, name in _verbs(server).items() if known.get(verb) != name}


Ask = Callable[..., list[str]]


@pytest.fixture
def ask(ftp_server_factory: Callable[..., FtpServer]) -> Ask:
    """Starts a server of a class, and returns the whole replies to some lines of a client that is logged in."""

    def make(server_class: type[Server], *lines: str, **settings: Any) -> list[str]:
        server = ftp_server_factory(server_class=server_class, **settings)
        with RawClient(server.address) as client:
            client.login()
            replies = [client.ask(line) for line in lines]
        return [f"{reply.code} {reply.text}" for reply in replies]

    return make


# 1. Marked methods.


def test_a_marked_method_handles_its_verb_and_aliases() -> None:
    """Both the name and the aliases of the marker reach the method, in lower case."""

    class Marked(Server):
        @command("COLL", "XCOL")
        async def collect_all(self, connection: Connection, rest: str) -> bool:
            """COLL: collect."""
            return True

    assert _new_verbs(Marked) == {"coll": "collect_all", "xcol": "collect_all"}


@table(("alias", "verb"), [("XPWD", "PWD"), ("XCWD", "CWD"), ("XCUP", "CDUP"), ("XMKD", "MKD"), ("XRMD", "RMD")])
def test_built_in_aliases(alias: str, verb: str) -> None:
    """The old names of RFC 775 reach the same methods as the new ones."""
    table = _verbs(Server)

    assert table[alias.lower()] == table[verb.lower()]


def test_the_marker_has_the_properties_of_a_command() -> None:
    """The specification has the verbs, the lines of FEAT, what may overtake, and the first line of the help."""

    class Marked(Server):
        @command("COLL", "XCOL", feat=["COLL", "XCOL"], during_transfer=True, overtakes=True)
        async def coll(self, connection: Connection, rest: str) -> bool:
            """COLL: collect.

            More of it.
            """
            return True

    _, spec = build_table(Marked)["coll"]

    assert spec == CommandSpec(("COLL", "XCOL"), ("COLL", "XCOL"), True, True)
    assert spec.text == "COLL: collect."


def test_a_single_feat_line_need_be_no_list() -> None:
    """A single line is one line, not its letters; so is a function that makes it."""

    def line(server: Any, connection: Any) -> str:
        return "COLL"

    class Marked(Server):
        @command("ONE", feat="ONE 1")
        async def one(self, connection: Connection, rest: str) -> bool:
            """ONE: a line."""
            return True

        @command("TWO", feat=line)
        async def two(self, connection: Connection, rest: str) -> bool:
            """TWO: a function."""
            return True

    assert [build_table(Marked)[verb][1].feat for verb in ("one", "two")] == [("ONE 1",), (line,)]


def test_a_marker_may_take_a_verb_from_another_method() -> None:
    """A method of a subclass that is marked with a known verb handles it from then on."""

    class Marked(Server):
        @command("NOOP")
        async def be_quiet(self, connection: Connection, rest: str) -> bool:
            """NOOP: do nothing, without a word."""
            return True

    assert _new_verbs(Marked) == {"noop": "be_quiet"}


# 2. Overrides.


def test_an_override_keeps_its_verbs(ask: Ask) -> None:
    """An unmarked override handles the verb and the aliases of the method that it overrides, and can call it."""

    class Louder(Server):
        async def pwd(self, connection: Connection, rest: str) -> bool:
            """PWD: return it twice."""
            connection.extra = "louder"
            return await super().pwd(connection, rest)

        async def noop(self, connection: Connection, rest: str) -> bool:
            connection.response("200", f"still here, {connection.extra}")
            return True

    assert _verbs(Louder) == _verbs(Server)
    pwd, noop = ask(Louder, "XPWD", "NOOP")
    assert pwd.startswith('257 "/"')
    assert noop == "200 still here, louder"


def test_an_override_keeps_the_properties_of_the_marker() -> None:
    """FEAT lines and the right to overtake stay with an override; its docstring is its own help."""

    class Own(Server):
        async def abor(self, connection: Connection, rest: str) -> bool:
            """ABOR: abort differently."""
            return True

        async def stat(self, connection: Connection, rest: str) -> bool:
            return True

    theirs, ours = build_table(Server), build_table(Own)

    assert ours["abor"][1] == theirs["abor"][1]
    assert ours["abor"][1].text == "ABOR: abort differently."
    assert ours["stat"][1].text == theirs["stat"][1].text


def test_an_override_with_other_parameters_keeps_its_verb() -> None:
    """An override with a verb keeps it, with any names of its parameters."""

    class Own(Server):
        async def noop(self, conn: Connection, argument: str, /) -> bool:
            return True

    assert _verbs(Own)["noop"] == "noop"


@pytest.mark.illegal_replies
def test_an_override_under_conditions_keeps_its_verb(ask: Ask) -> None:
    """Our decorators around an override do not change its name."""

    class Guarded(Server):
        @ConnectionConditions(ConnectionConditions.rename_from_required)
        async def noop(self, connection: Connection, rest: str) -> bool:
            """NOOP: after RNFR."""
            connection.response("200", "done")
            return True

    assert ask(Guarded, "NOOP") == ["503 Use RNFR first"]


def test_pass_is_reached_under_its_verb() -> None:
    """`pass_` has its underscore for Python only, and so has an override of it."""

    class Own(Server):
        async def pass_(self, connection: Connection, rest: str) -> bool:
            return await super().pass_(connection, rest)

    assert _verbs(Own)["pass"] == "pass_"
    assert "pass_" not in _verbs(Own)


def test_overrides_of_hooks_stay_hooks(ask: Ask) -> None:
    """`greeting` has the parameters of a handler, but no verb: no command reaches it or an override."""

    class Own(Server):
        greeted = 0

        async def greeting(self, connection: Connection, rest: str) -> bool:
            type(self).greeted += 1
            return await super().greeting(connection, rest)

        async def start(self, host: str | None = None, port: int = 0) -> None:
            await super().start(host, port)

        async def close(self) -> None:
            await super().close()

        async def release(self, connection: Connection) -> None:
            await super().release(connection)

    assert _new_verbs(Own) == {}
    assert [reply[:3] for reply in ask(Own, "GREETING", "START", "CLOSE", "RELEASE")] == ["502"] * 4
    assert Own.greeted == 1


# 3. New methods of subclasses.


def test_a_new_coroutine_of_a_subclass_is_a_command(ask: Ask) -> None:
    """The form of the tutorial: a public coroutine over connection and rest handles its name, in any case."""

    class Own(Server):
        async def coll(self, connection: Connection, rest: str) -> bool:
            """COLL <SP> count: collect."""
            connection.response("200", f"collected {rest}")
            return True

    assert _new_verbs(Own) == {"coll": "coll"}
    assert build_table(Own)["coll"][1] == CommandSpec(("COLL",))
    assert build_table(Own)["coll"][1].text == "COLL <SP> count: collect."
    assert ask(Own, "COLL 20", "coll x y") == ["200 collected 20", "200 collected x y"]


def test_a_trailing_underscore_is_dropped(ask: Ask) -> None:
    """A verb that is a word of Python is written with an underscore."""

    class Own(Server):
        async def import_(self, connection: Connection, rest: str) -> bool:
            """IMPORT: import it."""
            connection.response("200", "imported")
            return True

    assert _new_verbs(Own) == {"import": "import_"}
    assert ask(Own, "IMPORT") == ["200 imported"]


def test_new_commands_under_decorators(ask: Ask) -> None:
    """Conditions and `worker` around a new method do not hide it."""

    class Own(Server):
        @ConnectionConditions(ConnectionConditions.rename_from_required)
        async def coll(self, connection: Connection, rest: str) -> bool:
            """COLL: collect."""
            return True

        @worker
        async def work(self, connection: Connection, rest: str) -> bool:
            """WORK: work."""
            connection.response("200", "worked")
            return True

    assert _new_verbs(Own) == {"coll": "coll", "work": "work"}
    assert ask(Own, "COLL", "WORK") == ["503 Use RNFR first", "200 worked"]


def test_commands_of_a_mixin() -> None:
    """A user's mixin counts as a subclass."""

    class Mixin:
        async def coll(self, connection: Connection, rest: str) -> bool:
            """COLL: collect."""
            return True

    class Own(Mixin, Server):
        """A server with it."""

    assert _new_verbs(Own) == {"coll": "coll"}


def test_a_mixin_may_override_a_command() -> None:
    """A mixin before the server takes over the verb of a handler."""

    class Mixin:
        async def noop(self, connection: Connection, rest: str) -> bool:
            """NOOP: of the mixin."""
            return True

    class Own(Mixin, Server):
        """A server with it."""

    assert _new_verbs(Own) == {}
    assert build_table(Own)["noop"][1].text == "NOOP: of the mixin."
    assert Own().commands_mapping["noop"].__func__ is Mixin.noop  # type: ignore[attr-defined]


def test_a_mixin_after_the_server() -> None:
    """Methods that the server overrides are the server's: a mixin's commands do not reach its hooks."""

    class Mixin:
        async def greeting(self, connection: Connection, rest: str) -> bool:
            """GREETING: meant for the hook, but on the wrong side."""
            return True

        async def reset(self, connection: Connection, rest: str) -> bool:
            """RESET: one that several groups override."""
            return True

        async def noop(self, connection: Connection, rest: str) -> bool:
            """NOOP: of the mixin."""
            return True

        async def coll(self, connection: Connection, rest: str) -> bool:
            """COLL: collect."""
            return True

    class Own(Server, Mixin):  # type: ignore[misc]  # the names mean different things, which is the point
        """A server with it."""

    assert _new_verbs(Own) == {"coll": "coll"}
    assert build_table(Own)["noop"] == build_table(Server)["noop"]


def test_subclasses_of_subclasses() -> None:
    """New commands are inherited, and an override keeps the verb."""

    class Parent(Server):
        async def coll(self, connection: Connection, rest: str) -> bool:
            """COLL: collect."""
            return True

    class Child(Parent):
        async def coll(self, connection: Connection, rest: str) -> bool:
            return await super().coll(connection, rest)

        async def more(self, connection: Connection, rest: str) -> bool:
            """MORE: of it."""
            return True

    assert _new_verbs(Child) == {"coll": "coll", "more": "more"}


# 4. Nothing else.


class Unreachable(Server):
    """Has everything that no command may reach."""

    async def _secret(self, connection: Connection, rest: str) -> bool:
        """Private."""
        return True

    async def other(self, connection: Connection, argument: str) -> bool:
        """Has other names of parameters."""
        return True

    async def more(self, connection: Connection, rest: str, extra: int = 0) -> bool:
        """Has one more."""
        return True

    async def less(self, connection: Connection) -> bool:
        """Has one less."""
        return True

    def plain(self, connection: Connection, rest: str) -> bool:
        """Is no coroutine."""
        return True

    async def generate(self, connection: Connection, rest: str) -> Any:
        """Is an asynchronous generator."""
        yield True

    @staticmethod
    async def static(self: object, connection: Connection, rest: str) -> bool:
        """Is not bound."""
        return True

    @classmethod
    async def classy(cls, connection: Connection, rest: str) -> bool:
        """Is bound to the class."""
        return True

    @property
    def prop(self) -> Callable[[Connection, str], bool]:
        """Is an attribute."""
        return lambda connection, rest: True


def test_nothing_else_is_in_the_table() -> None:
    """Private, plain, static and differently shaped methods of a subclass have no verb."""
    assert _new_verbs(Unreachable) == {}


@table(
    "line",
    [
        *("START", "CLOSE", "GREETING", "RELEASE", "RUN", "PAUSE", "ENTRY", "RESET", "GET_PATHS", "__INIT__"),
        *("HUB", "CONNECTIONS", "_CHANGE_TO", "CHANGE_TO", "PASS_", "EXPECT_PASSIVE", "START_TRANSFER"),
        *("_SECRET", "SECRET", "OTHER", "MORE", "LESS", "PLAIN", "GENERATE", "STATIC", "CLASSY", "PROP"),
    ],
)
def test_nothing_else_is_reached(line: str) -> None:
    """No attribute of a server is reached by its name; the reply is that to any unknown verb."""
    assert line.lower() not in Unreachable().commands_mapping


def test_unreachable_methods_get_502(ask: Ask) -> None:
    """On the wire the names of hooks and helpers are unknown verbs, and the session continues."""
    replies = ask(Unreachable, "START", "CLOSE x", "GREETING", "__INIT__", "_SECRET", "OTHER x", "PLAIN x", "NOOP")

    assert [reply[:3] for reply in replies] == ["502"] * 7 + ["200"]


def test_a_command_can_be_removed(ask: Ask) -> None:
    """A subclass that sets a handler to None does not handle its verb."""

    class Poorer(Server):
        mlsd = None  # type: ignore[assignment]

    assert "mlsd" not in _verbs(Poorer)
    assert ask(Poorer, "MLSD") == ["502 MLSD is not implemented"]


def test_our_own_unmarked_methods_are_no_commands() -> None:
    """Within the package every command is marked: every handler of a plain Server has a marker."""
    marked = {
        name for owner in Server.__mro__ for name, member in vars(owner).items() if hasattr(member, "__ftp_command__")
    }

    assert set(_verbs(Server).values()) == marked


# The mapping of an instance.


def test_the_mapping_belongs_to_the_instance() -> None:
    """Two servers of one class have two mappings, with methods bound to each."""
    first, second = Server(), Server()
    del first.commands_mapping["noop"]

    assert "noop" in second.commands_mapping
    assert second.commands_mapping["pwd"].__self__ is second  # type: ignore[attr-defined]


def test_a_verb_that_was_popped_is_unknown(ask: Ask) -> None:
    """Removing a verb from the mapping makes it a 502; its alias stays."""

    class Poorer(Server):
        def __init__(self, *args: Any, **settings: Any) -> None:
            super().__init__(*args, **settings)
            self.commands_mapping.pop("pwd")

    assert [reply[:3] for reply in ask(Poorer, "PWD", "XPWD")] == ["502", "257"]


def test_a_verb_that_was_added_is_handled(ask: Ask) -> None:
    """A coroutine put into the mapping is called with the connection and the rest of the line."""

    class Richer(Server):
        def __init__(self, *args: Any, **settings: Any) -> None:
            super().__init__(*args, **settings)
            self.commands_mapping["coll"] = self._collect

        async def _collect(self, connection: Connection, rest: str) -> bool:
            connection.response("200", f"{connection.user.login} collected {rest}")
            return True

    assert ask(Richer, "COLL 3") == ["200 user collected 3"]


def test_the_mapping_may_be_changed_while_the_server_runs(ftp_server: FtpServer, raw: RawClient) -> None:
    """A change takes effect at the next command of existing sessions."""
    assert raw.code("NOOP") == "200"
    ftp_server.server.commands_mapping.pop("noop")

    assert raw.code("NOOP") == "502"
