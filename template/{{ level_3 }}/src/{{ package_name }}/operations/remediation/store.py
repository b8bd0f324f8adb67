# Managed by copier-mlops: an update merges with your edits.
"""The decisions, in SQLite or PostgreSQL: each writing transaction excludes all others, so that none decides on old state."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sql
from filelock import FileLock
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from ...core.errors import UserError
from ...registry.audit_log import one_line
from .decision import DECLINED, HANDLED, HOUR, OPEN, Alert, decide
from .settings import Remediation

LOCK_NUMBER = 7_261_958  # of PostgreSQL's advisory lock of the worker
EXCLUSIVE = {
    "sqlite": "UPDATE remediation SET id = id WHERE id < 0",
    "postgresql": "LOCK TABLE remediation IN EXCLUSIVE MODE",
}


class Base(DeclarativeBase):
    """The tables."""

    type_annotation_map = {dict[str, Any]: sql.JSON, float: sql.Double}  # noqa: RUF012


class Remedy(Base):
    """A decision about an alert, and what came of it. Times are seconds since 1970."""

    __tablename__ = "remediation"
    id: Mapped[int] = mapped_column(primary_key=True)
    claim: Mapped[str] = mapped_column(unique=True)  # so that an alert is acted on once, and declined once for a reason
    mode: Mapped[str]
    alert: Mapped[str]
    labels: Mapped[dict[str, Any]]
    fingerprint: Mapped[str]
    since: Mapped[float]
    decided: Mapped[float]
    action: Mapped[str]
    rule: Mapped[dict[str, Any]]  # as it was when it was decided
    state: Mapped[str]
    reason: Mapped[str]
    approver: Mapped[str] = mapped_column(default="the policy")
    resolved: Mapped[bool] = mapped_column(default=False)  # the alert
    before: Mapped[dict[str, Any]] = mapped_column(default=dict)  # what the action changes, as it was
    measured: Mapped[float | None]  # by the rule's query, before the action
    deadline: Mapped[float | None]  # of the verification
    logged: Mapped[str] = mapped_column(default="")  # the state that the audit log has

    @property
    def time(self) -> str:
        """Return when it was decided, in UTC."""
        return f"{datetime.fromtimestamp(self.decided, UTC):%Y-%m-%d %H:%M}"

    @property
    def title(self) -> str:
        """Return what it is about, in one line."""
        return f"remediation {self.id}, {self.action or 'nothing'} for {self.alert}"


@contextmanager
def _in_one_line() -> Iterator[None]:
    """Raise what a database reports, such as a full disk, as an error of one line."""
    try:
        yield
    except SQLAlchemyError as error:
        problem = " ".join(str(getattr(error, "orig", error)).split())[:300]
        raise UserError(f"the state of remediation: {problem}") from error


class Store:
    """The decisions at a URL of SQLAlchemy. A database that cannot be used is a `UserError`, here and in each method."""

    def __init__(self, url: str) -> None:
        with _in_one_line():
            self.engine = sql.create_engine(url)
            if self.engine.dialect.name == "sqlite":
                Path(self.engine.url.database or "").parent.mkdir(parents=True, exist_ok=True)
            Base.metadata.create_all(self.engine)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Yield a session."""
        with _in_one_line(), Session(self.engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Yield a session that no other one writes beside."""
        with self.reading() as session, session.begin():
            session.execute(sql.text(EXCLUSIVE[self.engine.dialect.name]))
            yield session

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Wait until no other process works on the decisions, and keep others from it; it ends with the process."""
        if self.engine.dialect.name == "sqlite":
            with FileLock(f"{self.engine.url.database}.lock"):
                yield
        else:
            with self.engine.begin() as connection:
                connection.execute(sql.select(sql.func.pg_advisory_xact_lock(LOCK_NUMBER)))
                yield

    def receive(self, policy: Remediation, alerts: Sequence[Alert], now: float) -> int:
        """Decide on alerts, store the decisions in one transaction, and return how many are new."""
        with self.writing() as session:
            return sum([_receive(session, policy, alert, now) for alert in alerts])

    def change(self, remedy: Remedy, **values: Any) -> Remedy:
        """Change a remedy, unless another process has changed its state, and return it as it is then."""
        with self.writing() as session:
            unchanged = sql.and_(Remedy.id == remedy.id, Remedy.state == remedy.state)
            session.execute(sql.update(Remedy).where(unchanged).values(**values))
            return session.get_one(Remedy, remedy.id)

    def newest(self, limit: int = 100) -> Sequence[Remedy]:
        """Return the newest decisions."""
        with self.reading() as session:
            return session.scalars(sql.select(Remedy).order_by(Remedy.id.desc()).limit(limit)).all()

    def unfinished(self) -> Sequence[int]:
        """Return the numbers of the decisions that are not final, or not yet in the audit log."""
        with self.reading() as session:
            left = sql.or_(Remedy.state.in_(OPEN), Remedy.state != Remedy.logged)
            return session.scalars(sql.select(Remedy.id).where(left).order_by(Remedy.id)).all()

    def get(self, number: int) -> Remedy | None:
        """Return a decision by its number."""
        with self.reading() as session:
            return session.get(Remedy, number)

    def counts(self) -> dict[tuple[str, str], int]:
        """Return how many decisions there are, by action and state."""
        with self.reading() as session:
            grouped = sql.select(Remedy.action, Remedy.state, sql.func.count()).group_by(Remedy.action, Remedy.state)
            return {(action, state): number for action, state, number in session.execute(grouped)}


def _receive(session: Session, policy: Remediation, alert: Alert, now: float) -> bool:
    same = sql.and_(Remedy.fingerprint == alert.fingerprint, Remedy.since == alert.since)
    if alert.status == "resolved":
        session.execute(sql.update(Remedy).where(same).values(resolved=True))
        return False
    recent = Remedy.decided > now - max(HOUR, *(60 * rule.cool_down_minutes for rule in policy.rules))
    counts = sql.and_(Remedy.state != DECLINED, sql.or_(same, recent, Remedy.state.in_(OPEN)))
    past = session.scalars(sql.select(Remedy).where(Remedy.mode == policy.mode, counts)).all()
    state, reason, rule = decide(policy, past, policy.stop_file.exists(), alert, now)
    claim = f"{policy.mode} {alert.fingerprint} {alert.since} {reason if state == DECLINED else ''}"
    if reason == HANDLED or session.scalar(sql.select(Remedy.id).where(Remedy.claim == claim)):
        return False
    name = one_line(alert.labels.get("alertname", ""))
    remedy = Remedy(claim=claim, mode=policy.mode, alert=name, labels=alert.labels, state=state)
    remedy.fingerprint, remedy.since, remedy.decided, remedy.reason = alert.fingerprint, alert.since, now, reason
    remedy.action, remedy.rule = (rule.action, rule.model_dump()) if rule else ("", {})
    session.add(remedy)
    session.flush()
    return True
