# Managed by copier-mlops: an update merges with your edits.
"""Shows what is left of the error budgets, and writes the rules of Prometheus for `config/slo.yaml`: `poe slo`.

Method: multi-window, multi-burn-rate alerts (Google's Site Reliability Workbook 2018, chapter 5), as Sloth generates them.
It assumes that Prometheus keeps its data for the period, and weighs all of its five minutes alike.
"""

import argparse
from pathlib import Path
from typing import Any

import yaml

from ..core.errors import UserError, exit_on_user_error
from ..core.io import require, write_text
from ..core.paths import REPORTS
from ..core.slo import Alert, Budget, ErrorBudget, Slo, Slos, Spec, Windows, budgets, duration
from ..reporting.html import environment

PAGE = REPORTS / "slo.html"
FILES = {"slo_rules.yaml.j2": Path("monitoring/rules/slo.yaml"), "slo_tests.yaml.j2": Path("monitoring/tests/slo.yaml")}
RATE = "{{$labels.sloth_service}} {{$labels.sloth_slo}} SLO error budget burn rate is"


def generated(slos: Slos, windows: Spec) -> dict[Path, str]:
    """Return the rules of the objectives, and tests of them for promtool, by the path of the file."""
    jinja = environment()
    jinja.filters["selector"] = _selector
    short, long = ({getattr(one, f"{end}_window") for one in windows.pairs} for end in ("short", "long"))
    shared = {
        "slos": [_described(slos, slo, windows) for slo in slos.slos],
        "windows": [duration(each) for each in sorted(short | long)],
        "short_windows": [*map(duration, short)],
        "period": duration(windows.slo_period),
        "days": _number(windows.slo_period / 86_400),
        "fast": 1.1 * max(map(windows.burn, windows.pairs)),
    }
    return {path: jinja.get_template(name).render(shared) for name, path in FILES.items()}


def _described(slos: Slos, slo: Slo, windows: Spec) -> dict[str, Any]:
    """Return what the templates need of an objective."""
    ids = {"sloth_id": f"{slos.service}-{slo.name}", "sloth_service": slos.service, "sloth_slo": slo.name}
    queries = slo.sli.get("events") or slo.sli["raw"]
    severities = ("page", slo.alerting.page_alert), ("ticket", slo.alerting.ticket_alert)
    return {
        "id": ids["sloth_id"],
        "selector": _selector(ids),
        "labels": {**ids, **slos.labels, **slo.labels},
        "expression": "\n/\n".join(f"({queries[name]})" for name in sorted(queries)),
        "objective": _number(slo.objective),
        "ratio": _number(slo.objective / 100),
        "budget": slo.budget,
        "alert": slo.alerting.name,
        "alerts": [_alert(slo, name, one, windows, ids) for name, one in severities if not one.disable],
    }


def _alert(slo: Slo, severity: str, alert: Alert, windows: Spec, ids: dict[str, str]) -> dict[str, Any]:
    own = {"title": f"({severity}) {RATE} too fast.", "summary": f"{RATE} over expected."}
    annotations = {**own, **slo.alerting.annotations, **alert.annotations}
    shown = yaml.safe_dump(annotations)
    for name, value in ids.items():
        shown = shown.replace(f"{{{{$labels.{name}}}}}", value)
    pair = getattr(windows, severity)
    return {
        "name": slo.alerting.name,
        "labels": {"sloth_severity": severity, **slo.alerting.labels, **alert.labels},
        "annotations": annotations,
        "shown": yaml.safe_load(shown),
        "conditions": [
            (_number(windows.burn(one)), [duration(one.short_window), duration(one.long_window)])
            for one in (pair.quick, pair.slow)
        ],
    }


def _selector(labels: dict[str, str]) -> str:
    return "{" + ", ".join(f'{name}="{value}"' for name, value in labels.items()) + "}"


def _number(value: float) -> str:
    """Return a number as Go writes it."""
    return repr(float(value)).removesuffix(".0")


def outdated(slos: Slos, windows: Spec) -> list[str]:
    """Return the files that are not what the configuration gives."""
    expected = generated(slos, windows)
    return [
        str(path)
        for path, text in expected.items()
        if yaml.safe_load(require(path).read_text()) != yaml.safe_load(text)
    ]


def table(found: list[Budget]) -> str:
    """Return the budgets as text."""
    windows = [*dict.fromkeys(window for one in found for window in one.burn)]
    rows = [["slo", "objective", "budget left", *(f"burn {each}" for each in windows)]]
    for one in found:
        left = "unknown" if one.remaining is None else f"{one.remaining:.1%}"
        burn = [f"{one.burn[each]:.2f}" if each in one.burn else "" for each in windows]
        rows.append([one.slo.name, f"{one.slo.objective:g} %", left, *burn])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def main() -> None:
    """Print the budgets and write `reports/slo.html`, or write the rules."""
    parser = argparse.ArgumentParser(prog="poe slo", description="Show error budgets: reports/slo.html.")
    parser.add_argument("--write", action="store_true", help="write monitoring/rules/slo.yaml from config/slo.yaml")
    parser.add_argument("--prometheus", metavar="URL", help="default: the address in config/error_budget.yaml")
    arguments = parser.parse_args()
    with exit_on_user_error("slo"):
        slos, windows = Slos.load(), Windows.load()
        if arguments.write:
            for path, text in generated(slos, windows).items():
                write_text(text, path)
        elif old := outdated(slos, windows):
            raise UserError(f"{', '.join(old)}: not what config/slo.yaml gives: `uv run poe slo --write` writes it")
        address = arguments.prometheus or ErrorBudget.load().prometheus
        found = budgets(slos, address) if address else [Budget(slo, None, {}) for slo in slos.slos]
        print(table(found))
        if not address:
            print("no Prometheus has measured this: set its address in config/error_budget.yaml, or --prometheus URL")
        template = environment().get_template("slo.html.j2")
        write_text(template.render(service=slos.service, budgets=found, address=address, windows=windows), PAGE)


if __name__ == "__main__":
    main()
