"""Predict rows by MLServer's codecs: URL MODEL, rows as JSON on the standard input; print the predictions as JSON."""

import json
import sys
from urllib.request import Request, urlopen

import pandas as pd
from mlserver.codecs import NumpyCodec, PandasCodec, StringCodec
from mlserver.types import InferenceRequest, InferenceResponse

url, model = sys.argv[1:]
frame = pd.DataFrame(json.load(sys.stdin))


def tensors(frame: pd.DataFrame) -> InferenceRequest:
    inputs = [
        StringCodec.encode_input(name, values.tolist())
        if values.dtype.kind == "O" or str(values.dtype) == "str"
        else NumpyCodec.encode_input(name, values.to_numpy())
        for name, values in frame.items()
    ]
    return InferenceRequest(inputs=inputs)


answers = {}
for way, request in (("frame", PandasCodec.encode_request(frame)), ("tensors", tensors(frame))):
    body = request.model_dump_json().encode()
    sent = Request(f"{url}/v2/models/{model}/infer", body, {"Content-Type": "application/json"})
    with urlopen(sent) as found:
        response = InferenceResponse.model_validate_json(found.read())
    answers[way] = NumpyCodec.decode_output(response.outputs[-1]).tolist()
print(json.dumps(answers))
