"""Predict rows by tritonclient: URL MODEL, rows as JSON on the standard input; print the predictions of each way as JSON."""

import json
import sys

import numpy as np
import tritonclient.http as triton

url, model = sys.argv[1:]
rows = json.load(sys.stdin)
client = triton.InferenceServerClient(url.removeprefix("http://"))
assert client.is_server_live()
assert client.is_server_ready()
assert client.is_model_ready(model)
described = client.get_model_metadata(model)


def tensor(name: str, datatype: str, binary: bool) -> triton.InferInput:
    values = [row[name] for row in rows]
    if datatype == "BYTES":
        array = np.array([str(value) for value in values], dtype=object)
    else:
        array = np.array(values, dtype="?" if datatype == "BOOL" else "f8")
    found = triton.InferInput(name, [len(rows)], datatype)
    found.set_data_from_numpy(array, binary_data=binary)
    return found


answers = {}
for way, binary, compression in (("binary", True, None), ("json", False, None), ("gzip", True, "gzip")):
    inputs = [tensor(each["name"], each["datatype"], binary) for each in described["inputs"]]
    result = client.infer(model, inputs, request_compression_algorithm=compression)
    answers[way] = result.as_numpy(described["outputs"][-1]["name"]).tolist()
print(json.dumps(answers))
