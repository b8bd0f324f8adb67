# Managed by copier-mlops: an update merges with your edits.
"""`kill -9` of a retraining after two of its steps, then two at once: the work is done once, and no request fails."""

import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

from ..core.inputs import Inputs
from ..core.run_record import RunRecord
from ..modeling.data import features_and_target
from ..monitoring.live_server import live_server
from ..registry.audit_log import entries
from ..training.decision import DECIDED, FINISHED, PATH
from . import Evidence
from .harness.months import next_rows
from .harness.sandbox import Sandbox, sandbox, wait

CREATED = "Created version"  # as MLflow prints it
SECONDS = 600  # of a stage, on a machine that is busy


def main() -> Evidence:
    """Kill a retraining after the decision, and the next one after it registered, then let two run at once."""
    with sandbox() as copy, live_server() as server:
        next_rows().to_parquet("new.parquet")
        copy.run("training.new_data", "new.parquet")
        copy.commit("New data")
        rows = Inputs.read().to_rows(features_and_target(next_rows(10))[0])
        today = (RunRecord.read().last_day + timedelta(days=400)).isoformat()
        PATH.unlink(missing_ok=True)
        before, champion, registered = (
            _events(),
            str((server.predict(rows) or {})["version"]),
            copy.log().count(CREATED),
        )
        stages: dict[str, Callable[[], bool]] = {
            "the decision": PATH.exists,
            "registration": lambda: copy.log().count(CREATED) > registered,
        }
        for stage, reached in stages.items():
            process = _retraining(copy, today)
            wait(reached, stage, SECONDS)
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            server.predict(rows)
        killed, printed = time.monotonic(), len(copy.log())
        both = [_retraining(copy, today), _retraining(copy, today)]
        wait(lambda: "goes on with" in copy.log()[printed:], "the work goes on", SECONDS)
        detected = time.monotonic() - killed
        codes = [process.wait(SECONDS) for process in both]
        wait(lambda: (server.predict(rows) or {}).get("version") not in (None, champion), "the new champion is served")
        recovered = time.monotonic() - killed
        resumed = next((line.strip() for line in copy.log()[printed:].splitlines() if "goes on with" in line), "")
        counts = _events() - before
    once = codes == [0, 0] and [*counts.values()] == [1, 1, 1]
    return Evidence(
        fault=f"kill -9 after {', '.join(stages)}; then two retrainings at once",
        detected_after_seconds=detected,
        decision=resumed,
        action=f"one of the two finished it, the other did nothing: {', '.join(f'{n} x {one}' for one, n in counts.items())}",
        recovered_after_seconds=recovered,
        requests=server.requests,
        requests_failed=server.failed,
        recovered=once and bool(resumed),
    )


def _events() -> Counter[str]:
    """Return how often the audit log has each event of interest."""
    return Counter(one["event"] for one in entries() if one["event"] in (DECIDED, FINISHED, "promotion done"))


def _retraining(copy: Sandbox, today: str) -> subprocess.Popen[str]:
    return copy.start("training.retrain", "--today", today, RETRAINING_PROMOTION="automatic")
