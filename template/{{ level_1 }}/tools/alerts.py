# Managed by copier-mlops: an update merges with your edits.
"""Check monitoring/: rules and configuration of Prometheus, the tests of the rules, and that Kubernetes gets all files."""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

MONITORING = Path("monitoring")
KUSTOMIZATION = MONITORING / "kustomization.yaml"


def unlisted() -> list[str]:
    """Return the rules and dashboards that the kustomization does not list."""
    listed = KUSTOMIZATION.read_text(encoding="utf-8")
    paths = [*MONITORING.glob("rules/*.yaml"), *MONITORING.glob("dashboards/*.json")]
    return sorted(path for path in (each.relative_to(MONITORING).as_posix() for each in paths) if path not in listed)


def unwrap(rules: Path) -> None:
    """Replace a PrometheusRule manifest by its rules, which is what Prometheus reads."""
    manifest = yaml.safe_load(rules.read_text(encoding="utf-8"))
    rules.write_text(yaml.safe_dump(manifest["spec"]), encoding="utf-8")


def main() -> None:
    """Exit with the exit code of promtool."""
    argparse.ArgumentParser(prog="poe alerts", description=__doc__).parse_args()
    promtool = shutil.which("promtool")
    if promtool is None:
        sys.exit("alerts: promtool is not installed: it comes with Prometheus, https://prometheus.io/download")
    if missing := unlisted():
        sys.exit(f"alerts: {KUSTOMIZATION.as_posix()} does not list {', '.join(missing)}: Kubernetes would not get it")
    with tempfile.TemporaryDirectory() as folder:
        copy = shutil.copytree(MONITORING, Path(folder, "monitoring"))
        for rules in copy.glob("rules/*.yaml"):
            unwrap(rules)
        tests = sorted(path.relative_to(copy).as_posix() for path in copy.glob("tests/*.yaml"))
        for arguments in (["check", "config", "prometheus.yaml"], ["test", "rules", *tests]):
            if code := subprocess.run([promtool, *arguments], cwd=copy, check=False).returncode:
                sys.exit(code)


if __name__ == "__main__":
    main()
