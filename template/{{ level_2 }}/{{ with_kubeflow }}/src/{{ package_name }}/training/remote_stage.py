# Managed by copier-mlops: an update merges with your edits.
"""Runs one stage of DVC in a fresh clone, as a step of a pipeline does: `poe remote-stage`.

Data go by DVC's remote. What DVC does not store goes from step to step in a small archive: the entries in `dvc.lock` of the
stages that ran so far, and their outputs with `cache: false`.
"""

import argparse
import json
import logging
import tarfile
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml
from dvc.exceptions import DvcException
from dvc.repo import Repo
from dvc.stage import PipelineStage

from ..core.errors import UserError, exit_on_user_error
from ..core.io import atomic_write, require, write_text

ENTRIES = "dvc.lock.json"  # in the archive: entries of dvc.lock by address of the stage


def stages(repo: Repo) -> dict[str, PipelineStage]:
    """Return the stages of all `dvc.yaml` by address, parents first."""
    graph: Any = repo.index.graph
    found: dict[str, PipelineStage] = {}

    def add(stage: PipelineStage) -> None:
        if address_of(stage) not in found:
            for parent in parents(repo, stage):
                add(parent)
            found[address_of(stage)] = stage

    for stage in graph.nodes:
        if isinstance(stage, PipelineStage):
            add(stage)
    return found


def address_of(stage: PipelineStage) -> str:
    """Return the address of a stage, such as `train` or `value/dvc.yaml:train`."""
    return str(stage.addressing)


def parents(repo: Repo, stage: PipelineStage) -> list[PipelineStage]:
    """Return the stages whose outputs a stage depends on."""
    found = [each for each in repo.index.graph.successors(stage) if isinstance(each, PipelineStage)]
    return sorted(found, key=address_of)


def run(address: str, given: Iterable[Path], into: Path) -> None:
    """Run a stage unless it is up to date, push its outputs, and write the archive for the steps after it.

    A stage without parents always runs: DVC cannot see that its source has new data. Archives of the steps before are given.

    Raises:
        UserError: there is no such stage, it fails, or DVC's remote fails.
    """
    entries = apply(given)
    with Repo() as repo:
        if (stage := stages(repo).get(address)) is None:
            raise UserError(f"there is no stage {address}; there are {', '.join(stages(repo))}")
        try:
            made = {out.fs_path for parent in parents(repo, stage) for out in parent.outs if out.use_cache}
            repo.pull([dep.fs_path for dep in stage.deps if dep.fs_path in made], run_cache=False)
            # Of a stage that never ran, DVC would only look for outputs to pull.
            force = not parents(repo, stage) or stage.name not in _lock(stage)["stages"]
            repo.reproduce([address], single_item=True, pull=True, run_cache=False, force=force)
            repo.push([address])
        except DvcException as error:
            logging.getLogger("dvc").exception("")
            raise UserError(f"the stage {address} failed; DVC's message above has the reason") from error
    with Repo() as repo:  # which reads what the stage wrote
        found = stages(repo)
        entries[address] = _lock(found[address])["stages"][found[address].name]
        outputs = [out.fs_path for name in entries if name in found for out in found[name].outs if not out.use_cache]
        _pack(entries, [Path(path).relative_to(repo.root_dir) for path in outputs], into)


def apply(given: Iterable[Path]) -> dict[str, Any]:
    """Add what archives hold to this clone, and return their entries of `dvc.lock` by address of the stage."""
    entries: dict[str, Any] = {}
    for path in given:
        with tarfile.open(require(path)) as archive:
            archive.extractall(".", filter="data")
        entries |= json.loads(Path(ENTRIES).read_text(encoding="utf-8"))
        Path(ENTRIES).unlink()
    with Repo() as repo:
        found = stages(repo)
        for address in entries.keys() & found.keys():
            stage = found[address]
            lock = _lock(stage)
            lock["stages"][stage.name] = entries[address]
            write_text(yaml.safe_dump(lock, sort_keys=False), _lock_path(stage))
    return entries


def _lock(stage: PipelineStage) -> dict[str, Any]:
    path = _lock_path(stage)
    return yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {"schema": "2.0", "stages": {}}


def _lock_path(stage: PipelineStage) -> Path:
    return Path(stage.path).with_suffix(".lock")


def _pack(entries: dict[str, Any], outputs: Iterable[Path], into: Path) -> None:
    with tempfile.TemporaryDirectory() as folder, atomic_write(into) as temporary:
        (listed := Path(folder, ENTRIES)).write_text(json.dumps(entries), encoding="utf-8")
        with tarfile.open(temporary, "w:gz") as archive:
            archive.add(listed, ENTRIES)
            for path in outputs:
                archive.add(path)


def main() -> None:
    """Run a stage with what the steps before wrote, or only add that to this clone."""
    parser = argparse.ArgumentParser(prog="poe remote-stage", description="Run one stage of DVC in a fresh clone.")
    parser.add_argument("archives", nargs="*", type=Path, metavar="ARCHIVE", help="of the steps before")
    parser.add_argument("--stage", metavar="ADDRESS", help="default: none, only add the archives to this clone")
    parser.add_argument(
        "--into", type=Path, default=Path("state.tar.gz"), metavar="ARCHIVE", help="for the steps after"
    )
    arguments = parser.parse_args()
    with exit_on_user_error("remote-stage"):
        if arguments.stage:
            run(arguments.stage, arguments.archives, arguments.into)
        else:
            print(f"added to this clone: {', '.join(apply(arguments.archives)) or 'nothing'}")


if __name__ == "__main__":
    main()
