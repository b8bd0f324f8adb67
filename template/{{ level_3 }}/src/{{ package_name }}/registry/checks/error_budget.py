# Managed by copier-mlops: an update merges with your edits.
"""A spent error budget refuses promotions; a rollback passes no check."""

from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion

from ...core.errors import UserError
from ...core.slo import ErrorBudget, Slos, budgets
from ..approval import Approval
from ..client import champion

OVERRIDE = "ERROR_BUDGET_ENFORCE=false promotes a version that repairs it"


def blockers(version: ModelVersion, approval: Approval) -> list[str]:
    """Return a line for each spent budget of an objective with the label `gate: promotion`.

    The first champion needs no budget. If Prometheus does not answer, the budget counts as spent.
    """
    settings = ErrorBudget.load()
    if champion(MlflowClient(), version.name) is None:
        return []
    if not settings.prometheus or not settings.enforce:
        print(f"the error budget is not checked: {settings.path()} has no prometheus, or enforce is false")
        return []
    try:
        found = [one for one in budgets(Slos.load(), settings.prometheus) if one.slo.labels.get("gate") == "promotion"]
    except UserError as error:
        return [f"its error budget is not known: {error} ({OVERRIDE})"]
    if all(one.remaining is None for one in found):
        print(f"the error budget is not checked: {settings.prometheus} has recorded none")
    spent = {one.slo.name: one.remaining for one in found if one.remaining is not None and one.remaining <= 0}
    return [f"the error budget of {name} is spent: {left:.0%} are left ({OVERRIDE})" for name, left in spent.items()]
