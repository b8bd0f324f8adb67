"""Bringing a project back to what it was, whatever a test did to it.

Where this process may mount file systems, each test sees an overlay over the project's folder and the project itself
never changes, so all workers share it. Elsewhere the project is copied back, and each worker has its own.
"""

import ctypes
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CLONE_NEWNS = 0x00020000
KEPT = ".venv"  # by a copy: it has too many files, and tests do not change it


def own_mounts() -> bool:
    """Let this process and its children have mounts that no other process sees; return whether that is allowed."""
    try:
        if ctypes.CDLL(None).unshare(CLONE_NEWNS):
            return False
        subprocess.run(["mount", "--make-rprivate", "/"], check=True, capture_output=True)
    except (OSError, AttributeError, subprocess.CalledProcessError):  # such as no root, no Linux, no `mount`
        return False
    return True


def can_overlay(folder: Path) -> bool:
    """Return whether changes of an overlay can be kept in `folder`, by trying."""
    with tempfile.TemporaryDirectory(dir=folder) as name:
        lower = Path(name, "lower")
        lower.mkdir()
        try:
            with overlaid(lower, folder):
                (lower / "file").touch()
        except (OSError, subprocess.CalledProcessError):
            return False
        return not (lower / "file").exists()


@contextmanager
def overlaid(path: Path, changes: Path) -> Iterator[None]:
    """Keep all changes of a folder during the block in `changes`, and drop them."""
    with tempfile.TemporaryDirectory(dir=changes, ignore_cleanup_errors=True) as name:
        upper, work = Path(name, "upper"), Path(name, "work")
        upper.mkdir()
        work.mkdir()
        options = f"lowerdir={path},upperdir={upper},workdir={work}"
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, path], check=True, capture_output=True)
        try:
            yield
        finally:
            subprocess.run(["umount", "--lazy", path], check=True)  # a process that ends may still have files open


def keep(path: Path) -> Path:
    """Copy a folder beside it, and return the copy."""
    ignored = shutil.ignore_patterns(KEPT)
    return Path(shutil.copytree(path, path.with_name(f"{path.name} as it was"), symlinks=True, ignore=ignored))


@contextmanager
def copied_back(path: Path, copy: Path) -> Iterator[None]:
    """Make a folder equal to its copy after the block."""
    try:
        yield
    finally:
        for entry in path.iterdir():
            if entry.is_dir() and not entry.is_symlink():
                if entry.name != KEPT:
                    shutil.rmtree(entry)
            else:
                entry.unlink()
        shutil.copytree(copy, path, symlinks=True, dirs_exist_ok=True)
