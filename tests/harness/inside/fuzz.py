"""Parse and answer any JSON; print how many requests were answered and how many rejected. Any other error ends it."""

import json
import sys
from collections import Counter
from importlib import import_module
from types import SimpleNamespace

import numpy as np
import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

_, package = sys.argv[1:]
schema, rows, open_inference = (
    import_module(f"{package}.serving.{name}") for name in ("schema", "rows", "open_inference")
)
core = import_module(f"{package}.core.inputs")
inputs = core.Inputs((core.Column("age", "double", required=False), core.Column("colour", "string")))
predictor = SimpleNamespace(classes=["no", "yes"], path="onnx")
model = SimpleNamespace(name="m", version="1", inputs=schema.InputSchema(inputs), predictor=predictor)
names = st.sampled_from(["age", "colour", "hue"])
text = st.text(max_size=3) | st.just("\ud800")  # half of a surrogate pair
leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.just(float("nan")) | text | names
anything = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3))
row = st.fixed_dictionaries({"colour": text | anything}, optional={"age": st.floats() | anything})
tensor = st.fixed_dictionaries(
    {
        "name": names | anything,
        "shape": st.just([1]) | anything,
        "datatype": st.sampled_from(["FP64", "BYTES"]) | anything,
        "data": st.lists(anything, max_size=2) | anything,
    }
)
request = st.fixed_dictionaries(
    {},
    optional={
        "rows": st.lists(row, max_size=3) | anything,
        "inputs": st.lists(tensor, max_size=3) | anything,
        "outputs": st.lists(st.fixed_dictionaries({"name": st.just("label") | anything})) | anything,
        "id": anything,
        "parameters": st.fixed_dictionaries({}, optional={"entity_id": anything}) | anything,
    },
)
seen: Counter[str] = Counter()


@settings(max_examples=3000, deadline=None, database=None)
@given(st.builds(json.dumps, request), st.sampled_from([rows.ROWS, open_inference.TENSORS]))
def answer(body: str, form: object) -> None:
    """Decode, predict and encode, as the server does."""
    try:
        content = form.decode(body.encode(), {})
        form.entity(content)
        columns = form.columns(content, model, 10)
        found = form.encode(content, model, np.full((len(columns["colour"]), 2), 0.5, np.float32), None)
        seen["answered"] += 1
    except schema.RequestError as error:
        found = {"error": str(error)}
        seen["refused"] += 1
    orjson.dumps(found, option=orjson.OPT_SERIALIZE_NUMPY)


answer()
print(json.dumps(seen))
