# Managed by copier-mlops: an update merges with your edits.
"""Searches for better parameters by Optuna, and makes the best trial's the parameters: `poe search`, `poe search --apply`.

A trial trains on the earlier training rows and is scored on the later ones, fold after fold, so that a bad one can be
pruned after the first. Trials are in a database: a search that was killed goes on where it was, and any number of
processes and machines can work on one study. A study belongs to its data, code and space: if one changes, a new one begins.
Source: T. Akiba et al., Optuna: A Next-generation Hyperparameter Optimization Framework, KDD 2019.
"""

import argparse
import hashlib
import os
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Annotated, Any

import mlflow
import optuna
from optuna.trial import FrozenTrial, TrialState
from pydantic import Field, PositiveInt
from ruamel.yaml import YAML
from sklearn.model_selection import TimeSeriesSplit
from sqlalchemy.exc import SQLAlchemyError

from .. import modeling
from ..core.errors import UserError, exit_on_user_error
from ..core.inputs import Inputs
from ..core.io import atomic_write, read_table, require
from ..core.lineage import dvc_hash
from ..core.paths import PARAMS, TRAIN
from ..core.settings import Settings
from ..modeling.data import TIMESTAMP, features_and_target
from ..pipeline.metrics import SCORING, score
from ..pipeline.params import load_params
from ..pipeline.stages import train
from ..registry.client import Tracking, connected
from ..registry.runs import experiment
from ..reporting import search as page
from . import engines

HEARTBEAT_SECONDS, GRACE_SECONDS, RETRIES = 2, 10, 2  # a trial without heartbeats for so long is repeated so often
COUNTED = (TrialState.COMPLETE, TrialState.PRUNED)
STATUS = {TrialState.COMPLETE: "FINISHED", TrialState.PRUNED: "KILLED", TrialState.FAIL: "FAILED"}  # in MLflow
RUN, PARENT = "mlflow_run", "mlflow_parent"  # attributes of trials and study


class Search(Settings, env_prefix="SEARCH_"):
    """The schema of `config/search.yaml`."""

    trials: PositiveInt
    processes: PositiveInt
    folds: Annotated[int, Field(ge=2)]
    storage: str
    engine: str
    space: Annotated[dict[str, dict[str, Any]], Field(min_length=1)]

    @property
    def study(self) -> str:
        """The name of the study: trials on other data, by other code or of another space are not comparable."""
        params = load_params()
        fixed = (params.seed, {**vars(params.model), **dict.fromkeys(self.space)}, self.folds, self.space)
        digest = hashlib.sha256(f"{dvc_hash(require(TRAIN))} {fixed!r}".encode())
        for path in sorted(Path(modeling.__path__[0]).glob("*.py")):
            digest.update(path.read_bytes())
        return f"{Tracking.load().model}-{digest.hexdigest()[:12]}"


def open_study(search: Search) -> optuna.Study:
    """Return the study, which is made if there is none yet.

    Raises:
        UserError: the space is wrong, or the database cannot be opened.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)  # heartbeats, since version 2.8
    check_space(search)
    try:
        storage = optuna.storages.RDBStorage(
            search.storage,
            heartbeat_interval=HEARTBEAT_SECONDS,
            grace_period=GRACE_SECONDS,
            heartbeat_stale_trial_callback=optuna.storages.RetryHeartbeatStaleTrialCallback(max_retry=RETRIES),
        )
        pruner = optuna.pruners.MedianPruner(n_startup_trials=5)
        return optuna.create_study(
            study_name=search.study, storage=storage, direction="maximize", pruner=pruner, load_if_exists=True
        )
    except (SQLAlchemyError, ImportError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(f"{search.path()}: storage: {search.storage} cannot be opened: {reason}") from error


def check_space(search: Search) -> None:
    """Draw a trial that is not kept.

    Raises:
        UserError: a parameter is unknown, or Optuna rejects its range.
    """
    known, trial = [*vars(load_params().model)], optuna.create_study().ask()
    for name, options in search.space.items():
        if name not in known:
            raise UserError(f"{search.path()}: space: params.yaml has no model.{name}; there are {', '.join(known)}")
        try:
            suggest(trial, name, options)
        except (ValueError, TypeError) as error:
            raise UserError(f"{search.path()}: space.{name}: {error}") from error


def suggest(trial: optuna.Trial, name: str, options: dict[str, Any]) -> Any:
    """Return the value of a trial: one of `choices`, a whole number if low and high are, else any number."""
    if "choices" in options:
        return trial.suggest_categorical(name, **options)
    whole = all(isinstance(options.get(bound), int) for bound in ("low", "high"))
    return trial.suggest_int(name, **options) if whole else trial.suggest_float(name, **options)


def counted(study: optuna.Study) -> list[FrozenTrial]:
    """Return the completed and pruned trials."""
    return study.get_trials(deepcopy=False, states=COUNTED)


def folds(count: int) -> Iterator[tuple[Any, Any, Any, Any]]:
    """Yield features and target of training rows, and those of the rows that are next in time."""
    features, target = features_and_target(read_table(TRAIN).sort_values(TIMESTAMP, ignore_index=True))
    features = Inputs.of(features).from_table(features)
    for earlier, later in TimeSeriesSplit(count).split(features):
        yield features.iloc[earlier], target.iloc[earlier], features.iloc[later], target.iloc[later]


def objective(trial: optuna.Trial, search: Search) -> float:
    """Return the mean score of a trial's parameters over the folds; log it as a child of the search in MLflow."""
    client, parent = mlflow.MlflowClient(), trial.study.user_attrs[PARENT]
    chosen = {name: suggest(trial, name, options) for name, options in search.space.items()}
    tags, place = {"mlflow.parentRunId": parent}, client.get_run(parent).info.experiment_id
    run = client.create_run(place, tags=tags, run_name=f"trial {trial.number}").info.run_id
    trial.set_user_attr(RUN, run)
    for name, value in chosen.items():
        client.log_param(run, f"model.{name}", value)
    params = load_params()
    params = params.model_copy(update={"model": params.model.model_copy(update=chosen)})
    scores: list[float] = []
    for step, (features, target, later_features, later_target) in enumerate(folds(search.folds)):
        scores.append(score(train.untrained(params).fit(features, target), later_features, later_target))
        client.log_metric(run, "score", fmean(scores), step=step)
        trial.report(fmean(scores), step)
        if trial.should_prune():
            raise optuna.TrialPruned
    return fmean(scores)


def end_run(_: optuna.Study, trial: FrozenTrial) -> None:
    """End the run of a trial in MLflow as the trial has ended."""
    client, run = mlflow.MlflowClient(), trial.user_attrs.get(RUN)
    if run and trial.state in STATUS and client.get_run(run).info.status == "RUNNING":
        client.set_terminated(run, STATUS[trial.state])


def work(number: int, search: Search) -> None:
    """Run one trial, or repeat one that a killed process left behind; `number` makes its random choices repeatable.

    Raises:
        UserError: the estimator rejects the parameters.
    """
    study = open_study(search)
    if len(counted(study)) >= search.trials:  # those of other machines count, too
        return
    study.sampler = optuna.samplers.TPESampler(seed=load_params().seed + number)
    if sys.stderr.isatty():
        optuna.logging.set_verbosity(optuna.logging.INFO)  # a line for each trial
    try:
        with connected():
            study.optimize(partial(objective, search=search), n_trials=1, callbacks=[end_run])
    except (ValueError, TypeError) as error:
        raise UserError(f"a trial failed: {error}: see `space` in {search.path()}") from error


def run_search(search: Search) -> optuna.Study:
    """Run trials until the study has as many as it should; write the page, and log it to the run of the study.

    Raises:
        UserError: a setting is wrong, a trial failed, or processes are lost again and again.
    """
    study = open_study(search)
    with experiment(Tracking.load().model_copy(update={"purpose": "tuning"})), parent_run(study):
        try:
            enqueue_present(search, study)
            with engines.workers(search.engine, search.processes) as run:
                run_trials(search, study, run)
            await_heartbeats(study)
        finally:
            fail_lost(study)
        page.write(study, SCORING)
        mlflow.log_artifact(str(page.PAGE), "reports")
        best = best_of(study)
        mlflow.log_metric("best_score", study.best_value)
        mlflow.set_tags({f"best.{name}": value for name, value in best.params.items()})
    return study


@contextmanager
def parent_run(study: optuna.Study) -> Iterator[None]:
    """Start the study's run in MLflow, or continue that of an earlier search."""
    query = f"tags.study = '{study.study_name}'"
    found = mlflow.search_runs(filter_string=query, max_results=1, output_format="list")
    run_id = found[0].info.run_id if found else None
    with mlflow.start_run(run_id, run_name=study.study_name, tags={"study": study.study_name}) as run:
        study.set_user_attr(PARENT, run.info.run_id)
        yield


def enqueue_present(search: Search, study: optuna.Study) -> None:
    """Let a trial be that of the present parameters, if there is none yet: the best one is not worse then."""
    present = {name: getattr(load_params().model, name) for name in search.space}
    allowed = {name: value for name, value in present.items() if value in search.space[name].get("choices", [value])}
    study.enqueue_trial({name: value for name, value in allowed.items() if value is not None}, skip_if_exists=True)


def run_trials(search: Search, study: optuna.Study, run: engines.Run) -> None:
    """Run the trials that are missing, and those again whose process was lost."""
    losses = 0
    while (missing := search.trials - len(counted(study))) > 0:
        first = len(study.trials)
        try:
            run(partial(work, search=search), range(first, first + missing))
        except engines.WorkerLostError as error:
            losses += 1
            if losses > RETRIES:
                raise UserError(f"{error}, {losses} times: try fewer processes") from error
            print(f"  {error}: its trial is repeated", flush=True)
            await_heartbeats(study)


def await_heartbeats(study: optuna.Study) -> None:
    """If trials are running, wait until those whose process was killed count as lost; others go on, on other machines."""
    if study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        time.sleep(GRACE_SECONDS + HEARTBEAT_SECONDS)


def fail_lost(study: optuna.Study) -> None:
    """Let the trials fail whose process was killed, and end their runs in MLflow."""
    optuna.storages.fail_stale_trials(study)
    lost_before = datetime.now() - timedelta(seconds=GRACE_SECONDS)
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        # Optuna ignores a trial that was killed before its first heartbeat.
        if RUN not in trial.user_attrs and trial.datetime_start and trial.datetime_start < lost_before:
            study.tell(trial.number, state=TrialState.FAIL)
    for trial in study.get_trials(deepcopy=False):
        end_run(study, trial)


def best_of(study: optuna.Study) -> FrozenTrial:
    """Return the best trial.

    Raises:
        UserError: no trial is complete.
    """
    try:
        return study.best_trial
    except ValueError as error:
        raise UserError("no trial of this study is complete: `uv run poe search` runs some") from error


def apply(study: optuna.Study) -> list[str]:
    """Write the best trial's parameters to `params.yaml`, whose comments stay, and return a line for each that changed."""
    yaml = YAML()
    yaml.preserve_quotes, yaml.width = True, 4096
    content = yaml.load(PARAMS.read_text(encoding="utf-8"))
    model = content["model"]
    found = {name: value for name, value in best_of(study).params.items() if model.get(name) != value}
    changed = [f"  model.{name}: {model.get(name)} -> {value}" for name, value in found.items()]
    model.update(found)
    with atomic_write(PARAMS) as temporary:
        yaml.dump(content, temporary)
    return changed


def main() -> None:
    """Search, or apply what was found."""
    parser = argparse.ArgumentParser(prog="poe search", description="Search for better parameters.")
    parser.add_argument("--trials", help="how many the study has in the end")
    parser.add_argument("--processes", help="how many run at once")
    parser.add_argument("--engine", help="where: an engine of training/engines")
    parser.add_argument("--apply", action="store_true", help="write the best trial's parameters to params.yaml")
    arguments = parser.parse_args()
    for name in ("trials", "processes", "engine"):
        if (value := getattr(arguments, name)) is not None:
            os.environ[f"SEARCH_{name.upper()}"] = value
    with exit_on_user_error("search"):
        search = Search.load()
        if arguments.apply:
            changed = apply(open_study(search))
            print("\n".join([*changed, "params.yaml has the best trial's parameters: `uv run poe pipeline` trains"]))
            return
        study = run_search(search)
        states = [trial.state.name.lower() for trial in study.trials]
        print(", ".join(f"{states.count(state)} {state}" for state in sorted({*states})))
        print(f"best: trial {study.best_trial.number}, score {study.best_value:.4f}: {study.best_params}")
        print("reports/search.html shows the study; `uv run poe search --apply` writes these parameters to params.yaml")


if __name__ == "__main__":
    main()
