# Managed by copier-mlops: an update merges with your edits.
"""Check the alert rules of monitoring/rules.yaml and play the tests of monitoring/tests, by Prometheus' own promtool."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

MONITORING = Path("monitoring")


def main() -> None:
    """Exit with what promtool says."""
    promtool = shutil.which("promtool")
    if promtool is None:
        sys.exit("alerts: promtool is not installed: it comes with Prometheus, https://prometheus.io/download")
    with tempfile.TemporaryDirectory() as folder:
        manifest = yaml.safe_load((MONITORING / "rules.yaml").read_text(encoding="utf-8"))
        Path(folder, "rules.yaml").write_text(yaml.safe_dump(manifest["spec"]), encoding="utf-8")
        tests = [Path(shutil.copy(path, folder)).name for path in sorted((MONITORING / "tests").glob("*.yaml"))]
        for arguments in (["check", "rules", "rules.yaml"], ["test", "rules", *tests]):
            if code := subprocess.run([promtool, *arguments], cwd=folder, check=False).returncode:
                sys.exit(code)


if __name__ == "__main__":
    main()
