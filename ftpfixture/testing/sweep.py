"""The hooks of pytest for the marker ``ftp_sweep``: one item for each point of the map of a test.

One rule: what a run tries is known when its tests are collected, so that pytest-xdist, ``-k`` and ``--lf`` work as with
all other tests.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import pytest

from ftpfixture.errors import ConfigurationError
from ftpfixture.testing import simulated
from ftpfixture.testing.marker import simulation_of
from ftpfixture.testing.reports import ATTACHED
from ftpfixture.testing.settings import FtpServerSettings
from ftpfixture.testing.sweepmaps import Maps, may_make, place_of, to_make
from ftpfixture.testing.sweepmarker import MARKER, NAME, SweepMarker, marker_of
from ftpfixture.testing.sweepoptions import SWEEP, add_options, read_options
from ftpfixture.testing.sweepresults import SENT, SENT_RUN, Results

if TYPE_CHECKING:
    from ftpfixture.sweep.mapfile import Row, SweepMap
    from ftpfixture.testing.sweeprun import SweepRun

__all__: list[str] = []

CLEAN = "clean"
REAL_TOO = "+real"
_RUNS = ("map-simulated", "map-real", "map-again")
_PARAMETER = "_ftp_point"
_MAPS = pytest.StashKey[Maps]()
_RUN = pytest.StashKey["SweepRun"]()
_MISSING = pytest.StashKey[str]()
_TITLE = "FTP sweep"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Read the options, and make the markers known."""
    config.addinivalue_line("markers", MARKER)
    config.addinivalue_line("markers", "ftp_point: a point of a sweep, which the plugin sets")
    config.addinivalue_line("markers", "ftp_stall: a point of a sweep at which nothing more comes; the plugin sets it")
    config.stash[SWEEP] = read_options(config)
    config.stash[_MAPS] = Maps()
    config.pluginmanager.register(Results(config, config.stash[_MAPS]), "ftpfixture-sweep-results")


@pytest.fixture
def _ftp_point(request: pytest.FixtureRequest) -> str:
    """The name of the point of this run."""
    name: str = request.param
    return name


# Collection.


@pytest.hookimpl(trylast=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make an item for each point: those of all maps of the function, of which each item keeps its own."""
    item, mode = metafunc.definition, metafunc.config.stash[SWEEP].mode
    if item.get_closest_marker(NAME) is None or mode == "off":
        return
    try:
        marker = marker_of(item)
    except ConfigurationError:  # it fails when the test runs
        marker = SweepMarker()
    names = list(_RUNS) if mode == "map" or marker is None else [CLEAN, *_points(metafunc, marker)]
    stalls = {name for name in names if _is_stall(name)}
    metafunc.fixturenames.append(_PARAMETER)
    metafunc.parametrize(
        _PARAMETER,
        [pytest.param(name, marks=_marks(name, name in stalls)) for name in names],
        indirect=True,
        ids=names,
    )


def _marks(name: str, stall: bool) -> list[pytest.MarkDecorator]:
    if name in (CLEAN, *_RUNS):
        return []
    return [pytest.mark.ftp_point, *([pytest.mark.ftp_stall] if stall else [])]


def _is_stall(name: str) -> bool:
    if name in (CLEAN, *_RUNS):
        return False
    from ftpfixture.sweep.kinds import Harm, harm_of

    return harm_of(name.rpartition("~")[2].partition("-")[2].removesuffix(REAL_TOO)) == Harm.STALL


def _points(metafunc: pytest.Metafunc, marker: SweepMarker) -> list[str]:
    """The names of the points of a function that the run may try; its map is made if there is none."""
    config, item = metafunc.config, metafunc.definition
    maps = config.stash[_MAPS]
    where = (item.path, _class_of(metafunc.cls), item.name)
    found = maps.of(*where)
    if not found and not maps.problems.get(place_of(*where, "")) and may_make(config):
        maps.make(config, item.nodeid, place_of(*where, ""))
        found = maps.of(*where)
    names: dict[str, None] = {}
    for one in found:
        chosen = _chosen(one, marker, config)
        names |= dict.fromkeys(chosen)
        names |= {f"{name}{REAL_TOO}": None for name in _real_too(one, chosen)}
    return list(names)


def _class_of(cls: type | None) -> str:
    return "" if cls is None else cls.__qualname__


def _chosen(found: SweepMap, marker: SweepMarker, config: pytest.Config) -> list[str]:
    """The points of a map in the set of the marker, or in that of the run."""
    from ftpfixture.sweep.choose import is_in

    options = config.stash[SWEEP]
    is_set = isinstance(marker.points, str)
    points = options.mode if is_set and (options.given or not marker.points) else marker.points
    return [name for name, row in found.rows.items() if is_in(row, points)]


def _real_too(found: SweepMap, chosen: list[str]) -> list[str]:
    """The points of a simulated map that run with real connections, too, once it is known that they wait for nothing.

    They are the first of each kind in the set quick, without a reset at CONNECT: where that meets a real client, in its
    `connect` or in what it reads next, the system decides.
    """
    if not found.header.simulated:
        return []
    first: dict[str, str] = {}
    for name in chosen:
        row = found.rows[name]
        action = row.value.action
        if row.set == "quick" and row.seen and not row.waits and action != "connect-reset" and not _is_stall(name):
            first.setdefault(action, name)
    return list(first.values())


def _runs_real_too(item: pytest.Item, found: SweepMap, name: str) -> bool:
    """Whether a point of a map, which may be that of other parameters, is one of those."""
    try:
        marker = marker_of(item) or SweepMarker()
    except ConfigurationError:
        marker = SweepMarker()
    return name in _real_too(found, _chosen(found, marker, item.config))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Drop the points of other parameters, simulate those of simulated maps, and choose by number, time and part."""
    swept = {item: name for item in items if (name := _name_of(item))}
    if not swept:
        return
    foreign = {item for item, name in swept.items() if not _prepare(item, name)}
    left = _left_out(config, {item: name for item, name in swept.items() if item not in foreign})
    config.stash[_MAPS].left_out = len(left)
    if left:
        config.hook.pytest_deselected(items=[item for item in items if item in left])
    items[:] = [item for item in items if item not in foreign and item not in left]


def _name_of(item: pytest.Item) -> str:
    """The point of an item; "" if it is not swept."""
    callspec = getattr(item, "callspec", None)
    return "" if callspec is None else str(callspec.params.get(_PARAMETER, ""))


def _place(item: pytest.Item, name: str) -> tuple[Any, str]:
    """The map of an item, and the name of its test without the point."""
    identifier = item.callspec.id  # type: ignore[attr-defined]
    parameters = identifier.removesuffix(name).removesuffix("-")
    function = getattr(item, "originalname", None) or item.name.partition("[")[0]
    test = item.nodeid.removesuffix(f"[{identifier}]") + (f"[{parameters}]" if parameters else "")
    return place_of(item.path, _class_of(getattr(item, "cls", None)), function, parameters), test


def _prepare(item: pytest.Item, name: str) -> bool:
    """Decide whether the servers of an item are simulated; return whether it is a point of its own map."""
    place, _ = _place(item, name)
    found = item.config.stash[_MAPS].get(place)
    if name in _RUNS:
        is_simulated = name == _RUNS[0]
    elif found is None:
        return name == CLEAN  # it fails, and says why
    else:
        plain = name.removesuffix(REAL_TOO)
        if plain != CLEAN and (plain not in found.rows or (plain != name and not _runs_real_too(item, found, plain))):
            return False
        is_simulated = found.header.simulated and plain == name
    if "simulate" not in simulation_of(item):
        defaults: FtpServerSettings = {"simulate": is_simulated, "simulate_time": is_simulated}
        item.stash[simulated.DEFAULTS] = defaults
    return True


def _left_out(config: pytest.Config, swept: dict[pytest.Item, str]) -> set[pytest.Item]:
    """The points that the options leave out; runs without a fault stay."""
    from ftpfixture.sweep.choose import Choice, cost_of, ranked

    options = config.stash[SWEEP]
    choice = Choice(options.most, options.budget, options.shard)
    if choice == Choice():
        return set()
    rows: list[tuple[pytest.Item, str, Row, bool]] = []
    for item, name in swept.items():
        place, test = _place(item, name)
        found = config.stash[_MAPS].get(place)
        if found is not None and name not in (CLEAN, *_RUNS):
            is_simulated = found.header.simulated and not name.endswith(REAL_TOO)
            rows.append((item, test, found.rows[name.removesuffix(REAL_TOO)], is_simulated))
    order = ranked([(test, row) for _, test, row, _ in rows])
    costs = [cost_of(rows[position][2], rows[position][3], 5) for position in order]
    taken = {order[rank] for rank in choice.taken(costs)}
    return {item for position, (item, *_) in enumerate(rows) if position not in taken}


# A run.


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Begin: fail what cannot be swept, and take the servers that start from now on; what is skipped is skipped."""
    if item.get_closest_marker(NAME) is None or item.config.stash[SWEEP].mode == "off":
        return
    try:
        marker = marker_of(item)
    except ConfigurationError as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None
    name = _name_of(item)
    if not name:
        text = "the marker ftp_sweep makes an item for each point, which methods of a unittest.TestCase cannot have: "
        raise pytest.fail.Exception(f"{text}write the test as a function", pytrace=False)
    from ftpfixture.testing.sweeprun import SweepRun

    assert marker is not None
    place, test = _place(item, name)
    maps = item.config.stash[_MAPS]
    found = None if name in _RUNS else maps.get(place)
    if found is None and name not in _RUNS:
        problem = maps.problems.get(place) or "it has no map"
        command = to_make(test.partition("[")[0])
        item.stash[_MISSING] = f"{test}: {problem}\nmake its map with: {command}, and commit it beside the test"
        return
    run = item.stash[_RUN] = SweepRun(test, name, marker, found)
    item.stash[ATTACHED] = run.attach


@pytest.hookimpl(specname="pytest_runtest_setup", wrapper=True, tryfirst=True)
def pytest_take_failed_setup(item: pytest.Item) -> Generator[None, object, object]:
    """Take the error of a fixture whose client met the fault; the test then does not run."""
    __tracebackhide__ = True
    try:
        return (yield)
    except (Exception, pytest.fail.Exception) as error:
        run = item.stash.get(_RUN, None)
        is_try = run is not None and run.name == _RUNS[0]  # what cannot be simulated runs with real connections
        if run is None or (not is_try and (not run.servers or run.found is None)):
            raise
        run.error, run.is_over = error, True
        return None


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Do not run a test whose fixtures failed."""
    run = pyfuncitem.stash.get(_RUN, None)
    return True if run is not None and run.is_over else None


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Run the test, and decide what became of it."""
    __tracebackhide__ = True
    run = item.stash.get(_RUN, None)
    if run is None:
        result = yield
        if _MISSING in item.stash:  # a test that skips itself has no map
            raise pytest.fail.Exception(item.stash[_MISSING], pytrace=False)
        return result
    with run.call():
        yield
    if not run.is_late and run.found is not None:
        _decide(item, run)
    elif run.error is not None and run.found is None and run.name != _RUNS[0]:
        raise run.error  # one that cannot be simulated runs with real connections
    return None


def _decide(item: pytest.Item, run: SweepRun) -> None:
    """Fail the item if its verdict fails."""
    __tracebackhide__ = True
    run.finish()
    outcome = run.outcome
    assert outcome is not None
    if problem := run.problem():
        if run.error is not None and run.point is None:
            raise run.error
        run.outcome = None  # of another session: it says nothing about the point
        if outcome.error:
            problem += f" (the run ended with {outcome.error})"
        text = f"{problem}: make the map again with {to_make(run.test.partition('[')[0])}"
        raise pytest.fail.Exception(text, pytrace=False)
    if run.name == CLEAN:
        if run.error is not None:
            raise run.error
        return
    accepts = item.config.getoption("--ftp-update")
    if outcome.is_bad or (outcome.is_changed and not accepts):
        if run.error is not None:
            raise run.error
        was = f", and its map has {outcome.expected}" if outcome.is_changed else ""
        raise pytest.fail.Exception(f"{outcome.point}: {outcome.verdict}{was}: {outcome.error}", pytrace=False)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    """Decide after the fixtures what could not be decided before."""
    __tracebackhide__ = True
    run = item.stash.get(_RUN, None)
    if run is None:
        return (yield)
    try:
        yield
    except Exception as error:
        if run.found is None or not run.is_late:
            raise
        run.error = run.error or error
    if run.found is not None and run.is_late and run.outcome is None:
        _decide(item, run)
    elif run.found is None:
        run.finish()
    return None


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Send what became of the point with the report, and say how the run is repeated."""
    report = yield
    run = item.stash.get(_RUN, None)
    if run is None:
        return report
    outcome: Any = run.outcome
    if run.found is None and call.when == "teardown":
        place, test = _place(item, run.name)
        error = "" if run.error is None else f"{type(run.error).__name__}: {run.error}"
        vars(report)[SENT_RUN] = [str(place), test, run.name, run.clean_run(error).sent()]
    elif outcome is not None and run.point is not None and not run.is_sent:
        from dataclasses import replace

        from ftpfixture.testing.sweepresults import advice

        is_shown = report.failed or item.config.stash[SWEEP].html is not None
        outcome = replace(outcome, seconds=call.duration, dialogue=run.dialogue() if is_shown else "")
        place, _ = _place(item, run.name)
        new = [[one.name, one.faults, one.shown, one.server] for one in run.new]
        vars(report)[SENT] = [str(place), outcome.sent(), new]
        item.user_properties += [  # those of the last report of a test are in its JUnit file
            ("ftp_sweep_point", outcome.point),
            ("ftp_sweep_fault", outcome.fault),
            ("ftp_sweep_verdict", outcome.verdict),
        ]
        if report.failed:
            report.sections.insert(0, (_TITLE, advice(outcome)))
        run.is_sent = True
    if call.when == "teardown":  # pytest keeps its items to the end of the run
        del item.stash[_RUN], item.stash[ATTACHED]
        run.free()
    return report


def pytest_report_teststatus(report: pytest.CollectReport | pytest.TestReport) -> tuple[str, str, str] | None:
    """The letter of a verdict."""
    sent = getattr(report, SENT, None)
    if sent is None or report.outcome == "skipped" or (report.passed and getattr(report, "when", "") != "call"):
        return None
    verdict = str(sent[1]["verdict"])
    letter = verdict[0].upper() if report.failed else verdict[0]
    return report.outcome, letter, verdict.upper()
