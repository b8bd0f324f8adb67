"""What a data scientist would write without stages: all the work of the pipeline in one process.

Run in the folder of a level 1 project, in its environment. It uses the project's own functions for the single steps, so
that the work is the same, and hands data over in memory.
"""

import shutil
from pathlib import Path

from customer_churn import card, data, files, report, tracking
from customer_churn.config import load, load_params
from customer_churn.drawing import draw_importance
from customer_churn.figures import draw
from customer_churn.gate import shortfalls
from customer_churn.metrics import SCORING, baseline, performance, predict
from customer_churn.model import build_model, business_kpi
from customer_churn.stages.evaluate import by_slice, importance
from customer_churn.stages.register import describe
from customer_churn.stages.validate import DATA_DOCS
from customer_churn.validation import check, load_suite

params = load_params()
settings = load(Path("tracking.yaml"), tracking.Tracking)

frame = data.ingest(params.data, params.seed)
files.write_table(frame, files.RAW)  # whose hash is part of the run
shutil.rmtree(DATA_DOCS, ignore_errors=True)
suite = load_suite(Path("expectations/raw.yaml"))
assert not check(frame, suite, DATA_DOCS)
files.write_json({"rows": len(frame), "expectations": len(suite.expectations)}, files.REPORTS / "validation.json")

train, test = data.split(frame, params.split)
files.write_table(train, files.TRAIN)
files.write_table(test, files.TEST)
model = build_model(params.model, params.seed).fit(*data.features_and_target(train))
files.write_model(model)

features, target = data.features_and_target(test)
prediction = predict(model, features)
metrics = {
    **performance(target, prediction),
    **business_kpi(target, prediction, test[data.VALUE], params.business),
    **baseline(train[data.TARGET], target),
}
files.write_json(metrics, files.METRICS)
files.write_json(by_slice(test, target, prediction), files.SLICES)
draw(target, prediction)
draw_importance(importance(model, features, target, params.seed), SCORING)

with tracking.experiment(settings):
    logged = tracking.log_run(params, model, metrics, train, test)
    missed = shortfalls(metrics, params.gate)
    facts = {
        **settings.model_dump(),
        "version": tracking.register(settings.model, logged.model_uri, missed),
        "run_id": logged.run_id,
        "shortfalls": missed,
        "parameters": params.model_dump(mode="json"),
        **describe(model, train, test),
    }
    files.write_json(facts, files.REPORTS / "run.json")
    card.write()
    report.write()
    for path in (card.MARKDOWN, card.PAGE, report.PAGE):
        tracking.log_file(logged.run_id, path)
