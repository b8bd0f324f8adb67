"""The packages of a lock that have no wheel for a platform: there, they would be built from source."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

from packaging.requirements import Requirement
from packaging.tags import Tag, compatible_tags, cpython_tags, mac_platforms
from packaging.utils import parse_wheel_filename

from harness.template import Project

PYTHONS = [(3, 11), (3, 13)]
EXPORT = [
    *("uv", "export", "--quiet", "--frozen", "--all-groups", "--no-emit-project"),
    *("--no-hashes", "--no-header", "--no-annotate"),
]


@dataclass(frozen=True)
class Platform:
    """A platform, as the names of wheels and the markers of requirements have it."""

    tags: list[str]
    system: str
    sys_platform: str
    machine: str

    def wheels(self, python: tuple[int, int]) -> set[Tag]:
        """Return the tags of the wheels that a Python can install."""
        interpreter = "cp{}{}".format(*python)
        return {*cpython_tags(python, platforms=self.tags), *compatible_tags(python, interpreter, self.tags)}

    def markers(self, python: tuple[int, int]) -> dict[str, str]:
        """Return the values of the markers for a Python."""
        version = "{}.{}".format(*python)
        return {
            "os_name": "nt" if self.system == "Windows" else "posix",
            "platform_machine": self.machine,
            "platform_system": self.system,
            "python_full_version": f"{version}.9",
            "python_version": version,
            "sys_platform": self.sys_platform,
        }


def linux(machine: str) -> Platform:
    """Return Linux with glibc 2.34 or later: Debian 12, Ubuntu 22.04, Red Hat 9."""
    newer = [f"manylinux_2_{minor}_{machine}" for minor in range(34, 4, -1)]
    return Platform([*newer, f"manylinux2014_{machine}"], "Linux", "linux", machine)


def mac(machine: str) -> Platform:
    """Return macOS 15 or later."""
    return Platform([*mac_platforms((15, 0), machine)], "Darwin", "darwin", machine)


INTEL_MAC = "macOS, Intel"
PLATFORMS = {
    "Linux, x86-64": linux("x86_64"),
    "Linux, arm64": linux("aarch64"),
    "macOS, Apple silicon": mac("arm64"),
    INTEL_MAC: mac("x86_64"),
    "Windows, x86-64": Platform(["win_amd64"], "Windows", "win32", "AMD64"),
}


def without_wheel(project: Project) -> dict[str, set[str]]:
    """Lock a project and what has an environment of its own in it; return by platform what has no wheel for `PYTHONS`."""
    missing: dict[str, set[str]] = {name: set() for name in PLATFORMS}
    for folder in (path.parent for path in project.path.rglob("pyproject.toml")):
        project.run("uv", "lock", "--quiet", "--project", folder)
        requirements = [*map(Requirement, project.run(*EXPORT, "--project", folder).stdout.splitlines())]
        packages = tomllib.loads((folder / "uv.lock").read_text())["package"]
        wheels = {f"{each['name']}=={each.get('version')}": set(_tags(each)) for each in packages}
        for (name, platform), python in product(PLATFORMS.items(), PYTHONS):
            markers, installable = platform.markers(python), platform.wheels(python)
            needed = [each for each in requirements if not each.marker or each.marker.evaluate(markers)]
            missing[name] |= {each.name for each in needed if not wheels[f"{each.name}{each.specifier}"] & installable}
    return missing


def _tags(package: dict[str, Any]) -> Iterator[Tag]:
    """Yield the tags of all wheels of a package in a lock."""
    for wheel in package.get("wheels", []):
        yield from parse_wheel_filename(wheel["url"].rpartition("/")[2])[3]
