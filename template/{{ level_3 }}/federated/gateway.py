# Managed by copier-mlops: an update merges with your edits.
"""Forwards requests of SuperNodes to Flower's SuperLink, which authenticates them by their keys, and refuses all others.

SuperLink alone would also start runs at all sites, without authentication. `python gateway.py HOST:PORT SUPERLINK CERTIFICATE KEY`
"""

import ssl
import sys

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

HOP = {"connection", "content-length", "content-encoding", "date", "host", "keep-alive", "server", "transfer-encoding"}
address, superlink, certificate, key = sys.argv[1:]
client = httpx.AsyncClient(
    base_url=f"https://{superlink}", verify=ssl.create_default_context(cafile=certificate), timeout=120
)


async def forward(request: Request) -> Response:
    """Return SuperLink's answer."""
    headers = {name: value for name, value in request.headers.items() if name not in HOP}
    answer = await client.post(request.url.path, content=await request.body(), headers=headers)
    headers = {name: value for name, value in answer.headers.items() if name not in HOP}
    return Response(answer.content, answer.status_code, headers)


host, _, port = address.rpartition(":")
app = Starlette(routes=[Route("/v1/fleet/{call}", forward, methods=["POST"])])
uvicorn.run(app, host=host, port=int(port), ssl_certfile=certificate, ssl_keyfile=key, log_level="warning")
