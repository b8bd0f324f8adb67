# Managed by copier-mlops: an update merges with your edits.
"""Trains a model at several sites whose rows stay there, and registers it as `poe pipeline` does: `poe federate`."""

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
import skops.io
from sklearn.base import is_classifier

from ..core import paths
from ..core.environment import environment
from ..core.errors import UserError, exit_on_user_error
from ..core.inputs import Inputs
from ..core.io import atomic_write, read_file, read_json, read_table, require, write_json, write_table, write_text
from ..core.lineage import dvc_hash
from ..core.run_record import RunRecord
from ..modeling.data import features_and_target
from ..pipeline.fitting.aggregated import MODEL
from ..pipeline.params import load_params
from ..pipeline.reproduce import reproduce
from ..pipeline.stages.train import untrained
from ..reporting import html
from .keys import certificate_in, make_certificate, make_site
from .plan import Federated, Plan
from .processes import PROJECT, coordinate, flower, free_port, node

KEYS = PROJECT / "keys"
RECORD, PAGE = paths.REPORTS / "federated.json", paths.REPORTS / "federated.html"


def trial(column: str | None) -> None:
    """Let parts of this project's training rows be the sites, on this machine and with keys for this once."""
    settings = Federated.load()
    with TemporaryDirectory(prefix="federate-") as temporary:
        folder, found = Path(temporary), parts(column, len(settings.sites))
        local = {name: folder / f"{name}.parquet" for name, _ in found}
        for name, rows in found:
            write_table(rows, local[name])
            make_site(folder, name)
        here = {"address": f"127.0.0.1:{free_port()}", "sites": local}
        settings = settings.model_copy(update=here)
        if len(found) < (least := max(settings.min_sites, 3 * settings.secure_aggregation)):
            raise UserError(f"--by: {column} has {len(found)} values, at least {least} sites are needed")
        make_certificate(folder, "127.0.0.1")
        register(settings, folder, folder, local)


def parts(column: str | None, count: int) -> list[tuple[str, pd.DataFrame]]:
    """Return names and rows of the sites of a trial."""
    table = read_table(paths.TRAIN)
    if column is None:
        return [(f"site-{number + 1}", table.iloc[number::count]) for number in range(count)]
    if column not in table:
        raise UserError(f"--by: there is no column {column} in {paths.TRAIN}")
    groups = table.groupby(column, observed=True)
    print(*(f"  site-{n}: {column} {group}, {len(rows):,} rows" for n, (group, rows) in enumerate(groups, 1)), sep="\n")
    return [(f"site-{number}", rows) for number, (_, rows) in enumerate(groups, 1)]


def register(settings: Federated, keys: Path, folder: Path, local: dict[str, Path]) -> None:
    """Run all rounds, then the stages `train` and `register` with the model that sites have learned."""
    params, table = load_params(), read_table(paths.TRAIN)
    inputs = Inputs.of(features_and_target(table)[0], features_and_target(read_table(paths.TEST))[0])
    model = untrained(params)
    estimator = model.steps[-1][1] if hasattr(model, "steps") else model
    plan = Plan.of(settings, inputs, is_classifier(model), trees(settings, estimator))
    with flower(folder) as found:
        print(f"  waits for {len(settings.sites)} sites at {settings.address}", flush=True)
        result = coordinate(found, settings, plan, keys, local)
    fitted = plan.assemble(result.pop("arrays"), estimator)
    with atomic_write(MODEL) as temporary:
        skops.io.dump(fitted, temporary)
    write_json({**plan.rules.model_dump(), **result}, RECORD)
    with environment(FEDERATED_MODEL=str(MODEL)):
        if not reproduce(["train"], force=True, alone=True):
            raise SystemExit(1)
        done = reproduce(["register"], force=True, alone=True)
    run = RunRecord.read()
    values = {
        "record": read_json(RECORD),
        "metrics": read_json(paths.METRICS),
        "run": run if run.model_md5 == dvc_hash(paths.MODEL) else None,  # the one before, if this was not registered
    }
    write_text(html.environment().get_template("federated.html.j2").render(values), PAGE)
    print(f"  rounds and sites: {PAGE}")
    if not done:
        raise SystemExit(1)


def trees(settings: Federated, estimator: Any) -> dict[str, Any]:
    """Return the parameters of XGBoost, for which nothing is estimated from the rows of a site."""
    if settings.model == "linear":
        return {}
    if not hasattr(estimator, "get_xgb_params"):
        raise UserError(f"{settings.path()}: model: xgboost needs an estimator of XGBoost in modeling/model.py")
    known = {name: value for name, value in estimator.get_xgb_params().items() if isinstance(value, str | int | float)}
    return {**known, "base_score": 0.5, "nthread": 1}


def site(name: str) -> None:
    """Take part as a site until this process is ended; Flower logs on stdout."""
    settings = Federated.load()
    if name not in settings.sites:
        raise UserError(f"{settings.path()}: sites has no {name}")
    require(KEYS / f"{name}.key", f"federate keys {name}")
    certificate_in(KEYS)
    read_file(settings.sites[name], {})  # fails here, not in the first round
    with flower(PROJECT / ".venv" / f"flower-{name}") as found:
        found.replace("flower-supernode", *node(settings, KEYS, name, settings.sites[name]))


def make_keys(name: str | None) -> str:
    """Make the key of a site, or the certificate of the coordinator in place of the one before, and return what to do with it."""
    settings = Federated.load()
    if name is None:
        path = make_certificate(KEYS, settings.address.rpartition(":")[0])
        return f"{path} is new: commit it, sites need it"
    if name not in settings.sites:
        raise UserError(f"{settings.path()}: sites has no {name}")
    return f"{make_site(KEYS, name)} is new: commit it, the coordinator needs it; the private key stays here"


def main() -> None:
    """Run a command."""
    parser = argparse.ArgumentParser(prog="poe federate", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    trying = commands.add_parser("trial", help="sites are parts of the training rows, on this machine")
    trying.add_argument("--by", metavar="COLUMN", help="a site for each value; default: equal parts")
    commands.add_parser("run", help="coordinate the sites of config/federated.yaml")
    commands.add_parser("site", help="take part with the rows of this machine").add_argument("name")
    keys = commands.add_parser("keys", help="make the certificate of the coordinator, or the key of a site")
    keys.add_argument("name", nargs="?", help="of the site")
    arguments = parser.parse_args()
    with exit_on_user_error("federate"):
        if arguments.command == "trial":
            trial(arguments.by)
        elif arguments.command == "keys":
            print(make_keys(arguments.name))
        elif arguments.command == "run":
            settings, _ = Federated.load(), certificate_in(KEYS)
            for name in settings.sites:
                require(KEYS / f"{name}.pub", f"federate keys {name}")
            with TemporaryDirectory(prefix="federate-") as folder:
                register(settings, KEYS, Path(folder), {})
        else:
            site(arguments.name)


if __name__ == "__main__":
    main()
