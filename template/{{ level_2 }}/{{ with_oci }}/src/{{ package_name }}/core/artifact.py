# Managed by copier-mlops: an update merges with your edits.
"""A version of a model as an OCI artifact: `cosign` verifies who signed it, and `oras` downloads it by its digest.

Its media types are those of the CNCF Model Format Specification (ModelPack), its annotations those of OCI.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from pydantic import PositiveFloat

from .errors import UserError
from .settings import Settings

TAG = "artifact_digest"  # of a version in MLflow
MODEL = "model"  # the folder of MLflow in an artifact; the model card is beside it
NAME, VERSION = "org.opencontainers.image.title", "org.opencontainers.image.version"  # annotations
DIGEST = re.compile("sha256:[0-9a-f]{64}")
REASON = re.compile(r"^(?:Error|error during command execution): (.*)", re.MULTILINE)
PAGES = {
    "cosign": "https://docs.sigstore.dev/cosign/system_config/installation",
    "oras": "https://oras.land/docs/installation",
}


class Artifacts(Settings, env_prefix="ARTIFACT_"):
    """The schema of `config/artifact.yaml`."""

    required: bool
    repository: str
    plain_http: bool
    identity: str
    issuer: str
    key: Path | None
    programs: Path | None
    timeout_seconds: PositiveFloat

    def cosign(self, command: str, *arguments: str, quiet: bool = True) -> str:
        """Run a command of cosign for a reference, the last argument; see `run`."""
        http = ["--allow-http-registry"] if self.plain_http else []
        return self.run("cosign", command, *http, *arguments, quiet=quiet)

    def oras(self, *arguments: str, folder: Path | None = None) -> str:
        """Run a command of oras; see `run`."""
        return self.run("oras", *arguments, *(["--plain-http"] if self.plain_http else []), folder=folder)

    def run(self, program: str, *arguments: str, folder: Path | None = None, quiet: bool = True) -> str:
        """Run cosign or oras, and return what it printed. If it is quiet, its messages are shown only as part of an error.

        Raises:
            UserError: it is not installed, failed, or took too long.
        """
        path = shutil.which(program, path=str(self.programs) if self.programs else None)
        if path is None:
            where = self.programs or "PATH"
            raise UserError(f"{program} is not in {where}, see {PAGES[program]}; {self.path()} sets where it is")
        try:
            done = subprocess.run(
                [Path(path).absolute(), *arguments],  # it may run in another folder
                cwd=folder,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE if quiet else None,
                text=True,
                timeout=self.timeout_seconds,
                check=True,
            )
        except subprocess.TimeoutExpired as error:
            raise UserError(f"{program} took longer than {self.timeout_seconds:g} s") from error
        except subprocess.CalledProcessError as error:
            reason = REASON.search(error.stderr or "")
            raise UserError(f"{program}: {reason[1][:200] if reason else f'exit code {error.returncode}'}") from error
        return done.stdout


@dataclass(frozen=True)
class Artifact:
    """The artifact of a version. Its digest determines all of its bytes."""

    model: str
    version: str
    digest: str
    settings: Artifacts = field(default_factory=Artifacts.load)

    @classmethod
    def of(cls, model: str, version: str, tags: Mapping[str, str]) -> Self:
        """Return the artifact that the tags of a version in MLflow name.

        Raises:
            UserError: there is none.
        """
        if not DIGEST.fullmatch(tags.get(TAG, "")):
            raise UserError(
                f"{model} {version} has no signed artifact: `poe artifact push --version {version}` makes one"
            )
        return cls(model, version, tags[TAG])

    @property
    def reference(self) -> str:
        """Return its address, by digest."""
        return f"{self.settings.repository}/{self.model}@{self.digest}"

    def verify(self) -> None:
        """Verify that the configured identity or key signed it, and that it is of this model and version.

        Raises:
            UserError: it is not, or this cannot be determined.
        """
        rules = self.settings
        if rules.key:  # such signatures are not in the public log
            signer = ["--key", str(rules.key), "--insecure-ignore-tlog=true"]
        else:
            signer = ["--certificate-identity", rules.identity, "--certificate-oidc-issuer", rules.issuer]
        try:
            rules.cosign("verify", *signer, self.reference)
            found = json.loads(rules.oras("manifest", "fetch", self.reference)).get("annotations", {})
        except UserError as error:
            raise UserError(f"{self.model} {self.version} is not verified: {error} ({self.reference})") from error
        named = f"{found.get(NAME)} {found.get(VERSION)}"
        if named != f"{self.model} {self.version}":
            raise UserError(f"{self.model} {self.version} is not verified: it holds {named} ({self.reference})")

    def pull(self, folder: Path) -> None:
        """Verify it, then download it to a folder; oras compares all bytes with the digest.

        Raises:
            UserError: it is not verified, or was changed in the registry; the folder may hold a part of it then.
        """
        self.verify()
        try:
            self.settings.oras("pull", "--output", str(folder), self.reference)
        except UserError as error:
            raise UserError(f"{self.model} {self.version} cannot be downloaded: {error} ({self.reference})") from error
