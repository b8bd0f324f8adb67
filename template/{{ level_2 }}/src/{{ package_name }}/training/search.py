# Managed by copier-mlops: an update merges with your edits.
"""Searches for better parameters by Optuna, and makes the best trial's the parameters: `poe search`, `poe search --apply`.

A trial trains on the earlier training rows and is scored on the later ones, fold after fold, so that a bad one can be
pruned after the first. Trials are in a database: a search that was killed goes on where it was, and any number of
processes and machines can work on one study. A study belongs to its data, code and space: if one changes, a new one begins.
Source: T. Akiba et al., Optuna: A Next-generation Hyperparameter Optimization Framework, KDD 2019.
"""

import argparse
import hashlib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, Field, PositiveInt, model_validator

from ..core.errors import UserError, exit_on_user_error
from ..core.io import atomic_write, require
from ..core.lineage import dvc_hash
from ..core.paths import TRAIN
from ..core.settings import Settings
from ..pipeline.params import load_params
from ..registry.client import Tracking

if TYPE_CHECKING:
    import optuna

PARAMS = Path("params.yaml")
HEARTBEAT_SECONDS, GRACE_SECONDS, RETRIES = 2, 10, 2  # a trial without heartbeats for so long is repeated so often
RUN, PARENT = "mlflow_run", "mlflow_parent"  # attributes of trials and study


class Range(BaseModel, extra="forbid", frozen=True):
    """The values that a parameter may take."""

    low: int | float | None = None
    high: int | float | None = None
    step: int | float | None = None
    log: bool = False
    choices: Annotated[list[Any] | None, Field(min_length=1)] = None

    @model_validator(mode="after")
    def _check(self) -> "Range":
        bounds = self.low, self.high
        if (self.choices is None) == (None in bounds):
            raise ValueError("write either low and high, or choices")
        if self.choices is None and self.low > self.high:  # type: ignore[operator]
            raise ValueError(f"low {self.low} is above high {self.high}")
        return self

    def suggest(self, trial: "optuna.Trial", name: str) -> Any:
        """Return the value of a trial."""
        if self.choices is not None:
            return trial.suggest_categorical(name, self.choices)
        if isinstance(self.low, int) and isinstance(self.high, int):
            return trial.suggest_int(name, self.low, self.high, step=int(self.step or 1), log=self.log)
        return trial.suggest_float(name, self.low, self.high, step=self.step, log=self.log)  # type: ignore[arg-type]


class Search(Settings, env_prefix="SEARCH_"):
    """The schema of `config/search.yaml`."""

    trials: PositiveInt
    processes: PositiveInt
    folds: PositiveInt
    storage: str
    engine: str
    space: Annotated[dict[str, Range], Field(min_length=1)]

    @property
    def study(self) -> str:
        """The name of the study: trials on other data, by other code or of another space are not comparable."""
        params = load_params()
        fixed = (params.seed, {**vars(params.model), **dict.fromkeys(self.space)}, self.folds, self.space)
        digest = hashlib.sha256(f"{dvc_hash(require(TRAIN))} {fixed!r}".encode())
        for path in sorted(Path(__file__).parents[1].glob("modeling/*.py")):
            digest.update(path.read_bytes())
        return f"{Tracking.load().model}-{digest.hexdigest()[:12]}"

    def check(self) -> None:
        """Check that the space is one of parameters that there are.

        Raises:
            UserError: it is not.
        """
        known = [*vars(load_params().model)]
        if unknown := [name for name in self.space if name not in known]:
            raise UserError(
                f"{self.path()}: space: params.yaml has no model.{unknown[0]}; there are {', '.join(known)}"
            )


def open_study(search: Search) -> "optuna.Study":
    """Return the study, which is made if there is none yet.

    Raises:
        UserError: the database cannot be opened.
    """
    import optuna
    from sqlalchemy.exc import SQLAlchemyError

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)  # heartbeats, since version 2.8
    try:
        storage = optuna.storages.RDBStorage(
            search.storage,
            heartbeat_interval=HEARTBEAT_SECONDS,
            grace_period=GRACE_SECONDS,
            heartbeat_stale_trial_callback=optuna.storages.RetryHeartbeatStaleTrialCallback(max_retry=RETRIES),
        )
        return optuna.create_study(
            study_name=search.study,
            storage=storage,
            direction="maximize",
            pruner=optuna.pruners.MedianPruner(n_startup_trials=5),
            load_if_exists=True,
        )
    except (SQLAlchemyError, ImportError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(f"{search.path()}: storage: {search.storage} cannot be opened: {reason}") from error


def finished(study: "optuna.Study") -> list[Any]:
    """Return the trials that count: completed and pruned ones."""
    from optuna.trial import TrialState

    return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))


@dataclass(frozen=True)
class Fold:
    """Rows to train on, and later ones to score."""

    train: tuple[Any, Any]
    score: tuple[Any, Any]


def folds(count: int) -> Iterator[Fold]:
    """Yield the training rows, split by time."""
    from sklearn.model_selection import TimeSeriesSplit

    from ..core.inputs import Inputs
    from ..core.io import read_table
    from ..modeling.data import TIMESTAMP, features_and_target

    features, target = features_and_target(read_table(TRAIN).sort_values(TIMESTAMP, ignore_index=True))
    features = Inputs.of(features).from_table(features)
    for earlier, later in TimeSeriesSplit(count).split(features):
        yield Fold((features.iloc[earlier], target.iloc[earlier]), (features.iloc[later], target.iloc[later]))


def objective(trial: "optuna.Trial", search: Search) -> float:
    """Return the mean score of a trial's parameters over the folds; log it as a child of the search in MLflow.

    The run in MLflow ends in any case: pruned or interrupted as KILLED, with an error as FAILED.
    """
    import mlflow
    import optuna

    from ..pipeline.metrics import score
    from ..pipeline.stages.train import untrained
    from ..registry.client import connected

    params = load_params()
    chosen = {name: each.suggest(trial, name) for name, each in search.space.items()}
    with connected():
        client, parent = mlflow.MlflowClient(), trial.study.user_attrs[PARENT]
        experiment = client.get_run(parent).info.experiment_id
        tags = {"mlflow.parentRunId": parent}
        run = client.create_run(experiment, tags=tags, run_name=f"trial {trial.number}").info.run_id
        trial.set_user_attr(RUN, run)
        status, scores = "FAILED", []
        try:
            for name, value in chosen.items():
                client.log_param(run, f"model.{name}", value)
            for step, fold in enumerate(folds(search.folds)):
                model = untrained(params.model_copy(update={"model": params.model.model_copy(update=chosen)}))
                scores.append(score(model.fit(*fold.train), *fold.score))
                mean = sum(scores) / len(scores)
                client.log_metric(run, "score", mean, step=step)
                trial.report(mean, step)
                if trial.should_prune():
                    raise optuna.TrialPruned
            status = "FINISHED"
            return sum(scores) / len(scores)
        except (optuna.TrialPruned, KeyboardInterrupt, SystemExit):
            status = "KILLED"
            raise
        finally:
            client.set_terminated(run, status)


def work(number: int, search: Search) -> None:
    """Run one trial, or repeat one that a killed process left behind; `number` makes its random choices repeatable.

    Raises:
        UserError: the estimator rejects the parameters.
    """
    import optuna

    study = open_study(search)
    study.sampler = optuna.samplers.TPESampler(seed=load_params().seed + number, constant_liar=search.processes > 1)
    try:
        study.optimize(partial(objective, search=search), n_trials=1)
    except (ValueError, TypeError) as error:
        raise UserError(f"a trial failed: {error}: see `space` in {search.path()}") from error


def run_search(search: Search) -> "optuna.Study":
    """Run trials until the study has as many as it should; write the page, and log it to the run of the study."""
    import mlflow

    from ..registry.runs import experiment
    from ..reporting import search as page
    from .engines import WorkerLostError, workers

    search.check()
    study = open_study(search)
    with experiment(Tracking.load().model_copy(update={"purpose": "tuning"})), parent_run(study.study_name) as parent:
        study.set_user_attr(PARENT, parent)
        try:
            with workers(search.engine, search.processes) as run:
                losses = 0
                while (missing := search.trials - len(finished(study))) > 0:
                    first = len(study.get_trials(deepcopy=False))
                    try:
                        run(partial(work, search=search), range(first, first + missing))
                    except WorkerLostError as error:
                        losses += 1
                        if losses > RETRIES:
                            raise UserError(f"{error}, {losses} times: try fewer processes") from error
                        print(f"  {error}: its trial is repeated", flush=True)
        finally:
            close_killed(study)
        page.write(study)
        mlflow.log_artifact(str(page.PAGE), "reports")
        best = best_of(study)
        mlflow.log_metric("best_score", best.value)
        mlflow.set_tags({f"best.{name}": value for name, value in best.params.items()})
    return study


@contextmanager
def parent_run(study: str) -> Iterator[str]:
    """Yield the id of the study's run in MLflow, which a later search of the same study continues."""
    import mlflow

    found = mlflow.search_runs(filter_string=f"tags.study = '{study}'", max_results=1, output_format="list")
    known: dict[str, Any] = {"run_id": found[0].info.run_id} if found else {"run_name": study, "tags": {"study": study}}
    with mlflow.start_run(**known) as run:
        yield run.info.run_id


def close_killed(study: "optuna.Study") -> None:
    """End the trials, and their runs in MLflow, whose process was killed."""
    import mlflow
    import optuna

    optuna.storages.fail_stale_trials(study)
    client = mlflow.MlflowClient()
    for trial in study.get_trials(deepcopy=False):
        run = trial.user_attrs.get(RUN)
        if run and trial.state.is_finished() and client.get_run(run).info.status == "RUNNING":
            client.set_terminated(run, "KILLED")


def apply(study: "optuna.Study") -> list[str]:
    """Write the best trial's parameters to `params.yaml`, whose comments stay, and return a line for each that changed.

    Raises:
        UserError: no trial is complete.
    """
    from ruamel.yaml import YAML

    best = best_of(study)
    yaml = YAML()
    yaml.preserve_quotes, yaml.width = True, 4096
    content = yaml.load(PARAMS.read_text(encoding="utf-8"))
    model = content["model"]
    found = {name: value for name, value in best.params.items() if model[name] != value}
    changed = [f"  model.{name}: {model[name]} -> {value}" for name, value in found.items()]
    model.update(found)
    with atomic_write(PARAMS) as temporary:
        yaml.dump(content, temporary)
    return changed


def best_of(study: "optuna.Study") -> Any:
    """Return the best trial.

    Raises:
        UserError: no trial is complete.
    """
    try:
        return study.best_trial
    except ValueError as error:
        raise UserError("no trial of this study is complete: `uv run poe search` runs some") from error


def main() -> None:
    """Search, or apply what was found."""
    parser = argparse.ArgumentParser(prog="poe search", description="Search for better parameters.")
    parser.add_argument("--trials", type=int, help="how many the study has in the end")
    parser.add_argument("--processes", type=int, help="how many run at once")
    parser.add_argument("--engine", help="where: an engine of training/engines")
    parser.add_argument("--apply", action="store_true", help="write the best trial's parameters to params.yaml")
    arguments = parser.parse_args()
    given = {name: value for name, value in vars(arguments).items() if name != "apply" and value is not None}
    with exit_on_user_error("search"):
        search = Search.load()
        search = Search(**{**search.model_dump(), **given})
        if arguments.apply:
            changed = apply(open_study(search))
            print("\n".join([*changed, "params.yaml has the best trial's parameters: `uv run poe pipeline` trains"]))
            return
        study = run_search(search)
        best, counts = best_of(study), [trial.state.name.lower() for trial in study.get_trials(deepcopy=False)]
        print(", ".join(f"{counts.count(state)} {state}" for state in sorted({*counts})))
        print(f"best: trial {best.number}, score {best.value:.4f}: {best.params}")
        print("reports/search.html shows the study; `uv run poe search --apply` writes these parameters to params.yaml")


if __name__ == "__main__":
    main()
