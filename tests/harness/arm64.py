"""Python for arm64, which QEMU runs on the CPU of this machine, with the packages of a server."""

import os
import subprocess
from pathlib import Path

from harness.template import Project

SUITE, PYTHON = "bookworm", "3.11"  # Debian's Python
EXPORT = ["uv", "export", "--quiet", "--frozen", "--no-default-groups", "--group", "serve", "--no-emit-project"]
INSTALL = ["uv", "pip", "install", "--quiet", "--compile-bytecode", "--only-binary", ":all:"]


def python_of_server(project: Project, folder: Path) -> list[str | Path]:
    """Return the command of a Python for arm64 with the packages of the server of a project, from its lock."""
    system, packages, requirements = (folder / name for name in ("system", "packages", "requirements.txt"))
    extract = ["mmdebstrap", "--variant=extract", "--architectures=arm64", "--include=python3,libstdc++6"]
    done = subprocess.run([*extract, SUITE, system], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    project.run(*EXPORT, "--output-file", requirements)
    of_arm64 = ["--python-version", PYTHON, "--python-platform", "aarch64-unknown-linux-gnu"]
    project.run(*INSTALL, *of_arm64, "--target", packages, "--requirements", requirements)
    path = os.pathsep.join(map(str, (packages, project.path / "src")))
    return ["qemu-aarch64", "-L", system, "-E", f"PYTHONPATH={path}", system / f"usr/bin/python{PYTHON}"]
