"""The simulation of a test: its time, its network, and what is patched while its servers run.

One rule: the servers of a test share one simulation, so that they and their clients have the same time.
"""

from __future__ import annotations

from weakref import ReferenceType, ref

from ftpfixture.errors import ConfigurationError
from ftpfixture.sim.driver import SimulatedTime
from ftpfixture.sim.patches import Patches

__all__ = ["Simulation", "begin", "simulation"]


class Simulation(SimulatedTime):
    """A driver whose servers blocking clients reach without sockets.

    Args:
        seed: See `SimulatedTime`.
        with_time: Whether the clocks and pauses of the test's thread are virtual.
    """

    def __init__(self, seed: int | None = None, with_time: bool = False) -> None:
        super().__init__(seed)
        self.with_time = with_time
        self.is_over = False
        self._patches = Patches(self, with_time)

    def acquire(self) -> None:
        """See Driver; the first lease patches."""
        if not self.leased:
            self._patches.apply()
        super().acquire()

    def release(self) -> None:
        """See Driver; the last release brings back what was patched."""
        try:
            super().release()
        finally:
            if not self.leased:
                self.is_over = True
                self._patches.undo()


_latest: ReferenceType[Simulation] | None = None


def begin(seed: int | None = None, with_time: bool = False) -> Simulation:
    """Make the simulation of a new test; servers share it, also those before which a loop was made."""
    global _latest
    made = Simulation(seed, with_time)
    _latest = ref(made)
    return made


def simulation(seed: int | None = None, with_time: bool = False) -> Simulation:
    """The simulation that runs, or that was made and has not begun, or else a new one.

    Raises:
        ConfigurationError: It has another seed.
    """
    last = None if _latest is None else _latest()
    if last is None or (last.is_over and not last.leased):
        return begin(seed, with_time)
    if (last.seed, last.with_time) != (seed, with_time):
        raise ConfigurationError(
            f"all simulated servers of a test have the same schedule= and simulate_time=: another one has "
            f"schedule={last.seed!r} and simulate_time={last.with_time!r}"
        )
    return last
