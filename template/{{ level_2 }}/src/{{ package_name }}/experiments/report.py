# Managed by copier-mlops: an update merges with your edits.
"""The result of an A/B test at any time: what was measured, and the decision."""

from collections.abc import Iterator
from datetime import datetime

import numpy as np
import pandas as pd

from ..core.experiment import Running
from . import guardrails, measures
from .lifecycle import state
from .result import ArmResult, Guardrail, Look, Result, Verdict
from .settings import Arm, Experiment, Plan
from .statistics import MIN_ENTITIES, cuped, difference, sample_ratio

LOOKS = 60  # on the page
SAMPLE_RATIO_P = 0.001
SWITCHED = 0.01  # share of the entities


def report(now: datetime) -> Result:
    """Return the result of the running or last test.

    Raises:
        UserError: there was no test, or its metric or covariate cannot be measured.
    """
    model, running, alias, champion = state()
    plan = Plan(**running.plan)
    rows = measures.exposed(running, model, now, plan.covariate)
    known = measures.measured(rows, plan.metric, model, running)
    kept = None
    if plan.covariate and len(known) > 1:
        adjusted = cuped(known["metric"].to_numpy(), known["covariate"].to_numpy())
        kept = float(adjusted.var() / (known["metric"].var(ddof=0) or 1))
        known["metric"] = adjusted
    looks = [*_looks(known, running, plan)]
    arms = _arms(rows, known, running)
    seconds = (now - running.started).total_seconds()
    compared = guardrails.Arms(running.control, running.treatment)
    limits = guardrails.measure(plan.guardrails, Experiment.load().metrics_from, model, compared, seconds, rows)
    ratio = sample_ratio(arms["control"].entities, arms["treatment"].entities, running.share)
    switched = int(rows["switched"].sum())
    without_entity, other_versions = measures.others(running, model, now)
    problems = []
    if ratio < SAMPLE_RATIO_P:
        problems.append(
            f"the arms have {arms['control'].entities:,} and {arms['treatment'].entities:,} entities, which does not fit"
            f" the planned share of {100 * running.share:g} % (p = {ratio:.1g}): find out why before you trust any result"
        )
    if switched > SWITCHED * len(rows):
        problems.append(f"{switched:,} of {len(rows):,} entities were predicted by both versions")
    if running.stopped is None and alias is None:
        problems.append("no version has the alias treatment any more: `poe experiment stop` records the end")
    elif running.stopped is None and (alias, champion) != (running.treatment, running.control):
        problems.append(
            f"the treatment is version {alias} and the champion {champion} now, in place of {running.treatment} and"
            f" {running.control}: servers send all requests to their default"
        )
    longest = round(plan.longest * running.planned)
    verdict, decision = decide(plan, running, looks, limits, problems, longest)
    return Result(
        created=now,
        model=model,
        plan=plan,
        **running.model_dump(include={"started", "stopped", "planned"}),
        longest=longest,
        arms=arms,
        looks=looks,
        variance_kept=kept,
        sample_ratio_p=ratio,
        switched=switched,
        without_entity=without_entity,
        other_versions=other_versions,
        guardrails=limits,
        problems=problems,
        verdict=verdict,
        decision=decision,
    )


def decide(
    plan: Plan, running: Running, looks: list[Look], limits: list[Guardrail], problems: list[str], longest: int
) -> tuple[Verdict, str]:
    """Return what to do and why, in one line."""
    if breached := [one for one in limits if one.breached]:
        lines = [f"{one.name} of the treatment is {one.treatment:.4g}, above {one.limit:g}" for one in breached]
        return "stop", f"stop: {'; '.join(lines)}"
    if problems:
        return "stop", f"stop: {'; '.join(problems)}"
    if not looks:
        return (
            "continue",
            f"continue: fewer than {MIN_ENTITIES} entities of each arm have an outcome that is due and known",
        )
    last = looks[-1]
    found = f"{plan.metric} differs by {last.difference:+.4g} ({last.low:+.4g} to {last.high:+.4g})"
    best = plan.sign * (last.high if plan.sign > 0 else last.low)
    worst = plan.sign * (last.low if plan.sign > 0 else last.high)
    if worst > 0:
        return "promote the treatment", f"promote version {running.treatment}: it is better, {found}"
    if best < 0:
        return "keep the control", f"keep version {running.control}: the treatment is worse, {found}"
    if best < plan.min_effect:
        return "keep the control", f"keep version {running.control}: no difference of {plan.min_effect:g}, {found}"
    if last.entities >= longest:
        return "keep the control", f"keep version {running.control}: undecided after {longest:,} entities, {found}"
    if running.stopped:
        return "keep the control", f"keep version {running.control}: stopped before a decision, {found}"
    return "continue", f"continue: {last.entities:,} of at most {longest:,} entities, {found}"


def _looks(known: pd.DataFrame, running: Running, plan: Plan) -> Iterator[Look]:
    """Yield what was known after each of some numbers of entities, all of them last."""
    if known.empty:
        return
    treated, metric = known["treated"].to_numpy(bool), known["metric"].to_numpy(float)
    for count in np.unique(np.linspace(2 * MIN_ENTITIES, max(len(known), 2 * MIN_ENTITIES), LOOKS).astype(int)):
        arms = [metric[:count][treated[:count] == each] for each in (False, True)]
        if min(map(len, arms)) >= MIN_ENTITIES:
            value, low, high = difference(arms[0], arms[1], running.planned, plan.significance)
            means = {"control": float(arms[0].mean()), "treatment": float(arms[1].mean())}
            yield Look(entities=len(arms[0]) + len(arms[1]), **means, difference=value, low=low, high=high)


def _arms(rows: pd.DataFrame, known: pd.DataFrame, running: Running) -> dict[Arm, ArmResult]:
    found: dict[Arm, ArmResult] = {}
    versions: dict[Arm, str] = {"control": running.control, "treatment": running.treatment}
    for arm, version in versions.items():
        mine = rows[(rows["treated"] == (arm == "treatment")) & ~rows["switched"].astype(bool)]
        metric = known.loc[known["treated"] == (arm == "treatment"), "metric"].tolist() if len(known) else []
        mean = float(np.mean(metric)) if metric else None
        due = int(mine["due"].sum())
        found[arm] = ArmResult(version=version, entities=len(mine), due=due, measured=len(metric), mean=mean)
    return found
