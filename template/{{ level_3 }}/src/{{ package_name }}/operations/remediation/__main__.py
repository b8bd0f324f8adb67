# Managed by copier-mlops: an update merges with your edits.
"""Serve, or approve what waits for a person: `poe remediate`."""

import argparse
import logging
import sys

import uvicorn

from ...core.errors import UserError, exit_on_user_error
from ...core.lineage import author
from .receiver import create_app, token
from .settings import Remediation
from .store import Store
from .worker import Worker

PORT = 9109
MIN_TOKEN = 16  # characters


def approve(store: Store, number: int | None, by: str) -> str:
    """Let a decision act that waits for a person, and return a line about it; without a number, about all that wait."""
    waiting = {one.id: one for one in store.newest(1_000) if one.state == "waiting"}
    if number is None:
        return "\n".join(one.title for one in waiting.values()) or "nothing waits"
    if number not in waiting:
        raise UserError(f"{number} does not wait for approval; `poe remediate approve` lists what does")
    changed = store.change(waiting[number], state="pending", approver=by)
    return f"{changed.title} is {changed.state}, approved by {changed.approver}"


def main() -> None:
    """Serve until a signal stops the process, or approve."""
    parser = argparse.ArgumentParser(prog="poe remediate", description="Map alerts to actions.")
    parser.add_argument("--host", default="127.0.0.1", help="0.0.0.0 accepts connections from other machines")
    parser.add_argument("--port", default=PORT, type=int, help=f"default: {PORT}")
    commands = parser.add_subparsers(dest="command", metavar="{approve}")
    approving = commands.add_parser("approve", help="let a decision act; without ID, list what waits")
    approving.add_argument("id", nargs="?", type=int)
    approving.add_argument("--by", default=author(), metavar="NAME")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    with exit_on_user_error("remediate"):
        policy = Remediation.load()
        store = Store(policy.state)
        if arguments.command == "approve":
            print(approve(store, arguments.id, arguments.by))
            return
        if len(token(policy)) < MIN_TOKEN:
            raise UserError(f"REMEDIATION_TOKEN or the file token_file must have {MIN_TOKEN} characters or more")
    print(f"remediate: {policy.mode}, port {arguments.port}", flush=True)
    app = create_app(policy, Worker(policy, store))
    uvicorn.run(app, host=arguments.host, port=arguments.port, access_log=False)


if __name__ == "__main__":
    main()
