"""The time that tests take: the slowest ones, and the minutes of each tier, summed over workers."""

import resource
import time
from collections.abc import Generator

import pytest

from harness import forks

TIERS = ("fast", "lift", "run", "cluster", "long")
SLOWEST = 10
TOOK = "took"  # tier, seconds on the clock, and seconds of CPU


def cpu_seconds() -> float:
    """Return the CPU time of this process, of those that it waited for, and of forks."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used) + forks.cpu_seconds()


class Minutes:
    """Measures tests where they run, and prints the sums at the end."""

    def __init__(self) -> None:
        self.tests: dict[str, float] = {}
        self.tiers = {tier: [0.0, 0.0] for tier in TIERS}
        self.started = (0.0, 0.0)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self) -> None:
        """Begin with a test."""
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
                self.tests[report.nodeid] = wall
                self.tiers[tier][0] += wall
                self.tiers[tier][1] += cpu

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the sums."""
        terminalreporter.section(f"slowest {SLOWEST} tests")
        for test, seconds in sorted(self.tests.items(), key=lambda each: -each[1])[:SLOWEST]:
            terminalreporter.line(f"{seconds:6.1f} s  {test}")
        terminalreporter.section("minutes of each tier, summed over workers")
        for tier, (wall, cpu) in self.tiers.items():
            if wall:
                terminalreporter.line(f"{tier}: {wall / 60:.1f} on the clock, {cpu / 60:.1f} of CPU")
