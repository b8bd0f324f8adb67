# Managed by copier-mlops: an update merges with your edits.
"""Trains a model at several sites whose rows stay there, and registers it as `poe pipeline` does: `poe federate`."""

import argparse
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import skops.io
from sklearn.base import is_classifier

from ..core import paths
from ..core.column_types import group_name
from ..core.environment import environment
from ..core.errors import UserError, exit_on_user_error
from ..core.inputs import Inputs
from ..core.io import atomic_write, read_file, read_json, read_table, require, write_json, write_table
from ..core.lineage import dvc_hash
from ..core.programs import free_port
from ..core.run_record import RunRecord
from ..modeling.data import features_and_target
from ..pipeline.fitting.aggregated import MODEL
from ..pipeline.params import load_params
from ..pipeline.reproduce import reproduce
from ..pipeline.stages.train import untrained
from ..reporting.html import write_page
from .keys import certificate_in, make_certificate, make_site
from .plan import Federated, Plan
from .processes import PROJECT, coordinate, flower, node

KEYS = PROJECT / "keys"
RECORD, PAGE = paths.REPORTS / "federated.json", paths.REPORTS / "federated.html"


def trial(settings: Federated, column: str | None) -> None:
    """Let parts of this project's training rows be the sites, on this machine and with keys for this once."""
    found = parts(column, len(settings.sites))
    if len(found) < settings.least:
        raise UserError(f"--by: {column} has {len(found)} values, at least {settings.least} sites are needed")
    with TemporaryDirectory(prefix="federate-") as temporary:
        folder = Path(temporary)
        sites = {name: folder / f"{name}.parquet" for name in found}
        for name, rows in found.items():
            write_table(rows, sites[name])
            make_site(folder, name)
        make_certificate(folder, "127.0.0.1")
        here = {"address": f"127.0.0.1:{free_port()}", "sites": sites}
        register(settings.model_copy(update=here), folder, local=True)


def parts(column: str | None, count: int) -> dict[str, pd.DataFrame]:
    """Return the rows of each site of a trial."""
    table = read_table(paths.TRAIN)
    if column and column not in table:
        raise UserError(f"--by: there is no column {column} in {paths.TRAIN}")
    found = {}
    groups = table.groupby(column or np.arange(len(table)) % count, observed=True, dropna=False)
    for number, (group, rows) in enumerate(groups, 1):
        print(f"  site-{number}: {column or 'part'} {group_name(group)}, {len(rows):,} rows")
        found[f"site-{number}"] = rows
    return found


def register(settings: Federated, keys: Path, local: bool = False) -> None:
    """Run all rounds, then the stages `train` and `register` with the model that sites have learned."""
    inputs = Inputs.of(*(features_and_target(read_table(path))[0] for path in (paths.TRAIN, paths.TEST)))
    model = untrained(load_params())
    estimator = model.steps[-1][1] if hasattr(model, "steps") else model
    plan = Plan.of(settings, inputs, is_classifier(model), trees(settings, estimator))
    with TemporaryDirectory(prefix="federate-") as folder, flower(Path(folder)):
        print(f"  waits for {len(settings.sites)} sites at {settings.address}", flush=True)
        rounds, arrays = coordinate(settings, plan, keys, Path(folder), local)
    with atomic_write(MODEL) as temporary:
        skops.io.dump(plan.assemble(arrays, estimator), temporary)
    write_json(record := {**plan.rules.model_dump(), "rounds": rounds}, RECORD)
    with environment(FEDERATED_MODEL=str(MODEL)):
        if not reproduce(["train"], force=True, alone=True):
            raise SystemExit(1)
        done = reproduce(["register"], force=True, alone=True)
    run = RunRecord.read()
    # Without a version, or of another model, it is that of an earlier run: this one was not registered.
    made = run if run.version and run.model_md5 == dvc_hash(paths.MODEL) else None
    write_page(PAGE, record=record, metrics=read_json(paths.METRICS), run=made)
    print(f"  rounds and sites: {PAGE}")
    if not done:
        missed = made and f"version {made.version} missed the gate: {'; '.join(made.shortfalls)}"
        raise UserError(missed or "the model of the sites is not registered, for the reason above")


def trees(settings: Federated, estimator: Any) -> dict[str, Any]:
    """Return the parameters of XGBoost, for which nothing is estimated from the rows of a site."""
    if settings.model == "linear":
        return {}
    if not hasattr(estimator, "get_xgb_params"):
        raise UserError(f"{settings.path()}: model: xgboost needs an estimator of XGBoost in modeling/model.py")
    known = {name: value for name, value in estimator.get_xgb_params().items() if isinstance(value, str | int | float)}
    return {**known, "base_score": 0.5, "nthread": 1}


def run(settings: Federated) -> None:
    """Coordinate the sites of the settings."""
    certificate_in(KEYS)
    for name in settings.sites:
        require(KEYS / f"{name}.pub", f"federate keys {name}")
    register(settings, KEYS)


def site(settings: Federated, name: str) -> None:
    """Take part as a site until this process is ended; Flower logs on stdout."""
    require(KEYS / f"{name}.key", f"federate keys {name}")
    certificate_in(KEYS)
    read_file(settings.sites[name], {})  # fails here, not in the first round
    with flower(PROJECT / ".venv" / f"flower-{name}"):
        command = node(settings, KEYS, name)
        os.execvp(command[0], command)


def make_keys(settings: Federated, name: str) -> None:
    """Make the key of a site, or the certificate of the coordinator in place of the one before."""
    if name:
        print(f"{make_site(KEYS, name)} is new: commit it, the coordinator needs it; the private key stays here")
    else:
        host = settings.address.rpartition(":")[0]
        print(f"{make_certificate(KEYS, host)} is new: commit it, sites need it")


def main() -> None:
    """Run a command."""
    parser = argparse.ArgumentParser(prog="poe federate", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    trying = commands.add_parser("trial", help="sites are parts of the training rows, on this machine")
    trying.add_argument("--by", metavar="COLUMN", help="a site for each value; default: equal parts")
    commands.add_parser("run", help="coordinate the sites of config/federated.yaml")
    commands.add_parser("site", help="take part with the rows of this machine").add_argument("name")
    keys = commands.add_parser("keys", help="make the certificate of the coordinator, or the key of a site")
    keys.add_argument("name", nargs="?", default="", help="of the site")
    arguments = parser.parse_args()
    with exit_on_user_error("federate"):
        settings, name = Federated.load(), vars(arguments).get("name", "")
        if name and name not in settings.sites:
            raise UserError(f"{settings.path()}: sites has no {name}")
        match arguments.command:
            case "trial":
                trial(settings, arguments.by)
            case "run":
                run(settings)
            case "site":
                site(settings, name)
            case "keys":
                make_keys(settings, name)


if __name__ == "__main__":
    main()
