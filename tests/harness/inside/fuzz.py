"""Send whatever JSON can hold, and print how many requests were answered and how many refused; any other error ends it."""

import json
import sys
from collections import Counter
from importlib import import_module
from types import SimpleNamespace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

_, package = sys.argv[1:]
inputs, people, protocol = (import_module(f"{package}.serving.{name}") for name in ("inputs", "people", "protocol"))
columns = [inputs.Column("age", inputs.KINDS["double"], False), inputs.Column("colour", inputs.KINDS["string"], True)]
served = SimpleNamespace(
    name="m", version="1", inputs=inputs.Inputs(columns), predictor=SimpleNamespace(classes=["no", "yes"], path="onnx")
)
names = st.sampled_from(["age", "colour", "hue"])
leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | names
anything = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3))
row = st.fixed_dictionaries({"colour": st.text(max_size=3) | anything}, optional={"age": st.floats() | anything})
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
    },
)
seen: Counter[str] = Counter()


@settings(max_examples=3000, deadline=None, database=None)
@given(st.builds(json.dumps, request), st.sampled_from([people, protocol]))
def ask(body: str, form: object) -> None:
    """Read, predict and write, as the server does."""
    try:
        found, asked = form.read(body.encode(), served, 10)
        form.write(asked, served, np.full((len(found["colour"]), 2), 0.5, np.float32))
        seen["answered"] += 1
    except inputs.RequestError:
        seen["refused"] += 1


ask()
print(json.dumps(seen))
