# Managed by copier-mlops: an update merges with your edits.
"""Shows what is left of the error budgets, and writes the rules of Prometheus for `config/slo.yaml`: `poe slo`.

Method: multi-window, multi-burn-rate alerts (Google's Site Reliability Workbook 2018, chapter 5), as Sloth generates them.
It assumes that Prometheus keeps its data for the period, and weighs all short windows in it alike.
"""

import argparse
from pathlib import Path
from typing import Any

from ..core.config import load
from ..core.errors import exit_on_user_error
from ..core.io import write_text
from ..core.slo import WINDOWS, AlertWindows, Budget, ErrorBudget, Slo, Slos, Windows, budgets, seconds
from ..reporting.html import environment

FILES = {"slo_rules.yaml.j2": Path("monitoring/rules/slo.yaml"), "slo_tests.yaml.j2": Path("monitoring/tests/slo.yaml")}
SUMMARY = "{{$labels.sloth_service}} {{$labels.sloth_slo}} SLO error budget burn rate is"


def generated(slos: Slos, windows: Windows) -> dict[Path, str]:
    """Return the rules of the objectives, and tests of them for promtool, by the path of the file."""
    jinja, short = environment(), {one.short_window for one in windows.all}
    jinja.filters["selector"] = _selector
    values = {
        "slos": [_described(slos, slo, windows) for slo in slos.slos],
        "windows": sorted(short | {one.long_window for one in windows.all}, key=seconds),
        "short_windows": short,
        "period": windows.slo_period,
        "days": _number(seconds(windows.slo_period) / 86_400),
        "fast": 1.1 * max(map(windows.burn, windows.all)),
    }
    return {path: jinja.get_template(name).render(values) for name, path in FILES.items()}


def _described(slos: Slos, slo: Slo, windows: Windows) -> dict[str, Any]:
    """Return what the templates need of an objective."""
    ids = {"sloth_id": f"{slos.service}-{slo.name}", "sloth_service": slos.service, "sloth_slo": slo.name}
    (queries,) = slo.sli.values()
    severities = ("page", slo.alerting.page_alert, windows.page), ("ticket", slo.alerting.ticket_alert, windows.ticket)
    return {
        "ids": ids,
        "selector": _selector(ids),
        "labels": {**ids, **slos.labels, **slo.labels},
        "expression": "\n/\n".join(f"({queries[name]})" for name in sorted(queries)),
        "objective": _number(slo.objective),
        "ratio": _number(slo.objective / 100),
        "budget": slo.budget,
        "alert": slo.alerting.name,
        "alerts": [
            {
                "labels": {"sloth_severity": severity, **slo.alerting.labels, **alert.labels},
                "annotations": {
                    "title": f"({severity}) {SUMMARY} too fast.",
                    "summary": f"{SUMMARY} over expected.",
                    **slo.alerting.annotations,
                    **alert.annotations,
                },
                "conditions": [(_number(windows.burn(one)), one) for one in pair.values()],
            }
            for severity, alert, pair in severities
            if not alert.disable
        ],
    }


def _selector(labels: dict[str, str]) -> str:
    return "{" + ", ".join(f'{name}="{value}"' for name, value in labels.items()) + "}"


def _number(value: float) -> str:
    """Return a number as Go writes it."""
    return repr(float(value)).removesuffix(".0")


def table(found: list[Budget]) -> str:
    """Return the budgets as text."""
    rows = [["objective", "percent", "budget left", "burn rate by window"]]
    for one in found:
        left = "unknown" if one.remaining is None else f"{one.remaining:.1%}"
        burn = ", ".join(f"{window} {rate:.2f}" for window, rate in one.burn.items())
        rows.append([one.slo.name, f"{one.slo.objective:g}", left, burn])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def main() -> None:
    """Print the budgets, or write the rules."""
    parser = argparse.ArgumentParser(prog="poe slo", description="Show what is left of the error budgets.")
    parser.add_argument("--write", action="store_true", help="write the rules for config/slo.yaml, and their tests")
    parser.add_argument("--prometheus", metavar="URL", help="default: the address in config/error_budget.yaml")
    arguments = parser.parse_args()
    with exit_on_user_error("slo"):
        slos = Slos.load()
        if arguments.write:
            for path, text in generated(slos, load(WINDOWS, AlertWindows).spec).items():
                write_text(text, path)
                print(f"{path} is written")
            return
        address = arguments.prometheus or ErrorBudget.load().prometheus
        found = budgets(slos, address) if address else [Budget(slo, None, {}) for slo in slos.slos]
        print(table(found))
        if not address:
            print("nothing is measured: write the address of a Prometheus to config/error_budget.yaml")


if __name__ == "__main__":
    main()
