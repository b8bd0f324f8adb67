# Managed by copier-mlops: an update merges with your edits.
"""Carries out decisions: before it acts, it stores that it will, so a process that is killed loses or doubles nothing."""

import logging
import math
import time
from threading import Event, Thread
from typing import Any

from mlflow import MlflowClient

from ...core.errors import UserError
from ...core.prometheus import query
from ...registry import notifications
from ...registry.audit import note
from ...registry.audit_log import locked
from ...registry.client import Tracking, connected
from . import actions
from .decision import DECLINED, OPEN
from .settings import Remediation, Rule, Verification
from .store import Remedy, Store

TICK_SECONDS = 1.0
NONE = Verification(minutes=1)  # of a rule that only pages
log = logging.getLogger(__name__)


class Worker:
    """Works on all decisions that are not final; one process does, others wait until it ends."""

    def __init__(self, policy: Remediation, store: Store) -> None:
        self.policy, self.store, self.stopped = policy, store, Event()
        self.seen = time.time()  # when it last looked for decisions
        self._threads: dict[int, Thread] = {}
        self._waits: dict[int, str] = {}  # for what, as logged last
        self._paged = set[int]()  # about those that wait
        self._unmeasured = ""  # why, as logged last
        self._escalated: dict[int, str] = {}  # what a person was paged for: once, even while that cannot be stored

    def run(self) -> None:
        """Work until `stopped` is set."""
        with self.store.alone():
            while not self.stopped.wait(TICK_SECONDS):
                try:
                    self._tick()
                except Exception:
                    log.exception("the decisions cannot be read")

    def _tick(self) -> None:
        """Work on each decision in a thread of its own: a retraining delays no rollback."""
        self._threads = {number: thread for number, thread in self._threads.items() if thread.is_alive()}
        for number in {*self.store.unfinished()} - self._threads.keys():
            self._threads[number] = Thread(target=self.step, args=(number,), daemon=True)
            self._threads[number].start()
        self.seen = time.time()

    def step(self, number: int) -> None:
        """Take a decision as far as it goes now."""
        try:
            remedy: Remedy | None = self.store.get(number)
            while remedy:
                if remedy.logged != remedy.state:
                    self._log(remedy)
                    remedy = self.store.change(remedy, logged=remedy.state)
                changes = self._next(remedy)
                remedy = self.store.change(remedy, **changes) if changes else None
        except UserError as error:  # of the audit log or the store: nothing is done without them, so it is tried again
            self._wait(number, str(error))

    def _wait(self, number: int, problem: str) -> None:
        """Log what a decision waits for, and page a person if that takes long."""
        if self._waits.get(number) != problem:
            log.warning("remediation %d waits: %s", number, problem)
        self._waits[number] = problem
        remedy = self.store.get(number)
        if remedy is None or remedy.state == DECLINED or number in self._paged:
            return
        if time.time() > remedy.decided + self.policy.page_after_seconds:
            self._paged.add(number)
            actions.page_person(f"{remedy.title} waits: {problem}")

    def _next(self, remedy: Remedy) -> dict[str, Any] | None:
        """Do what follows in the state of a remedy, and return what changes; None if it is final or nothing follows yet."""
        try:
            if remedy.resolved and remedy.state in ("waiting", "pending"):
                return {"state": "withdrawn", "reason": "the alert is resolved"}
            if remedy.state not in OPEN:
                return None
            follows = getattr(self, f"_{remedy.state}")
            return follows(remedy, actions.found()[remedy.action], Rule(**remedy.rule).verify or NONE)
        except Exception as error:
            if not isinstance(error, UserError):
                log.exception("remediation %d failed", remedy.id)
            return self._escalate(remedy, f"{remedy.state} failed: {error}")

    def _waiting(self, remedy: Remedy, action: actions.Action, verify: Verification) -> dict[str, Any] | None:
        late = time.time() > remedy.decided + 60 * self.policy.approval_minutes
        return self._escalate(remedy, "no one approved it in time") if late else None

    def _pending(self, remedy: Remedy, action: actions.Action, verify: Verification) -> dict[str, Any] | None:
        if self.policy.stop_file.exists() or self.policy.mode != "act":
            return None
        return {"state": "acting", "before": action.before(self.policy), "measured": self._measured(verify)}

    def _acting(self, remedy: Remedy, action: actions.Action, verify: Verification) -> dict[str, Any]:
        done = action.act(self.policy, remedy)
        return {"state": "verifying", "reason": done, "deadline": time.time() + 60 * verify.minutes}

    def _verifying(self, remedy: Remedy, action: actions.Action, verify: Verification) -> dict[str, Any] | None:
        value = self._measured(verify)
        helped = remedy.resolved if verify.query is None else value is not None and value <= verify.at_most
        if helped or verify is NONE:
            return {"state": "verified"}
        if time.time() < (remedy.deadline or 0):
            return None
        found = f"not verified after {verify.minutes:g} minutes, {remedy.measured} before and {value} now"
        worse = value is not None and remedy.measured is not None and value > remedy.measured
        if action.undo and worse:
            return {"state": "undoing", "reason": f"{remedy.reason}; {found}"}
        return self._escalate(remedy, found)

    def _undoing(self, remedy: Remedy, action: actions.Action, verify: Verification) -> dict[str, Any]:
        undone = action.undo(self.policy, remedy) if action.undo else ""
        return self._escalate(remedy, f"it made it worse, so it was undone: {undone}") | {"state": "undone"}

    def _escalate(self, remedy: Remedy, why: str) -> dict[str, Any]:
        """Page a person, and return the final state."""
        if self._escalated.get(remedy.id) != why:
            self._escalated[remedy.id] = why
            actions.page_person(f"{remedy.title}: {why}")
        return {"state": "escalated", "reason": f"{remedy.reason}; {why}"}

    def _measured(self, verify: Verification) -> float | None:
        """Return the largest value of the query; None without a query, a value or a Prometheus."""
        try:
            found = query(self.policy.prometheus, verify.query) if verify.query else []
            self._unmeasured = ""
        except UserError as error:
            if self._unmeasured != str(error):
                log.warning("%s", error)
            self._unmeasured, found = str(error), []
        return max((value for _, value in found if not math.isnan(value)), default=None)

    def _log(self, remedy: Remedy) -> None:
        """Write a state to the audit log, and ask a person if one has to approve."""
        approved = f"approved by {remedy.approver}" if remedy.state in ("acting", "verifying") else "no approval needed"
        event, version = f"remediation {remedy.state}", str(remedy.before.get("champion", ""))
        details = {"reason": f"{remedy.title}: {remedy.reason}", "labels": remedy.labels, "since": remedy.since}
        with connected(), locked():
            note(MlflowClient(), event, Tracking.load().model, version, details, by="remediation", approval=approved)
        if remedy.state == "waiting":
            notifications.send(f"{remedy.title}: `uv run poe remediate approve {remedy.id}` lets it act")
