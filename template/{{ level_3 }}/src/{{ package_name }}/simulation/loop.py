# Managed by copier-mlops: an update merges with your edits.
"""The simulated year with everything on: canary releases, alerts, remediation, and faults at random: `poe loop`.

To the months of `poe year` it adds what runs by itself: each version is signed, and released through Envoy before it is
promoted; in some months an experiment of the game day breaks something, and remediation repairs it. Only the reason to retrain
comes from the loop instead of an alert, since the date is simulated.
"""

import argparse
import time
from collections import Counter
from datetime import date
from functools import partial
from itertools import islice
from random import Random

from pydantic import BaseModel

from ..core.environment import environment
from ..core.errors import exit_on_user_error
from ..core.io import write_json
from ..core.paths import REPORTS
from ..core.slo import Slos
from ..delivery.canary_check import check
from ..delivery.canary_result import Result
from ..drills import Evidence
from ..drills.harness.months import MONTHS
from ..drills.harness.sandbox import quiet
from ..game_day.__main__ import EXPERIMENTS, load, run
from ..game_day.system import System, running_system
from ..monitoring.client import Client
from ..registry.approval import Approval
from ..registry.client import connected
from ..registry.promotion import promote
from ..reporting.html import write_page
from ..training.decision import Retrained
from ..training.retrain import retrain
from . import page
from .year import SETTINGS, Month, line, live_months

RESULT, PAGE = REPORTS / "loop.json", REPORTS / "loop.html"
# Experiments, each in a month of its own; without those that change the data or the safe version, or need a person.
FAULTS = (
    *("bad-release", "slow-release", "two-alerts", "clock-jump", "flapping-alert"),
    *("server-killed", "registry-lost", "log-disk-full"),
)
CANARY_SECONDS = 5.0  # of a step
EVERYTHING = SETTINGS | {"RETRAINING_PROMOTION": "request"}  # the canary comes first


class Faulted(BaseModel, frozen=True):
    """A month, and the fault that was caused in it."""

    month: Month
    fault: str | None  # name of the experiment
    evidence: Evidence | None
    remedies: list[str]  # what remediation did
    wrong_remedies: int  # actions that the fault, or its lack, did not call for
    pages: list[str]  # messages to a person


class Loop(BaseModel, frozen=True):
    """The whole year."""

    months: list[Faulted]
    requests: int
    requests_failed: int
    objective: float  # of availability, percent
    availability: float  # share of the requests that were answered, percent
    budget_spent: float  # share of the error budget
    human_actions: int  # that were needed: pages, approvals
    wrong_remediations: int
    passed: bool  # every fault was recovered from, as it should be, and without a person
    seconds: float


def simulate(rows: int, seed: int, count: int) -> Loop:
    """Return a simulated year; it happens in a copy of the project.

    Args:
        rows: of a month.
        seed: of the rows and of the faults.
        count: of months.
    """
    started, chance, found = time.monotonic(), Random(seed), list[Faulted]()
    faults = dict(zip(chance.sample(range(1, MONTHS + 1), len(FAULTS)), FAULTS, strict=True))
    with running_system(leaves=["retrain"]) as system, environment(**EVERYTHING), connected():
        clients, released = Client(system.address), list[Result]()
        passing = live_months(rows, seed, clients, partial(release, released))
        for month in islice(passing, count):
            with quiet():
                found.append(_faulted(system, month, faults.get(month.month)))
            print(f"  {line(month)}; {summary(found[-1])}", flush=True)
            system.forget()
    sent = [*released, *(one.evidence for one in found if one.evidence)]
    requests = clients.requests + sum(one.requests for one in sent)
    failed = clients.failed + sum(one.requests_failed for one in sent)
    pages, wrong = sum(len(one.pages) for one in found), sum(one.wrong_remedies for one in found)
    objective = next(one.objective for one in Slos.load().slos if one.name == "availability")
    availability = 100 * (1 - failed / max(requests, 1))
    return Loop(
        months=found,
        requests=requests,
        requests_failed=failed,
        objective=objective,
        availability=availability,
        budget_spent=(100 - availability) / (100 - objective),
        human_actions=pages,
        wrong_remediations=wrong,
        passed=not pages and not wrong and all(one.evidence.recovered for one in found if one.evidence),
        seconds=time.monotonic() - started,
    )


def release(released: list[Result], today: date) -> Retrained:
    """Retrain if there is a reason to, release the candidate through Envoy, and promote it unless that was aborted."""
    done = retrain(today)
    if done.candidate is None or done.blockers:
        return done
    result = check(canary=done.candidate, seconds_per_step=CANARY_SECONDS)
    released.append(result)
    if result.outcome == "aborted":
        return done.model_copy(update={"outcome": f"version {done.candidate} {result.summary}"})
    promote(done.model, done.candidate, Approval("poe loop", ["the canary release"], details={"identity": "policy"}))
    return done.model_copy(update={"outcome": f"version {done.candidate} is the champion after its canary release"})


def _faulted(system: System, month: Month, fault: str | None) -> Faulted:
    """Cause the fault of a month, and return what came of both."""
    evidence, right = None, Counter[str]()
    if fault:
        experiment = load(EXPERIMENTS / f"{fault}.yaml")
        system.settle()  # an alert about the data of the month is no fault
        evidence = run(system, experiment)[1]
        right.update(f"{action} verified" for action in experiment["configuration"]["actions"])
    remedies = system.actions()
    return Faulted(
        month=month,
        fault=fault,
        evidence=evidence,
        remedies=remedies,
        wrong_remedies=(Counter(remedies) - right).total(),
        pages=system.pages(),
    )


def summary(month: Faulted) -> str:
    """Return what came of the fault of a month in one line."""
    one = month.evidence
    if one is None:
        return "no fault"
    when = f"after {one.recovered_after_seconds:.0f} s" if one.recovered_after_seconds is not None else "not"
    return f"{month.fault}: recovered {when}, {one.requests_failed} of {one.requests} requests failed"


def main() -> None:
    """Simulate, write `reports/loop.json` and its page; exit with code 1 if a person was needed or an action was wrong."""
    parser = argparse.ArgumentParser(prog="poe loop", description="Simulate a year in which everything runs by itself.")
    parser.add_argument("--rows", type=int, default=800, help="of a month; default: 800")
    parser.add_argument("--seed", type=int, default=0, help="of the rows and of the faults")
    parser.add_argument("--months", type=int, default=MONTHS, help=f"of the year; default: {MONTHS}")
    arguments = parser.parse_args()
    with exit_on_user_error("loop"):
        loop = simulate(arguments.rows, arguments.seed, arguments.months)
        write_json(loop.model_dump(mode="json"), RESULT)
        passed = [one.month.model_dump(mode="json") for one in loop.months]
        figure = page.figure(passed[0]["kpi_name"], passed)
        write_page(PAGE, loop=loop, figure=figure)
        answered = f"{loop.availability:.3f} % of {loop.requests:,} requests were answered"
        print(f"loop: {answered}, {100 * loop.budget_spent:.0f} % of the error budget was spent")
        print(f"  {loop.human_actions} human actions needed, {loop.wrong_remediations} wrong remediations; see {PAGE}")
    raise SystemExit(not loop.passed)


if __name__ == "__main__":
    main()
