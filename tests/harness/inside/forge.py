"""Rewrite the audit log and hash it again, and let the registry agree: MODEL PACKAGE."""

import sys
from importlib import import_module

import sqlalchemy as sql
from mlflow import MlflowClient

model, package = sys.argv[1:]
audit_log = import_module(f"{package}.registry.audit_log")
forged = audit_log.entries()
forged[1] |= {"deployed_by": "Mallory"}
for number, entry in enumerate(forged):
    entry["previous"] = forged[number - 1]["hash"] if number else ""
    entry["hash"] = audit_log.digest(entry)
with sql.create_engine("sqlite:///audit.db").begin() as connection:
    for trigger in ("audit_no_update", "audit_no_delete"):
        connection.execute(sql.text(f"DROP TRIGGER {trigger}"))
    connection.execute(sql.delete(audit_log.table))
    connection.execute(sql.insert(audit_log.table), forged)
anchor = f"{forged[-1]['id']}:{forged[-1]['hash']}"
MlflowClient("sqlite:///mlflow.db").set_registered_model_tag(model, "audit_entry", anchor)
print(audit_log.verify(forged))
