# Managed by copier-mlops: an update merges with your edits.
"""Check that a pull request answers the questions of its template: each is ticked, or has `n/a: why` behind it.

GitHub writes the pull request to the file that GITHUB_EVENT_PATH names. Its description is parsed, never executed.
"""

import json
import os
import re
import sys
from pathlib import Path

TEMPLATE = Path(".github/pull_request_template.md")
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
QUESTION = re.compile(r"^[-*] \[(?P<tick>[ xX])\] +\*\*(?P<name>.+?)\*\*(?P<rest>.*(?:\n[ \t]+\S.*)*)", re.MULTILINE)
NOT_APPLICABLE = re.compile(r"\bn/a: *\S", re.IGNORECASE)


def answers(text: str) -> dict[str, bool]:
    """Return each question of a text, and whether it is answered."""
    plain = COMMENT.sub("", text.replace("\r\n", "\n"))
    return {
        found["name"]: found["tick"] != " " or bool(NOT_APPLICABLE.search(found["rest"]))
        for found in QUESTION.finditer(plain)
    }


def unanswered(body: str, template: str) -> list[str]:
    """Return a line for each question of the template that the description of a pull request does not answer."""
    given = answers(body)
    return [
        f"{name}: tick it, or write `n/a: why` behind it" if name in given else f"{name}: the question is missing"
        for name in answers(template)
        if not given.get(name)
    ]


def main() -> None:
    """Exit with code 1 and a line for each open question."""
    event = os.environ.get("GITHUB_EVENT_PATH")
    if not event:
        sys.exit("poe ci-checklist: GITHUB_EVENT_PATH is not set: this checks a pull request on GitHub")
    request = json.loads(Path(event).read_text(encoding="utf-8"))["pull_request"]
    template = TEMPLATE.read_text(encoding="utf-8")
    if left := unanswered(request["body"] or "", template):
        print(f"The description of the pull request leaves {len(left)} questions of {TEMPLATE} open:")
        sys.exit("\n".join(f"  {line}" for line in left))
    print(f"All {len(answers(template))} questions are answered.")


if __name__ == "__main__":
    main()
