# Managed by copier-mlops: an update merges with your edits.
"""Track the run, register the model, and write its card and the report."""

from typing import Any

import pandas as pd
from mlflow.models.model import ModelInfo

from .. import card, comparison, conversion, files, lineage, registry, report, rounds, trackers, tracking
from ..config import load, load_params
from ..data import features_and_target
from ..errors import UserError
from ..gate import shortfalls


def main() -> None:
    """Write `reports/run.json`, the model card and the report of a run that MLflow then has.

    Raises:
        UserError: the model is not good enough for production: it is registered, but not as challenger.
    """
    params, settings = load_params(), load(tracking.CONFIGURATION, tracking.Tracking)
    model, metrics = files.read_model(), files.read_json(files.METRICS)
    train, test = files.read_table(files.TRAIN), files.read_table(files.TEST)
    missed = shortfalls(metrics, params.gate)
    author, sources = lineage.author(), lineage.lineage(files.RAW, files.MODEL)
    with tracking.experiment(settings):
        missed += comparison.behind_champion(settings.model, metrics, test)
        run = trackers.Run(
            model_name=settings.model,
            purpose=settings.purpose,
            params=params,
            sources=sources,
            metrics=metrics,
            rounds=rounds.losses(model, train, test, params.seed),
            model=model,
            train=train,
            test=test,
        )
        logged = tracking.log_run(run)
        trackers.log(run, logged.run_id)
        production = settings.purpose == "production"
        version = None
        if production:
            fast_path = add_fast_path(logged, model, test)
            tags = {"author": author, "card_gaps": ", ".join(card.gaps()), "fast_path": fast_path, **sources}
            version = tracking.register(settings.model, logged, metrics, missed, tags)
            registry.record_registration(settings.model, str(version), author, missed)
        facts = {
            **settings.model_dump(exclude_none=True),
            "version": version,
            "run_id": logged.run_id,
            "shortfalls": missed,
            "parameters": params.model_dump(mode="json"),
            **card.describe(model, train, test),
            **sources,
        }
        files.write_json(facts, files.REPORTS / "run.json")
        card.write()
        report.write()
        for path in (card.MARKDOWN, card.PAGE, report.PAGE):
            tracking.log_file(logged.run_id, path)
    if missed and version:
        raise UserError(f"version {version} is registered but not good enough: {'; '.join(missed)}")
    print(f"  {report.PAGE} shows the run" + (f"; {settings.model} {version} is the challenger" if version else ""))


def add_fast_path(logged: ModelInfo, model: Any, test: pd.DataFrame) -> str:
    """Give the logged model its fast path, and return "onnx", or why the server has to do without one."""
    try:
        tracking.add_fast_path(logged, conversion.convert(model, features_and_target(test)[0]))
    except conversion.ConversionError as why:
        print(f"  served without a fast path: {why}")
        return f"none: {why}"
    return "onnx"
