"""Runs after each `copier update` in the project's folder: lists the files that could not be merged, and fails."""

import subprocess
import sys

UNMERGED = {"DD", "AU", "UD", "UA", "DU", "AA", "UU"}


def conflicts() -> list[str]:
    """Return the files with conflict markers and the rejected hunks below the current folder."""
    command = ["git", "status", "--porcelain", "-z", "--no-renames", "--untracked-files=all", "--", "."]
    entries = subprocess.run(command, capture_output=True, encoding="utf-8", check=True).stdout.split("\0")
    return [entry[3:] for entry in entries if entry[:2] in UNMERGED or (entry[:2] == "??" and entry.endswith(".rej"))]


def damaged() -> list[str]:
    """Return the changed files that were not UTF-8: Copier has dropped the characters that it could not decode."""
    command = ["git", "diff", "--name-only", "-z", "--no-ext-diff", "--diff-filter=MU", "--relative", "HEAD"]
    paths = subprocess.run(command, capture_output=True, encoding="utf-8", check=True).stdout.split("\0")
    return [path for path in paths if path and not is_text(path)]


def is_text(path: str) -> bool:
    """Return whether the committed version of a file is UTF-8."""
    try:
        subprocess.run(["git", "show", f"HEAD:./{path}"], capture_output=True, check=True).stdout.decode()
    except UnicodeDecodeError:
        return False
    return True


def main() -> None:
    """Exit with code 1 and print what to do if there are conflicts, or if edits may be lost."""
    if found := damaged():
        files = "\n".join(f"  {path}" for path in found)
        sys.exit(
            f"\nThese files were not UTF-8, and characters are lost:\n{files}\n"
            "Undo all of it with `git reset --hard` and `git clean -fd`, save them as UTF-8, commit, and update again."
        )
    if found := conflicts():
        files = "\n".join(f"  {path}" for path in found)
        sys.exit(
            f"\nConflicts between your edits and the template's changes:\n{files}\n"
            "Edit them, then `git add` each; or undo all of it with `git reset --hard` and `git clean -fd`."
        )


if __name__ == "__main__":
    main()
