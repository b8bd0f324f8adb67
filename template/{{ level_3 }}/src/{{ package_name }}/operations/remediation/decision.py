# Managed by copier-mlops: an update merges with your edits.
"""Whether an alert is acted on: a pure function of policy, past decisions and time. Times are seconds since 1970."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

from pydantic import AwareDatetime, BaseModel, Field

from .settings import Remediation, Rule

if TYPE_CHECKING:
    from .store import Remedy

DECLINED, HANDLED = "declined", "handled already"
OPEN = ("waiting", "pending", "acting", "verifying", "undoing")  # states of a remedy; all others are final
HOUR = 3600
Text = Annotated[str, Field(max_length=1_000)]


class Alert(BaseModel, frozen=True):
    """An alert as Alertmanager sends it: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config."""

    status: Literal["firing", "resolved"]
    labels: Annotated[dict[Text, Text], Field(max_length=64)]
    starts: AwareDatetime = Field(validation_alias="startsAt")
    fingerprint: Annotated[str, Field(pattern=r"^[\w-]{1,64}$")]

    @property
    def since(self) -> float:
        """Return when it began to fire; with the fingerprint this identifies it, however often it is repeated."""
        return self.starts.timestamp()


class Decision(NamedTuple):
    """A state of a remedy, why, and the rule that applies."""

    state: str
    reason: str
    rule: Rule | None


def decide(policy: Remediation, past: Sequence["Remedy"], stopped: bool, alert: Alert, now: float) -> Decision:
    """Decide on a firing alert.

    Args:
        policy: of the project.
        past: decisions of the same mode: about the same alert, open ones, and those of the last hours.
        stopped: whether the stop file exists.
        alert: it.
        now: the time.
    """
    if (rule := policy.rule(alert.labels)) is None:
        return Decision(DECLINED, "no rule", None)
    taken = [one for one in past if one.state != DECLINED]
    same = ((one.fingerprint, one.since) == (alert.fingerprint, alert.since) for one in taken)
    acted = [now - one.decided for one in taken if one.action == rule.action]
    obstacles = {
        HANDLED: any(same),
        "stop file": stopped,
        "maintenance window": any(start.timestamp() <= now < end.timestamp() for start, end in policy.maintenance),
        "cool-down": min(acted, default=float("inf")) < 60 * rule.cool_down_minutes,
        "blast radius": sum(one.state in OPEN for one in taken) >= policy.max_open_actions,
        "hourly limit": sum(now - one.decided < HOUR for one in taken) >= policy.max_actions_per_hour,
    }
    if obstacle := next((name for name, there in obstacles.items() if there), None):
        return Decision(DECLINED, obstacle, rule)
    if policy.mode == "dry run":
        return Decision("dry run", f"would act: {rule.action}", rule)
    if rule.tier == "high":
        return Decision("waiting", "a person has to approve", rule)
    return Decision("pending", "the policy allows it", rule)
