"""The model server against `mlflow models serve`, MLServer and KServe's server, all with one worker and the same model.

The bare framework is the upper bound. All servers run all the time, and wrk loads one after the other.
"""

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

from measure import ROOT, Promise, cost, environment, installed, printed, write_results

PEERS = ROOT / "benchmarks" / "peers"
LIBRARIES = ["mlflow>=3.17,<4", "pandas<3", "scikit-learn>=1.8,<2", "setuptools", "skops"]
LOADS = [(1, 1), (1, 16), (100, 1), (100, 16)]  # rows in a request, clients
SECONDS, ROUNDS, PATIENCE_SECONDS = 3, 5, 120
FIND = """
import json, mlflow, sys
from customer_churn.core.io import read_table
from customer_churn.core.paths import TEST
from customer_churn.modeling.data import features_and_target
mlflow.set_tracking_uri("sqlite:///mlflow.db")
source = mlflow.MlflowClient().get_model_version("customer-churn", "1").source
features = features_and_target(read_table(TEST))[0].dropna().head(100)
print(json.dumps([mlflow.get_logged_model(source.removeprefix("models:/")).artifact_location, features.to_dict("records")]))
"""


@dataclass(frozen=True)
class Candidate:
    """A server and its requests."""

    name: str
    command: list[str | Path]
    folder: Path
    port: int
    path: str
    body: Any  # of 1 row and of 100 rows


@dataclass(frozen=True)
class Load:
    """The figures of wrk."""

    requests: float  # per second
    p99: float  # milliseconds
    p50: float


@contextmanager
def running(candidate: Candidate) -> Iterator[None]:
    """Start a server, wait until it predicts, and end it."""
    log = (candidate.folder / f"{candidate.port}.log").open("wb")
    variables = environment()
    process = subprocess.Popen(
        [*map(str, candidate.command)],
        cwd=candidate.folder,
        env={
            **variables,
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "OMP_NUM_THREADS": "1",  # for all: with so little data a second thread only waits
            "PATH": f"{Path(candidate.command[0]).parent}:{variables['PATH']}",  # MLflow looks for uvicorn there
        },
        stdout=log,
        stderr=log,
        start_new_session=True,
    )
    try:
        until = time.monotonic() + PATIENCE_SECONDS
        while not predicts(candidate):
            if process.poll() is not None or time.monotonic() > until:
                sys.exit(f"{candidate.name} does not predict:\n{Path(log.name).read_text()[-3000:]}")
            time.sleep(0.5)
        yield
    finally:
        subprocess.run(["pkill", "--signal", "KILL", "--session", str(process.pid)], check=False)
        process.wait()
        log.close()


def predicts(candidate: Candidate) -> bool:
    """Return whether a server returns predictions."""
    request = Request(
        f"http://127.0.0.1:{candidate.port}{candidate.path}",
        json.dumps(candidate.body(1)).encode(),
        {"Content-Type": "application/json"},
    )
    try:
        with urlopen(request) as answer:
            return answer.status == 200
    except (URLError, ConnectionError):
        return False


def load(candidate: Candidate, rows: int, clients: int, folder: Path) -> Load:
    """Let clients send requests for some seconds."""
    script = folder / "request.lua"
    body = json.dumps(candidate.body(rows))
    script.write_text(
        f'wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"\nwrk.body = [==[{body}]==]\n'
    )
    url = f"http://127.0.0.1:{candidate.port}{candidate.path}"
    command = ["wrk", "--threads=1", f"--connections={clients}", f"--duration={SECONDS}s", "--latency", "--timeout=30s"]
    printed = subprocess.run([*command, f"--script={script}", url], check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in printed or "Socket errors" in printed:
        sys.exit(f"{candidate.name} fails under load:\n{printed}")
    p99, p50 = (
        float(value) * {"us": 0.001, "ms": 1, "s": 1000}[unit]
        for percent in (99, 50)
        for value, unit in re.findall(rf"{percent}%\s+([\d.]+)(us|ms|s)", printed)[:1]
    )
    (requests,) = re.findall(r"Requests/sec:\s+([\d.]+)", printed)
    return Load(float(requests), p99, p50)


def candidates(folder: Path, project: Path) -> Iterator[Candidate]:
    """Yield all servers; peers have environments of their own."""
    python = project / ".venv/bin/python"
    model, rows = json.loads(printed([python, "-c", FIND], project).splitlines()[-1])

    def by_name(count: int) -> Any:
        return {"rows": rows[:count]}

    def tensors(count: int) -> list[dict[str, Any]]:
        return [
            {
                "name": name,
                "shape": [count],
                "datatype": "BYTES" if isinstance(value, str) else "FP64",
                "data": [row[name] for row in rows[:count]],
            }
            for name, value in rows[0].items()
        ]

    server = [python, "-m", "customer_churn.serving", "--port"]
    yield Candidate("this server, rows", [*server, "9001"], project, 9001, "/predict", by_name)
    yield Candidate(
        "this server, protocol v2",
        [*server, "9002"],
        project,
        9002,
        "/v2/models/customer-churn/infer",
        lambda count: {"inputs": tensors(count)},
    )
    code = (  # the same version, without its ONNX form
        "import sys; from customer_churn.serving import loader, __main__;"
        " loader.FAST_PATH = 'none'; sys.argv = ['serve', '--port', '9003']; __main__.main()"
    )
    yield Candidate("this server, native", [python, "-c", code], project, 9003, "/predict", by_name)
    plain = folder / "plain"
    shutil.copytree(model, plain)
    yield Candidate(
        "mlflow models serve",
        [
            *(python, "-m", "mlflow", "models", "serve", "--env-manager", "local"),
            *("-m", plain, "-p", "9004", "-w", "1"),
        ],
        project,
        9004,
        "/invocations",
        lambda count: {"dataframe_records": rows[:count]},
    )
    with_package = ["env", f"PYTHONPATH={project / 'src'}"]  # the model has functions of `features.py`
    mlserver = environment_of(folder, "mlserver", "mlserver==1.7.1", "mlserver-mlflow==1.7.1")
    settings = folder / "settings"
    settings.mkdir()
    (settings / "settings.json").write_text(
        json.dumps({"http_port": 9005, "grpc_port": 9015, "metrics_port": 9025, "parallel_workers": 0})
    )
    (settings / "model-settings.json").write_text(
        json.dumps(
            {"name": "model", "implementation": "mlserver_mlflow.MLflowRuntime", "parameters": {"uri": str(plain)}}
        )
    )
    yield Candidate(
        "MLServer",
        [*with_package, mlserver / "mlserver", "start", settings],
        settings,
        9005,
        "/v2/models/model/infer",
        lambda count: {
            "parameters": {"content_type": "pd"},
            "inputs": [
                each | ({"parameters": {"content_type": "str"}} if each["datatype"] == "BYTES" else {})
                for each in tensors(count)
            ],
        },
    )
    kserve = environment_of(folder, "kserve", "kserve==0.21.0")
    yield Candidate(
        "KServe's server",
        [*with_package, kserve / "python", PEERS / "kserve_server.py", "9006", plain],
        folder,
        9006,
        "/v2/models/model/infer",
        lambda count: {"id": "1", "inputs": tensors(count)},
    )
    answer = {
        "model": "customer-churn",
        "version": "1",
        "predictions": [{"prediction": 0, "probabilities": {"0": 0.9}}],
    }
    bare = [python, PEERS / "bare.py", "9007", json.dumps(answer)]
    yield Candidate("bare FastAPI", bare, project, 9007, "/predict", by_name)


def environment_of(folder: Path, name: str, *packages: str) -> Path:
    """Create an environment for a peer, and return its folder of programs."""
    made = folder / name
    cost(["uv", "venv", "--quiet", made], folder)
    cost(["uv", "pip", "install", "--quiet", "--python", made / "bin/python", *packages, *LIBRARIES], folder)
    return made / "bin"


def measured(servers: list[Candidate], folder: Path) -> dict[tuple[int, int], dict[str, Load]]:
    """Return the best of all rounds by load and server."""
    found: dict[tuple[int, int], dict[str, Load]] = {each: {} for each in LOADS}
    for _ in range(ROUNDS):
        for rows, clients in LOADS:
            for server in servers:
                now = load(server, rows, clients, folder)
                before = found[rows, clients].get(server.name, now)
                found[rows, clients][server.name] = Load(
                    max(now.requests, before.requests), min(now.p99, before.p99), min(now.p50, before.p50)
                )
    return found


def promises_of(found: dict[str, Load], clients: int) -> list[Promise]:
    """Return the promises for requests of one row."""
    ours, native = found["this server, rows"], found["this server, native"]
    mlflow, bare, kserve = found["mlflow models serve"], found["bare FastAPI"], found["KServe's server"]
    when = f"{clients} client{'s' if clients > 1 else ''}"
    return [
        Promise(f"{when}: throughput / `mlflow models serve`", ours.requests / mlflow.requests, at_least=20),
        Promise(f"{when}: p99 latency / `mlflow models serve`", ours.p99 / mlflow.p99, at_most=0.1),
        Promise(f"{when}: throughput of bare FastAPI / ours", bare.requests / ours.requests, at_most=1.5),
        Promise(f"{when}: throughput without ONNX / KServe's server", native.requests / kserve.requests, at_least=1),
    ]


def main() -> None:
    """Write the comparison."""
    if shutil.which("wrk") is None:
        sys.exit("wrk is not installed: it is the package of that name in most distributions")
    with installed(1, promoted=True) as (folder, project), ExitStack() as stack:
        servers = list(candidates(folder, project))
        for server in servers:
            stack.enter_context(running(server))
        found = measured(servers, folder)
    tables = {
        f"rows {rows}, clients {clients}": {
            server: {"requests_per_second": round(one.requests), "p99_milliseconds": round(one.p99, 1)}
            for server, one in by_server.items()
        }
        for (rows, clients), by_server in found.items()
    }
    promises = [each for clients in (1, 16) for each in promises_of(found[1, clients], clients)]
    method = f"wrk loads one server after the other for {SECONDS} s; the best of {ROUNDS} rounds; one worker each"
    write_results("serving", method, promises, tables)


if __name__ == "__main__":
    main()
