"""Import what the project, its tests and its tools import, so that Python keeps the bytecode of all of that."""

import os
import subprocess
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

os.environ["MPLBACKEND"] = "agg"
for name in [module.name for module in walk_packages(["src"]) if not module.name.endswith("__main__")]:
    with suppress(Exception):
        import_module(name)
for tool, *arguments in (["pytest", "--collect-only"], ["poe"], ["dvc", "status"]):
    if (command := Path(sys.executable).with_name(tool)).exists():
        subprocess.run([command, *arguments], capture_output=True, check=False)
