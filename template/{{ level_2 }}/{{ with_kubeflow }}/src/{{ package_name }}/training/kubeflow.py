# Managed by copier-mlops: an update merges with your edits.
"""Makes a pipeline of the stages in all `dvc.yaml`: `poe kubeflow` compiles it for Kubeflow and lists its tasks for Argo.

Both run the same command for each stage, `poe remote-stage`, and in the order of DVC's graph. There is no caching: DVC decides
in each step whether the stage is up to date.
"""

import argparse
import inspect
import re
import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dvc.repo import Repo
from kfp import compiler, dsl, kubernetes
from kfp.dsl import Artifact, Input, Output
from kfp.dsl.pipeline_task import PipelineTask
from pydantic import BaseModel, NonNegativeInt
from ruamel.yaml import YAML

from ..core.errors import UserError, exit_on_user_error
from ..core.io import atomic_write
from ..core.lineage import git
from ..core.settings import Settings
from ..registry.client import Tracking
from .remote_stage import address_of, parents, stages

PIPELINE, ARGO = Path("deploy/kubeflow/pipeline.yaml"), Path("deploy/argo/pipeline.yaml")
# Its arguments: revision, address of the stage, archive for the steps after, archives of the steps before.
CLONE_AND_RUN = """\
revision=$1 stage=$2 into=$3; shift 3
git clone --quiet "$REPOSITORY" project
cd project
git checkout --quiet "$revision"
uv sync --quiet --locked
exec uv run --locked poe remote-stage --stage "$stage" --into "$into" "$@"
"""


class Resources(BaseModel, extra="forbid", frozen=True):
    """Of a step: its request and its limit, as Kubernetes writes quantities."""

    cpu: str
    memory: str


class Kubeflow(Settings, env_prefix="KUBEFLOW_"):
    """The schema of `config/kubeflow.yaml`."""

    image: str
    repository: str
    revision: str
    secret: str
    secret_keys: list[str]
    resources: Resources
    stages: dict[str, Resources]
    retries: NonNegativeInt
    backoff: str
    schedule: str


def graph() -> dict[str, list[str]]:
    """Return the parents of each stage in all `dvc.yaml`, by address, parents first.

    Raises:
        UserError: there is no stage, or two have the same name as a step.
    """
    with Repo() as repo:
        found = {address: [address_of(one) for one in parents(repo, stage)] for address, stage in stages(repo).items()}
    names = [step_name(address) for address in found]
    if same := {name for name in names if names.count(name) > 1}:
        raise UserError(f"two stages would be the step {min(same)}: rename one in dvc.yaml")
    if not found:
        raise UserError("no dvc.yaml has a stage")
    return found


def step_name(address: str) -> str:
    """Return the name of a stage as a step: `value-train` for `value/dvc.yaml:train`."""
    return re.sub("[^a-z0-9]+", "-", address.replace("dvc.yaml:", "").lower()).strip("-")


def compile_pipeline(found: dict[str, list[str]], settings: Kubeflow, into: Path) -> None:
    """Write the pipeline of Kubeflow for stages and their parents.

    Raises:
        UserError: Kubeflow rejects a name or a quantity.
    """
    unknown = settings.stages.keys() - found.keys()
    if unknown:
        raise UserError(f"{Kubeflow.path()}: stages: there is no stage {min(unknown)}; there are {', '.join(found)}")

    def pipeline(revision: str = settings.revision) -> None:
        tasks: dict[str, PipelineTask] = {}
        for address, before in found.items():
            states = {f"state_{number}": tasks[each].outputs["state"] for number, each in enumerate(before)}
            task = component(address, len(before), settings.image)(revision=revision, **states)
            tasks[address] = configured(task, address, settings)

    into.parent.mkdir(parents=True, exist_ok=True)
    try:
        made: Any = dsl.pipeline(pipeline, name=Tracking.load().model, description="The stages of all dvc.yaml.")
        compiler.Compiler().compile(made, str(into))
    except (TypeError, ValueError) as error:
        raise UserError(f"{Kubeflow.path()}: Kubeflow rejects the pipeline: {error}") from error


def component(address: str, given: int, image: str) -> Callable[..., PipelineTask]:
    """Return the component of a stage, which takes the archives of its parents.

    Kubeflow reads inputs and outputs from a signature, which so has to be made for their number.
    """

    def run(revision: str, *artifacts: Any) -> dsl.ContainerSpec:
        *before, state = artifacts
        words = [revision, address, state.path, *(each.path for each in before)]
        return dsl.ContainerSpec(image=image, command=["sh", "-euc", CLONE_AND_RUN, "step"], args=words)

    kinds = {
        "revision": str,
        **{f"state_{number}": Input[Artifact] for number in range(given)},
        "state": Output[Artifact],
    }
    run.__name__ = run.__qualname__ = step_name(address)
    run.__annotations__ = {**kinds, "return": dsl.ContainerSpec}
    run.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=kind)
            for name, kind in kinds.items()
        ],
        return_annotation=dsl.ContainerSpec,
    )
    return dsl.container_component(run)


def configured(task: PipelineTask, address: str, settings: Kubeflow) -> PipelineTask:
    """Give a task its resources, retries and variables; DVC, not Kubeflow, decides what is up to date."""
    resources = settings.stages.get(address, settings.resources)
    task.set_display_name(address).set_caching_options(False).set_env_variable("REPOSITORY", settings.repository)
    task.set_cpu_request(resources.cpu).set_cpu_limit(resources.cpu)
    task.set_memory_request(resources.memory).set_memory_limit(resources.memory)
    task.set_retry(settings.retries, backoff_duration=settings.backoff, backoff_factor=2)
    keys = {key: key for key in settings.secret_keys}
    return kubernetes.use_secret_as_env(task, secret_name=settings.secret, secret_key_to_env=keys)


def list_tasks(found: dict[str, list[str]], path: Path) -> None:
    """Write the stages and their parents into the DAG of Argo's manifest; all else in it stays."""
    reader = YAML()
    reader.preserve_quotes, reader.width = True, 120
    reader.indent(mapping=2, sequence=4, offset=2)
    manifest = reader.load(path)
    (dag,) = (each["dag"] for each in manifest["spec"]["workflowSpec"]["templates"] if "dag" in each)
    dag["tasks"] = [argo_task(address, before) for address, before in found.items()]
    with atomic_write(path) as temporary:
        reader.dump(manifest, temporary)


def argo_task(address: str, before: list[str]) -> dict[str, Any]:
    """Return a stage as a task of Argo's DAG."""
    depends = {"dependencies": [step_name(each) for each in before]} if before else {}
    values = [{"name": "stage", "value": address}, {"name": "step", "value": step_name(address)}]
    return {"name": step_name(address), "template": "stage", **depends, "arguments": {"parameters": values}}


def submit(host: str, schedule: str) -> str:
    """Upload the compiled pipeline as a version, and let it run on a schedule in place of the version before.

    Raises:
        UserError: Kubeflow cannot be reached, or refuses.
    """
    from kfp import Client
    from kfp_server_api.exceptions import ApiException
    from urllib3.exceptions import HTTPError

    name, version = Tracking.load().model, git("rev-parse", "--short", "HEAD") or "uncommitted"
    warnings.filterwarnings("ignore", "This client only works with", FutureWarning)  # of any version since 2023
    try:
        client: Any = Client(host)
        if pipeline := client.get_pipeline_id(name):
            client.upload_pipeline_version(str(PIPELINE), f"{version}-{datetime.now(UTC):%Y%m%d%H%M%S}", pipeline)
        else:
            pipeline = client.upload_pipeline(str(PIPELINE), name).pipeline_id
        newest = client.list_pipeline_versions(pipeline, page_size=1, sort_by="created_at desc").pipeline_versions[0]
        experiment = client.create_experiment(name).experiment_id
        for old in client.list_recurring_runs(experiment_id=experiment, page_size=100).recurring_runs or []:
            client.delete_recurring_run(old.recurring_run_id)
        made = client.create_recurring_run(
            experiment,
            name,
            cron_expression=schedule,
            max_concurrency=1,
            no_catchup=True,
            pipeline_id=pipeline,
            version_id=newest.pipeline_version_id,
            enable_caching=False,
        )
    except (ApiException, HTTPError, ValueError) as error:
        raise UserError(f"Kubeflow at {host}: {' '.join(str(error).split())[:300]}") from error
    return made.recurring_run_id


def main() -> None:
    """Compile the pipeline and list the tasks for Argo; send the pipeline if a host is given."""
    parser = argparse.ArgumentParser(prog="poe kubeflow", description="Make a pipeline of the stages in all dvc.yaml.")
    parser.add_argument("--submit", metavar="HOST", help="upload it to Kubeflow, and run it on its schedule")
    arguments = parser.parse_args()
    with exit_on_user_error("kubeflow"):
        found, settings = graph(), Kubeflow.load()
        compile_pipeline(found, settings, PIPELINE)
        list_tasks(found, ARGO)
        print(f"{PIPELINE} and {ARGO}: {', '.join(found)}")
        if arguments.submit:
            print(f"recurring run {submit(arguments.submit, settings.schedule)}: {settings.schedule}")


if __name__ == "__main__":
    main()
