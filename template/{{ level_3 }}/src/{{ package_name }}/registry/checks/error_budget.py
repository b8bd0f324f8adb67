# Managed by copier-mlops: an update merges with your edits.
"""A spent error budget refuses promotions. Rollbacks are checked by nothing here, so they are always possible."""

from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion

from ...core.errors import UserError
from ...core.slo import ErrorBudget, Slos, budgets
from ..approval import Approval
from ..client import champion

OVERRIDE = "ERROR_BUDGET_ENFORCE=false promotes a version that repairs it"


def blockers(version: ModelVersion, approval: Approval) -> list[str]:
    """Return a line for each spent budget whose objective has the label `gate: promotion` in `config/slo.yaml`.

    The first champion needs no budget. Without an address of Prometheus nothing is checked; if it does not answer, the
    budget counts as spent.
    """
    settings = ErrorBudget.load()
    if champion(MlflowClient(), version.name) is None:
        return []
    if not settings.prometheus or not settings.enforce:
        reason = f"{'enforce is false' if settings.prometheus else 'no prometheus is set'} in {settings.path()}"
        print(f"error budget: not checked, since {reason} or its environment variable")
        return []
    try:
        found = budgets(Slos.load(), settings.prometheus)
    except UserError as error:
        return [f"its error budget is unknown: {error} ({OVERRIDE})"]
    if all(one.remaining is None for one in found):
        print(f"error budget: nothing is spent, since {settings.prometheus} has recorded no budget yet")
    return [
        f"the error budget of {one.slo.name} is spent ({one.remaining:.0%} left): see docs/runbooks/slo.md ({OVERRIDE})"
        for one in found
        if one.refuses
    ]
