"""Draw tables, and compare what the server predicts with the model trained on them: MODEL PACKAGE EXAMPLES.

A table has columns of any type, in which values are missing in any way, under odd names. Each is trained on and registered
as the stages do it, up to the registry itself. Either the server predicts as the model does, by rows and by tensors and for
other ways to miss the same values, or a `UserError` names a column. Any other error ends the script.
"""

import json
import sys
import tempfile
import warnings
from collections import Counter
from datetime import date, datetime, timedelta
from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnxruntime.capi import onnxruntime_pybind11_state
from sklearn.pipeline import Pipeline
from sklearn.tree import DecisionTreeClassifier

_, package, examples = sys.argv[1:]
core = {name: import_module(f"{package}.core.{name}") for name in ("column_types", "errors", "inputs")}
features = import_module(f"{package}.modeling.features")
export, served = (import_module(f"{package}.pipeline.{name}") for name in ("onnx_export", "served"))
schema, predictors, loader = (import_module(f"{package}.serving.{name}") for name in ("schema", "predictors", "loader"))
UserError, Inputs = core["errors"].UserError, core["inputs"].Inputs
warnings.simplefilter("ignore")

ROWS = 12
RUNTIME_ERRORS = onnxruntime_pybind11_state.Fail, onnxruntime_pybind11_state.InvalidArgument
NAMES = st.sampled_from(
    ["a", "Größe", "", " ", "x/y", 'q"uote', "line\nbreak", "0", "[b]", "<c>", "id", "data", "features"]
)
VALUES = {
    "int": st.integers(-(2**40), 2**40),
    "small int": st.integers(0, 3),
    "float": st.floats(-1e6, 1e6, width=32),
    "decimal": st.decimals(-1000, 1000, places=2),
    "bool": st.booleans(),
    "text": st.sampled_from(["", "a", "b", "nan", "None", "NaN", "ä", "1", "a text", " "]),
    "date": st.dates(date(1900, 1, 1), date(2200, 1, 1)),
    "time": st.datetimes(datetime(1700, 1, 1), datetime(2250, 1, 1)),
    "duration": st.timedeltas(timedelta(0), timedelta(9)),
    "bytes": st.binary(max_size=2),
    "mixed": st.integers(0, 2) | st.text(max_size=1),
    "nothing": st.none(),
}
MISSING = st.sampled_from([None, float("nan"), pd.NA, pd.NaT])
FORMS = ["object", "inferred", "convert_dtypes", "pyarrow", "category", "ordered", "zone", "float32"]


@st.composite
def columns(draw: st.DrawFn) -> pd.Series:
    kind, form = draw(st.sampled_from([*[*VALUES][:8] * 2, *VALUES])), draw(st.sampled_from(FORMS))
    values = draw(st.lists(VALUES[kind], min_size=ROWS, max_size=ROWS))
    gaps = draw(st.sampled_from([0, 1, 4]))
    missing = draw(MISSING)
    for place in draw(st.lists(st.integers(0, ROWS - 1), min_size=gaps, max_size=gaps)):
        values[place] = missing
    column = pd.Series(values, dtype=object)
    if form == "object":
        return column
    column = column.infer_objects()
    try:
        if form in ("convert_dtypes", "pyarrow"):
            return column.convert_dtypes(dtype_backend="pyarrow" if form == "pyarrow" else "numpy_nullable")
        if form in ("category", "ordered"):
            dtype = column.astype("category").dtype
            return column.astype(pd.CategoricalDtype(dtype.categories, form == "ordered"))
        if form == "zone":
            return pd.to_datetime(column).dt.tz_localize("Europe/Berlin", ambiguous="NaT", nonexistent="NaT")
        if form == "float32":
            return column.astype("float32")
    except (TypeError, ValueError, NotImplementedError, OverflowError):
        pass
    return column


@st.composite
def tables(draw: st.DrawFn) -> pd.DataFrame:
    drawn = draw(st.lists(columns(), min_size=1, max_size=4))
    table = pd.concat(drawn, axis="columns")
    again = draw(st.integers(0, 9)) == 0  # that two columns have one name is rare
    table.columns = draw(st.lists(NAMES, min_size=len(drawn), max_size=len(drawn), unique=not again))
    return table


def predict_rows(loaded: object, rows: list) -> np.ndarray:
    columns = loaded.inputs.of_rows(json.dumps({"rows": rows}).encode(), 1000)
    return loaded.predictor.predict(columns)


def predict_tensors(loaded: object, rows: list) -> np.ndarray:
    tensors = [
        {
            "name": column.name,
            "shape": [len(rows)],
            "datatype": schema.VALUE_TYPES[column.type].datatype,
            "data": [row[column.name] for row in rows],
        }
        for column in loaded.inputs.inputs.columns
    ]
    return loaded.predictor.predict(loaded.inputs.of_tensors(tensors, 1000))


seen: Counter[str] = Counter()


@settings(
    max_examples=int(examples), deadline=None, database=None, derandomize=True, suppress_health_check=[*HealthCheck]
)
@given(tables(), MISSING)
def compare(table: pd.DataFrame, missing: object) -> None:
    seen["tables"] += 1
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "table.parquet")
            core["column_types"].unify_types(table).to_parquet(path, index=False)
            read = core["column_types"].unify_types(pd.read_parquet(path))
        inputs = Inputs.of(read)
        trained_on = inputs.from_table(read)
    except UserError as error:
        if not str(error).startswith(tuple(f"{name}: " for name in table.columns)):
            raise
        seen["refused"] += 1
        return
    if not any(kind(trained_on) for kind in (features.texts, features.booleans, features.numbers)):
        seen["without a feature"] += 1  # nothing but times, or no value at all
        return
    target = np.arange(ROWS) % 3
    tree = DecisionTreeClassifier(random_state=0)
    model = Pipeline([("features", features.build_features()), ("estimator", tree)]).fit(trained_on, target)
    assert model["features"].transform(trained_on).dtype != object
    expected = model.predict_proba(trained_on)
    native = loader.LoadedModel(
        "m", "1", "1", schema.InputSchema(inputs), predictors.NativePredictor(model, inputs), []
    )
    assert (problem := served.difference(model, inputs, native, read)) is None, problem
    others = [predictors.NativePredictor(model, inputs)]
    try:
        others.append(predictors.OnnxPredictor(export.convert(model, inputs), inputs))
        onnx = loader.LoadedModel("m", "1", "1", native.inputs, others[-1], [])
        if served.difference(model, inputs, onnx, read) is not None:
            raise export.ConversionError("differs")
        seen["onnx"] += 1
    except (export.ConversionError, *RUNTIME_ERRORS):  # `register` reports it as the reason for no fast path
        others = others[:1]
    rows = inputs.to_rows(read)
    nan = [{name: float("nan") if value is None else value for name, value in row.items()} for row in rows]
    sparse = [{name: value for name, value in row.items() if value is not None} for row in rows]
    for predictor in others:
        loaded = loader.LoadedModel("m", "1", "1", native.inputs, predictor, [])
        for found in (
            predict_rows(loaded, rows),
            predict_rows(loaded, nan),
            predict_rows(loaded, sparse),
            predict_tensors(loaded, rows),
            predict_tensors(loaded, nan),
        ):
            np.testing.assert_allclose(found, expected, atol=1e-5)
    again = read.astype(object).where(read.notna(), missing)
    pd.testing.assert_frame_equal(inputs.from_table(again), trained_on)
    seen["equal"] += 1


compare()
print(json.dumps(seen))
