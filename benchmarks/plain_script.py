"""The pipeline as one plain script: all its work in one process, and data handed over in memory.

Run in the folder of a level 1 project, in its environment. It uses the project's own functions for the single steps, so
that the work is the same.
"""

from customer_churn.core import io, paths
from customer_churn.core.inputs import Inputs
from customer_churn.modeling import data
from customer_churn.modeling.model import build_model, business_kpi
from customer_churn.pipeline.checks import Candidate, shortfalls
from customer_churn.pipeline.data_checks import checked
from customer_churn.pipeline.describe import describe_run, learning_curves
from customer_churn.pipeline.expectations import check, load_suite
from customer_churn.pipeline.figures import plot_importance
from customer_churn.pipeline.metrics import baseline, performance, predict
from customer_churn.pipeline.params import load_params
from customer_churn.pipeline.plots import plot
from customer_churn.pipeline.stages import register
from customer_churn.pipeline.stages.evaluate import by_slice, importance
from customer_churn.pipeline.stages.validate import EXPECTATIONS, PAGE
from customer_churn.registry import runs, trackers
from customer_churn.registry.client import Tracking
from customer_churn.reporting.html import write_page

params, tracking = load_params(), Tracking.load()

frame = checked(data.ingest(params.data, params.seed))
io.write_table(frame, paths.RAW)  # its hash is part of the run
suite = load_suite(EXPECTATIONS, frame)
outcomes = check(frame, suite)
assert all(outcome.met for outcome in outcomes)
write_page(PAGE, table=paths.RAW, suite=EXPECTATIONS, rows=len(frame), outcomes=outcomes)
io.write_json({"rows": len(frame), "expectations": len(suite.expectations)}, paths.REPORTS / "validation.json")

train, test = data.split(frame, params.split)
io.write_table(train, paths.TRAIN)
io.write_table(test, paths.TEST)
(train_features, train_target), (test_features, target) = map(data.features_and_target, (train, test))
inputs = Inputs.of(train_features, test_features)
model = build_model(params.model, params.seed).fit(inputs.from_table(train_features), train_target)
io.write_model(model)
inputs.write()

features = inputs.from_table(test_features)
prediction = predict(model, features)
metrics = {
    **performance(target, prediction),
    **business_kpi(target, prediction, test[data.VALUE], params.business),
    **baseline(train[data.TARGET], target),
}
io.write_json(metrics, paths.METRICS)
io.write_json(by_slice(test, target, prediction), paths.SLICES)
plot(target, prediction)
plot_importance(importance(model, features, target, params.seed))

with runs.experiment(tracking):
    missed = shortfalls(Candidate(tracking.model, model, params, metrics, test, champion=None))
    record = describe_run(tracking, params, model, train, test, missed)
    run = trackers.Run(
        record=record,
        metrics=metrics,
        curves=learning_curves(model),
        model=model,
        inputs=inputs,
        features=train_features,
        train=train,
        test=test,
        predictions=register.predictions(model, inputs, test),
    )
    logged = runs.log_run(run)
    register.register(run, record.model_copy(update={"run_id": logged.run_id}), logged)
