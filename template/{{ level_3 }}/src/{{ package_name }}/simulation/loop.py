# Managed by copier-mlops: an update merges with your edits.
"""The simulated year with everything on: canary releases, alerts, remediation, and faults at random: `poe loop`.

To the months of `poe year` it adds what runs by itself: each version is signed, and released through Envoy before it is
promoted; in some months an experiment of the game day breaks something, and remediation repairs it. Only the reason to retrain
comes from the loop instead of an alert: it knows the simulated date.
"""

import argparse
import random
import time
from datetime import UTC, date, datetime, timedelta

from pydantic import BaseModel

from ..core.environment import environment
from ..core.errors import exit_on_user_error
from ..core.io import write_json, write_text
from ..core.paths import REPORTS
from ..core.slo import Slos
from ..delivery.canary_check import check
from ..drills import Evidence
from ..drills.harness import months
from ..drills.harness.sandbox import quiet
from ..game_day.__main__ import EXPERIMENTS, load, run
from ..game_day.system import System, running_system
from ..modeling.data import features_and_target
from ..monitoring.client import Client
from ..operations.remediation.decision import DECLINED
from ..pipeline.served import predict_served
from ..registry.approval import Approval
from ..registry.client import Tracking, connected
from ..registry.promotion import promote
from ..reporting.html import environment as templates
from ..serving import loader
from ..training.decision import Retrained
from ..training.retrain import retrain
from . import page
from .year import SETTINGS, Month, kpi, line, live_month

RESULT, PAGE = REPORTS / "loop.json", REPORTS / "loop.html"
FAULTS = {  # the action that each calls for
    **dict.fromkeys(("bad-release", "slow-release", "two-alerts"), "rollback"),
    **dict.fromkeys(("server-killed", "registry-lost", "log-disk-full"), "none"),
}
SHARE = 0.5  # of the months in which a fault is caused
CANARY_SECONDS = 5.0  # of a step
EVERYTHING = SETTINGS | {"RETRAINING_PROMOTION": "request"}  # the canary comes first


class Faulted(BaseModel, frozen=True):
    """A month, and the fault that was caused in it."""

    month: Month
    fault: str | None  # name of the experiment
    evidence: Evidence | None
    remedies: list[str]  # what remediation did, a line each
    pages: list[str]  # messages that asked a person to act


class Loop(BaseModel, frozen=True):
    """The whole year."""

    kpi: str
    months: list[Faulted]
    requests: int
    requests_failed: int
    objective: float  # of availability, percent
    human_actions: int  # that were needed: pages, approvals
    wrong_remediations: int  # actions without a fault, and actions that were undone
    seconds: float

    @property
    def availability(self) -> float:
        """Return the share of the requests that were answered, percent."""
        return 100 * (1 - self.requests_failed / max(self.requests, 1))

    @property
    def budget_spent(self) -> float:
        """Return the share of the error budget that the failed requests spent."""
        return (100 - self.availability) / (100 - self.objective)

    @property
    def passed(self) -> bool:
        """Return whether every fault was recovered from, without a person."""
        recovered = all(one.evidence.recovered for one in self.months if one.evidence)
        return recovered and not self.human_actions and not self.wrong_remediations


def simulate(rows: int, seed: int, count: int) -> Loop:
    """Return a simulated year; it happens in a copy of the project.

    Args:
        rows: of a month.
        seed: of the rows and of the faults.
        count: of months.
    """
    started, chance, found, tables = time.monotonic(), random.Random(seed), list[Faulted](), []
    faults = [chance.choice([*FAULTS]) if chance.random() < SHARE else None for _ in range(months.MONTHS)]
    with running_system() as system, environment(**EVERYTHING), connected():
        with quiet():
            frozen, first = loader.load(Tracking.load().model, "1"), months.start()
        clients = Client(system.address)
        for number, (table, fault) in enumerate(zip(months.months(rows, seed), faults[:count], strict=False), 1):
            tables.append(table)
            end = datetime.combine(first + timedelta(days=number * months.DAYS), datetime.min.time(), UTC)
            with system.remediation(f"month-{number}", leaves=("retrain",)):
                with quiet():
                    month = live_month(number, tables, end, clients, frozen, release)
                found.append(_faulted(system, month, fault))
            print(f"  {line(month)}{f'; {summary(found[-1])}' if fault else ''}", flush=True)
    experiments = [one.evidence for one in found if one.evidence]
    return Loop(
        kpi=kpi(table, predict_served(frozen, features_and_target(table)[0]), frozen)[0],
        months=found,
        requests=clients.requests + sum(one.requests for one in experiments),
        requests_failed=clients.failed + sum(one.requests_failed for one in experiments),
        objective=next(one.objective for one in Slos.load().slos if one.name == "availability"),
        human_actions=sum(len(one.pages) for one in found),
        wrong_remediations=sum(_wrong(one) for one in found),
        seconds=time.monotonic() - started,
    )


def release(today: date) -> Retrained:
    """Retrain if there is a reason to, and release the candidate through Envoy; promote it unless that was aborted."""
    done = retrain(today)
    if done.candidate is None or done.blockers:
        return done
    result = check(canary=done.candidate, seconds_per_step=CANARY_SECONDS)
    if result.outcome == "aborted":
        return done.model_copy(update={"outcome": f"version {done.candidate} {result.summary}"})
    promote(done.model, done.candidate, Approval("poe loop", ["the canary release"], details={"identity": "policy"}))
    return done.model_copy(update={"outcome": f"version {done.candidate} is the champion after its canary release"})


def _faulted(system: System, month: Month, fault: str | None) -> Faulted:
    """Cause the fault of a month, and return what came of both."""
    evidence = None
    if fault:
        with quiet():
            evidence = run(system, load(EXPERIMENTS / f"{fault}.yaml"))[1]
    acted = [one for one in system.store.newest() if one.state != DECLINED]
    return Faulted(
        month=month,
        fault=fault,
        evidence=evidence,
        remedies=[f"{one.action}: {one.state}" for one in acted],
        pages=[text for text in system.pager.taken() if "Page: " in text or "remediate approve" in text],
    )


def _wrong(month: Faulted) -> int:
    """Return how many actions the fault of a month, or its lack, did not call for."""
    right = f"{FAULTS.get(month.fault or '')}: verified"
    return sum(remedy != right for remedy in month.remedies)


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
    parser.add_argument("--months", type=int, default=months.MONTHS, help=f"of the year; default: {months.MONTHS}")
    arguments = parser.parse_args()
    with exit_on_user_error("loop"):
        loop = simulate(arguments.rows, arguments.seed, arguments.months)
        write_json(loop.model_dump(mode="json"), RESULT)
        figure = page.figure(loop.kpi, [one.month.model_dump(mode="json") for one in loop.months])
        write_text(templates().get_template("loop.html.j2").render(loop=loop, figure=figure, summary=summary), PAGE)
        print(
            f"loop: {loop.availability:.3f} % of {loop.requests:,} requests answered, the objective is {loop.objective:g} %"
        )
        print(f"  {loop.human_actions} human actions needed, {loop.wrong_remediations} wrong remediations; see {PAGE}")
    raise SystemExit(not loop.passed)


if __name__ == "__main__":
    main()
