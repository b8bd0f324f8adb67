# Managed by copier-mlops: an update merges with your edits.
"""The audit log: which version was registered, promoted or rolled back, when and by whom. It is append-only.

It is `audit.db`, or the database at AUDIT_DATABASE_URL. Triggers reject changes, and each entry holds the hash of the
entry before it. The newest hash is also recorded in the registry and in each release tag, so that `poe audit verify`
detects a log that was edited without the triggers and hashed again.
"""

import hashlib
import json
import os
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sql
from filelock import FileLock
from sqlalchemy.exc import SQLAlchemyError

from ..core.errors import UserError

LOCK_NUMBER = 7_261_957  # of PostgreSQL's advisory lock: arbitrary, but the same in all processes
SQLITE_TRIGGERS = [
    f"CREATE TRIGGER IF NOT EXISTS audit_no_{event} BEFORE {event} ON audit_log "
    "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
    for event in ("update", "delete")
]
POSTGRESQL_TRIGGERS = [
    """CREATE OR REPLACE FUNCTION audit_reject() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$""",
    """CREATE OR REPLACE TRIGGER audit_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION audit_reject()""",
]

metadata = sql.MetaData()
table = sql.Table(
    "audit_log",
    metadata,
    sql.Column("id", sql.Integer, primary_key=True, autoincrement=False),
    sql.Column("timestamp", sql.String(32), nullable=False),
    sql.Column("event", sql.String(40), nullable=False),
    sql.Column("model", sql.String(256), nullable=False),
    sql.Column("version", sql.String(20), nullable=False),
    sql.Column("environment", sql.String(40), nullable=False),
    sql.Column("deployed_by", sql.String(256), nullable=False),
    sql.Column("approval_status", sql.String(256), nullable=False),
    sql.Column("compliance_check", sql.String(256), nullable=False),
    sql.Column("details", sql.Text, nullable=False),
    sql.Column("previous", sql.String(64), nullable=False),
    sql.Column("hash", sql.String(64), nullable=False),
)


@dataclass(frozen=True)
class Event:
    """The content of an entry."""

    event: str
    model: str
    version: str
    environment: str
    deployed_by: str
    approval_status: str
    compliance_check: str
    details: dict[str, Any]

    @classmethod
    def from_entry(cls, entry: dict[str, Any]) -> "Event":
        """Return the content of an entry, without its number, time and hashes."""
        values = {field.name: entry[field.name] for field in fields(cls)}
        return cls(**{**values, "details": json.loads(entry["details"])})


@contextmanager
def locked() -> Generator[None]:
    """Hold the lock of the log, which all machines that use it share, while the block changes registry and log.

    The lock is released when its process ends, however it ends.

    Raises:
        UserError: the database cannot be reached, or fails in the block.
    """
    try:
        with _lock(_engine()):
            yield
    except SQLAlchemyError as error:
        raise _unreachable(error) from error


@dataclass(frozen=True)
class Anchor:
    """Number and hash of an entry, recorded outside the log: a log that is rewritten no longer has this hash."""

    number: int
    hash: str
    place: str  # where it is recorded

    @classmethod
    def parse(cls, text: str, place: str) -> "Anchor":
        """Return the anchor that is written as `NUMBER:HASH`."""
        number, _, hash_ = text.partition(":")
        return cls(int(number), hash_, place)


def one_line(text: str) -> str:
    """Return a text in one line, without characters that control a terminal: it must not look like a further entry."""
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in " ".join(text.split()))


def append(event: Event) -> str:
    """Append an entry and return its number and hash as `NUMBER:HASH`; only inside `locked`."""
    with _engine().begin() as connection:
        last = connection.execute(sql.select(table).order_by(table.c.id.desc()).limit(1)).first()
        values = {
            **{name: one_line(str(text)) for name, text in asdict(event).items()},
            "details": json.dumps(event.details, sort_keys=True),
            "id": last.id + 1 if last else 1,
            "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "previous": last.hash if last else "",
        }
        connection.execute(sql.insert(table).values(**values, hash=digest(values)))
    return f"{values['id']}:{digest(values)}"


def entries() -> list[dict[str, Any]]:
    """Return all entries, the oldest first.

    Raises:
        UserError: the database cannot be reached.
    """
    try:
        with _engine().connect() as connection:
            return [dict(row) for row in connection.execute(sql.select(table).order_by(table.c.id)).mappings()]
    except SQLAlchemyError as error:
        raise _unreachable(error) from error


def digest(entry: dict[str, Any]) -> str:
    """Return the hash of an entry, which covers the hash of the entry before it."""
    content = {name: value for name, value in entry.items() if name != "hash"}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def verify(found: list[dict[str, Any]], anchors: Iterable[Anchor] = ()) -> list[str]:
    """Return a line for each entry that was edited, deleted or moved; empty if the log is intact.

    Anchors are recorded outside the log: its own hashes can be computed again after an edit.
    """
    problems, previous, expected = [], "", 1
    for entry in found:
        if entry["id"] != expected:
            problems.append(_gone(expected, entry["id"] - 1))
        elif entry["previous"] != previous:
            problems.append(f"entry {entry['id']} does not follow the one before it: one of them was replaced or moved")
        if digest(entry) != entry["hash"]:
            problems.append(f"entry {entry['id']} was edited")
        previous, expected = entry["hash"], entry["id"] + 1
    hashes = {entry["id"]: entry["hash"] for entry in found}
    for anchor in anchors:
        if anchor.number >= expected:
            problems.append(f"{_gone(expected, anchor.number)}, according to {anchor.place}")
        elif hashes.get(anchor.number) != anchor.hash:
            problems.append(f"entry {anchor.number} or one before it was rewritten, according to {anchor.place}")
    return problems


def _gone(first: int, last: int) -> str:
    return f"entry {first} is gone" if first == last else f"entries {first} to {last} are gone"


def _engine() -> sql.Engine:
    return _open(os.environ.get("AUDIT_DATABASE_URL", f"sqlite:///{Path('audit.db').resolve().as_posix()}"))


@cache
def _open(url: str) -> sql.Engine:
    try:
        engine = sql.create_engine(url)
        if not sql.inspect(engine).has_table(table.name):
            triggers = SQLITE_TRIGGERS if engine.dialect.name == "sqlite" else POSTGRESQL_TRIGGERS
            with _lock(engine), engine.begin() as connection:
                metadata.create_all(connection)
                for trigger in triggers:
                    connection.execute(sql.text(trigger))
    except SQLAlchemyError as error:
        raise _unreachable(error) from error
    return engine


@contextmanager
def _lock(engine: sql.Engine) -> Generator[None]:
    if engine.dialect.name == "sqlite":
        with FileLock(f"{engine.url.database}.lock"):
            yield
    else:
        with engine.begin() as connection:
            connection.execute(sql.select(sql.func.pg_advisory_xact_lock(LOCK_NUMBER)))
            yield


def _unreachable(error: SQLAlchemyError) -> UserError:
    reason = " ".join(str(getattr(error, "orig", error)).split())[:300]  # without the SQL
    return UserError(f"the audit log cannot be used, so nothing was changed: {reason}")
