# Managed by copier-mlops: an update merges with your edits.
"""Posts messages to a chat: NOTIFY_WEBHOOK_URL accepts the JSON of Slack's incoming webhooks."""

import os
import sys

import requests
from requests.adapters import HTTPAdapter
from urllib3 import Retry

TIMEOUT_SECONDS = 3
RETRY = Retry(total=2, backoff_factor=0.5, allowed_methods=["POST"], status_forcelist=[429, 502, 503, 504])


def send(text: str) -> str:
    """Post `text` if a webhook is configured, and return it; a failure is printed and stops nothing."""
    if url := os.environ.get("NOTIFY_WEBHOOK_URL"):
        try:
            with requests.Session() as session:
                session.mount(url, HTTPAdapter(max_retries=RETRY))
                session.post(url, json={"text": text}, timeout=TIMEOUT_SECONDS).raise_for_status()
        except requests.RequestException as error:
            response = error.response  # the error itself holds the URL, which is a secret
            reason = type(error).__name__ if response is None else f"it answers {response.status_code}"
            print(f"notify: the message was not sent to NOTIFY_WEBHOOK_URL: {reason}", file=sys.stderr)
    return text
