"""The program `ftpfixture`: its commands, errors and exit codes."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest
import rich_click as click
from click.shell_completion import ShellComplete

from ftpfixture.cli import main as program
from ftpfixture.cli.main import COMMANDS, cli, main
from ftpfixture.errors import ConfigurationError
from tests.support.rows import check_rows


def test_every_command_is_there_and_has_help_with_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    """Each row of the table is a command of that name; its help ends with an example that begins with its name."""
    with click.Context(cli, info_name="ftpfixture") as context:
        assert cli.list_commands(context) == list(COMMANDS)

        def check(name: str) -> None:
            command = cli.get_command(context, name)
            assert command is not None
            assert command.name == name
            assert f"ftpfixture {name} " in (command.epilog or "")
            assert command.help

        check_rows(COMMANDS, check)
        assert cli.get_command(context, "nothing") is None
    assert main(["--help"]) == 0
    written = capsys.readouterr().out
    assert [name for name in COMMANDS if name not in written] == []


def test_a_mistake_is_one_sentence_and_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    """An unknown command and an unknown option name the nearest; nothing is written to standard output."""

    def check(row: tuple[list[str], str]) -> None:
        arguments, error = row
        assert main(arguments) == 2
        written = capsys.readouterr()
        assert written.out == ""
        assert written.err == error

    check_rows(
        [
            (
                ["fault"],
                "Error: There is no command 'fault': did you mean 'faults'?\nTry 'ftpfixture --help' for help.\n",
            ),
            (
                ["faults", "--hlp"],
                "Error: No such option '--hlp'. Did you mean '--help'?\nTry 'ftpfixture faults --help' for help.\n",
            ),
        ],
        check,
    )


def test_errors_of_a_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """An error that a user can cause is a sentence; a programming error is a traceback; an exit code is passed on."""

    def check(row: tuple[object, int, str]) -> None:
        result, code, error = row

        @click.command("one")
        def one() -> object:
            if isinstance(result, BaseException):
                raise result
            return result

        monkeypatch.setattr(program.Commands, "get_command", lambda *_: one)
        assert main(["faults"]) == code
        assert capsys.readouterr().err.strip() == error

    check_rows(
        [
            (None, 0, ""),
            (1, 1, ""),
            (ConfigurationError("port= takes a port"), 2, "Error: port= takes a port"),
            (
                FileNotFoundError(2, "No such file or directory", "a.jsonl"),
                2,
                "Error: a.jsonl: No such file or directory",
            ),
            (OSError("no route"), 2, "Error: no route"),
            (TimeoutError(), 2, "Error: TimeoutError"),
            (KeyboardInterrupt(), 130, "Interrupted."),
            (click.ClickException("no"), 1, "Error: no"),
        ],
        check,
    )


def test_a_programming_error_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception that no user can cause is raised, and so is shown with its traceback."""

    @click.command("one")
    def one() -> None:
        raise KeyError("one")

    monkeypatch.setattr(program.Commands, "get_command", lambda *_: one)
    with pytest.raises(KeyError, match="one"):
        main(["faults"])


def test_both_names_of_the_program() -> None:
    """``python -m ftpfixture`` is the program; without a command it prints its help."""
    done = subprocess.run([sys.executable, "-m", "ftpfixture"], capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert "Usage: python -m ftpfixture" in done.stdout
    assert all(name in done.stdout for name in COMMANDS)
    assert done.stderr == ""


_ON_USE = {"click", "rich", "rich_click", "jinja2", "msgspec", "faker", "pyfakefs", "hypothesis"}


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import ftpfixture; ftpfixture.FtpServer()", _ON_USE | {"pytest", "pytest_asyncio"}),
        ("import ftpfixture.testing.plugin", _ON_USE),
        ("from ftpfixture.cli.main import main", {"pytest", "faker", "pyfakefs", "hypothesis"}),
    ],
)
def test_packages_that_are_imported_on_use(statement: str, absent: set[str]) -> None:
    """What a program, a test or a command does not need costs it nothing."""
    code = f"import sys; {statement}; print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    imported = set(ast.literal_eval(done.stdout))
    assert "ftpfixture" in imported
    assert absent & imported == set()


def test_completion_by_the_shell() -> None:
    """Commands, options and the names of faults are completed."""
    complete = ShellComplete(cli, {}, "ftpfixture", "_FTPFIXTURE_COMPLETE")

    def check(row: tuple[list[str], str, list[str]]) -> None:
        arguments, incomplete, values = row
        assert [one.value for one in complete.get_completions(arguments, incomplete)] == values

    check_rows(
        [
            ([], "re", ["record", "replay"]),
            (["serve"], "--al", ["--allow-remote"]),
            (["proxy", "--upstream", "a", "--fault"], "early", ["early-226"]),
            (["serve", "--tls"], "im", ["implicit"]),
        ],
        check,
    )


def test_the_reader_of_an_output_may_go() -> None:
    """``ftpfixture faults | head -1`` ends without an error message."""
    process = subprocess.Popen(
        [sys.executable, "-m", "ftpfixture", "faults"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.close()
    _, errors = process.communicate(timeout=30)

    assert (process.returncode, errors) == (1, b"")
