"""The time that tests take: the slowest ones, and the minutes of each module and tier, summed over workers."""

import resource
import time
from collections import defaultdict
from collections.abc import Generator

import pytest

from harness import forks

TIERS = ("fast", "lift", "run", "cluster", "long")
SLOWEST = 10
LONGEST = 30  # modules
TOOK = "took"  # tier, seconds on the clock, and seconds of CPU


def cpu_seconds() -> float:
    """Return the CPU time of this process, of those that it waited for, and of forks."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used) + forks.cpu_seconds()


class Minutes:
    """Measures tests where they run, and prints the sums at the end."""

    def __init__(self) -> None:
        self.tests: dict[str, tuple[float, float]] = {}
        self.tiers: dict[str, tuple[float, float]] = {}
        self.started = (0.0, 0.0)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self) -> None:
        """Take the time at the start of a test."""
        self.started = time.monotonic(), cpu_seconds()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Write what a test took into its last report, which comes from a worker to where sums are made."""
        report = yield
        if call.when == "teardown":
            tier = next(tier for tier in reversed(TIERS) if item.get_closest_marker(tier))
            wall, cpu = (now - then for now, then in zip((time.monotonic(), cpu_seconds()), self.started, strict=True))
            report.user_properties.append((TOOK, [tier, wall, cpu]))
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add what a test took."""
        for name, value in report.user_properties:
            if name == TOOK and isinstance(value, list):
                tier, wall, cpu = value
                self.tests[report.nodeid] = wall, cpu
                before = self.tiers.get(tier, (0.0, 0.0))
                self.tiers[tier] = before[0] + wall, before[1] + cpu

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the sums."""
        modules: dict[str, tuple[float, float]] = defaultdict(lambda: (0.0, 0.0))
        for test, (wall, cpu) in self.tests.items():
            module = test.partition("::")[0]
            modules[module] = modules[module][0] + wall, modules[module][1] + cpu
        terminalreporter.section(f"slowest {SLOWEST} tests")
        for test, (wall, cpu) in sorted(self.tests.items(), key=lambda each: -each[1][0])[:SLOWEST]:
            terminalreporter.line(f"{wall:6.1f} s on the clock, {cpu:6.1f} of CPU  {test}")
        terminalreporter.section("minutes of the longest modules and of each tier, summed over workers")
        for name, (wall, cpu) in [
            *sorted(modules.items(), key=lambda each: -each[1][1])[:LONGEST],
            *self.tiers.items(),
        ]:
            terminalreporter.line(f"{wall / 60:6.1f} on the clock, {cpu / 60:6.1f} of CPU  {name}")
