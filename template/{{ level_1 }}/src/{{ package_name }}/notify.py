# Managed by copier-mlops: an update merges with your edits.
"""Tells a chat what happened to the model: NOTIFY_WEBHOOK_URL takes the JSON of Slack's incoming webhooks."""

import json
import os
import sys
from urllib.error import URLError
from urllib.request import Request, urlopen

ATTEMPTS = 3
TIMEOUT_SECONDS = 3


def send(text: str) -> str:
    """Send `text` if there is somewhere to send it, and return it; a failure is told and stops nothing."""
    if url := os.environ.get("NOTIFY_WEBHOOK_URL"):
        body = json.dumps({"text": text}).encode()
        request = Request(url, body, {"Content-Type": "application/json"})
        for attempt in range(1, ATTEMPTS + 1):
            try:
                urlopen(request, timeout=TIMEOUT_SECONDS).close()
                break
            except (URLError, TimeoutError) as error:
                if attempt == ATTEMPTS:
                    print(f"notify: nobody was told, NOTIFY_WEBHOOK_URL does not answer: {error}", file=sys.stderr)
    return text
