"""FastAPI and nothing else: reads JSON and writes the answer that it was given. What a server can reach. PORT ANSWER."""

import sys

import orjson
import uvicorn
from fastapi import FastAPI, Request, Response

app = FastAPI()
answer = orjson.loads(sys.argv[2])


@app.post("/predict", response_model=None)
async def predict(request: Request) -> Response:
    """Read and answer."""
    orjson.loads(await request.body())
    return Response(orjson.dumps(answer), media_type="application/json")


uvicorn.run(app, port=int(sys.argv[1]), access_log=False, log_level="warning")
