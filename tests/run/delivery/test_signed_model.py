"""Signed models, with a real container registry, oras and cosign: only what is verified is served."""

import json
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from harness.projects import inside, nobody_listens
from harness.server import background, eventually, serving
from harness.template import Project

MODEL = "customer-churn"


@dataclass(frozen=True)
class Registry:
    """A container registry with the models of a team, and where it stores their bytes."""

    address: str
    storage: Path

    def oras(self, *arguments: str, folder: Path | None = None) -> str:
        """Run oras and return what it printed."""
        command = ["oras", *arguments, "--plain-http"]
        return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout

    def layers(self, digest: str) -> dict[str, Path]:
        """Return where the bytes of each file of an artifact are."""
        manifest = json.loads(self.oras("manifest", "fetch", f"{self.address}/{MODEL}@{digest}"))
        blobs = self.storage / "docker/registry/v2/blobs/sha256"
        names = {
            each["annotations"]["org.opencontainers.image.title"]: each["digest"][7:] for each in manifest["layers"]
        }
        return {name: blobs / found[:2] / found / "data" for name, found in names.items()}


@pytest.fixture
def container_registry(
    tool: Callable[[str], str], tool_of_unstable: Callable[[str], str], tmp_path: Path
) -> Iterator[Registry]:
    """Run a container registry of its own."""
    for program in ("oras", "cosign"):
        tool_of_unstable(program)
    address, storage = nobody_listens().removeprefix("http://"), tmp_path / "registry"
    settings = {"version": 0.1, "storage": {"filesystem": {"rootdirectory": str(storage)}}, "http": {"addr": address}}
    (tmp_path / "registry.yaml").write_text(yaml.safe_dump(settings))
    with background([tool("docker-registry"), "serve", tmp_path / "registry.yaml"], tmp_path / "registry.log"):
        listed = ["oras", "repo", "ls", "--plain-http", address]
        eventually("a registry", lambda: subprocess.run(listed, capture_output=True, check=False).returncode == 0)
        yield Registry(f"{address}/team/models", storage)


@pytest.fixture
def signed(looping: Project, extended: Callable[..., None]) -> Project:
    """Return a project with the option, whose champion, version 1, has no artifact yet."""
    extended(looping, maturity_level=2, model_source="oci")
    return looping


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, container_registry: Registry) -> dict[str, Path]:
    """Return two private keys, `ours` and `other`; the environment requires signatures by `ours`."""
    monkeypatch.setenv("COSIGN_PASSWORD", "secret")
    for name in ("ours", "other"):
        command = ["cosign", "generate-key-pair", "--output-key-prefix", tmp_path / name]
        subprocess.run(command, check=True, capture_output=True)
    monkeypatch.setenv("ARTIFACT_REPOSITORY", container_registry.address)
    monkeypatch.setenv("ARTIFACT_PLAIN_HTTP", "true")
    monkeypatch.setenv("ARTIFACT_KEY", str(tmp_path / "ours.pub"))
    monkeypatch.setenv("SERVING_RELOAD_SECONDS", "1")
    return {name: tmp_path / f"{name}.key" for name in ("ours", "other")}


def digest_in(printed: str) -> str:
    """Return the digest that the last line of a task names."""
    return printed.splitlines()[-1].rpartition("@")[2]


def test_only_what_the_configured_key_signed_is_served_and_what_was_served_before_goes_on(
    signed, container_registry, keys, tmp_path
):
    def push(version: str, key: str = "ours", **variables: str) -> str:
        return signed.poe("artifact", "push", "--version", version, "--key", str(keys[key]), **variables).stdout

    expected = inside(signed, "predictions.py", signed.answers["package_name"])
    with serving(signed) as server:

        def served() -> str:
            return server.ask("/predict", {"rows": expected["rows"][:1]}).json["version"]

        def champion(version: str, *tag: str) -> None:
            inside(signed, "point_champion.py", version, *tag)

        def refused(reason: str, version: str) -> None:
            """See that the server logs once why it refuses a version, and goes on with the one before."""
            eventually(reason, lambda: reason in server.log)
            (line,) = [line for line in server.log.splitlines() if reason in line]
            assert f"the version with the alias champion cannot be loaded: UserError: {MODEL} {version}" in line
            assert served() == ("1" if version == "2" else "2")

        eventually("a line", lambda: f"{MODEL} 1 has no signed artifact: `poe artifact push --version 1`" in server.log)
        assert not server.ready()
        first = digest_in(push("1"))
        assert digest_in(signed.process("artifact", "verify", "--version", "champion").stdout) == first
        eventually("a verified model", server.ready)
        answer = server.ask("/predict", {"rows": expected["rows"]}).json
        assert [row["prediction"] for row in answer["predictions"]] == expected["prediction"]
        assert {"model/MLmodel", "model/model.onnx", "model_card.md"} <= container_registry.layers(first).keys()

        champion("2")
        refused("2 has no signed artifact", "2")
        champion("1")
        blocked = signed.poe("promote", "--version", "2", "--approved-by", "Grace", rc=1)
        assert "it has no signed artifact: run the workflow Sign model" in blocked.stderr

        (tmp_path / "model").write_text("another model")
        unsigned = container_registry.oras(
            *("push", "--format", "go-template={{.digest}}", f"{container_registry.address}/{MODEL}:2", "model"),
            folder=tmp_path,
        )
        champion("2", "artifact_digest", unsigned)
        refused("cosign: no signatures found", "2")

        second = digest_in(push("2", key="other", ARTIFACT_KEY=str(tmp_path / "other.pub")))
        refused("accepted signatures do not match", "2")

        bytes_of_model = container_registry.layers(second)["model/model.onnx"]
        whole = bytes_of_model.read_bytes()
        bytes_of_model.write_bytes(whole.replace(b"a", b"b", 1))
        assert digest_in(push("2")) == second, "the same files have the same digest"
        refused("mismatched digest", "2")
        bytes_of_model.write_bytes(whole)
        eventually("the second version once it is whole", lambda: served() == "2")

        champion("3", "artifact_digest", first)
        refused(f"it holds {MODEL} 1", "3")
        assert "Traceback" not in server.log

    container_registry.oras("tag", f"{container_registry.address}/{MODEL}@{unsigned}", "2")
    printed = signed.poe("artifact", "pull", "--version", "2", "--output", str(tmp_path / "pulled")).stdout
    assert digest_in(printed) == second, "a tag that was moved changes nothing"
    assert (tmp_path / "pulled/model/model.onnx").read_bytes() == whole


def test_programs_that_are_missing_are_named_and_the_tests_of_the_option_pass(signed, tmp_path):
    missing = signed.poe("artifact", "push", "--version", "1", rc=1, ARTIFACT_PROGRAMS=str(tmp_path))
    assert missing.stderr == (
        f"artifact: oras is not in {tmp_path}, see https://oras.land/docs/installation;"
        " config/artifact.yaml sets where it is\n"
    )
    signed.poe("test", "tests/test_artifact.py", "tests/test_imports.py")
    signed.poe("lint")
