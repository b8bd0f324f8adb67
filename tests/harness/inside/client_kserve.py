"""Predict rows by KServe's client: URL MODEL, rows as JSON on the standard input; print the predictions as JSON."""

import asyncio
import json
import sys

import numpy as np
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig

url, model = sys.argv[1:]
rows = json.load(sys.stdin)


async def main() -> None:
    client = InferenceRESTClient(RESTConfig(protocol="v2"))
    assert await client.is_server_live(url)
    assert await client.is_server_ready(url)
    assert await client.is_model_ready(url, model)
    answers = {}
    for way, binary in (("json", False), ("binary", True)):
        inputs = []
        for name, value in rows[0].items():
            values = [row[name] for row in rows]
            if isinstance(value, str):
                array, datatype = np.array(values, dtype=object), "BYTES"
            else:
                array, datatype = np.array(values, dtype="f8"), "FP64"
            found = InferInput(name, [len(rows)], datatype)
            found.set_data_from_numpy(array, binary_data=binary)
            inputs.append(found)
        result = await client.infer(url, InferRequest(model, inputs), model_name=model)
        answers[way] = result.outputs[-1].as_numpy().tolist()
    print(json.dumps(answers))


asyncio.run(main())
