# Managed by copier-mlops: an update merges with your edits.
"""Turns `config/slo.yaml` into rules of Prometheus, with the names, labels and expressions of Sloth 0.16, and tests of them.

Method: multi-window, multi-burn-rate alerts (Google's Site Reliability Workbook 2018, chapter 5). It assumes that Prometheus
keeps the data of the period, and weighs all five minutes of it alike.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from ..core.slo import RATIO, REMAINING, Slo, Slos, Spec, Window, duration

RULES, TESTS = Path("monitoring/rules/slo.yaml"), Path("monitoring/tests/slo.yaml")
HEADER = "# Managed by copier-mlops: an update merges with your edits.\n# Written by `poe slo --write` from config/slo.yaml.\n"
TITLE = "({}) {{{{$labels.sloth_service}}}} {{{{$labels.sloth_slo}}}} SLO error budget burn rate is too fast."
SUMMARY = "{{$labels.sloth_service}} {{$labels.sloth_slo}} SLO error budget burn rate is over expected."
SEVERITIES = ("page", "ticket")
MINUTES = 6  # of a test
Group = dict[str, Any]


def manifest(slos: Slos, windows: Spec) -> dict[str, Any]:
    """Return the rules as the Prometheus Operator reads them."""
    groups = [group for slo in slos.slos for group in _groups(_Rules(slos, slo, windows))]
    kind = {"apiVersion": "monitoring.coreos.com/v1", "kind": "PrometheusRule", "metadata": {"name": "slo"}}
    return {**kind, "spec": {"groups": groups}}


def _groups(of: "_Rules") -> Iterator[Group]:
    parts = ("sli-recordings", of.recordings()), ("meta-recordings", of.metadata()), ("alerts", of.alerts())
    for name, rules in parts:
        if found := [*rules]:
            yield {"name": f"sloth-slo-{name}-{of.id}", "rules": found}


class _Rules:
    """The rules of an objective."""

    def __init__(self, slos: Slos, slo: Slo, windows: Spec) -> None:
        self.slo, self.windows, self.id = slo, windows, f"{slos.service}-{slo.name}"
        self.ids = {"sloth_id": self.id, "sloth_service": slos.service, "sloth_slo": slo.name}
        self.labels = {**slos.labels, **slo.labels}
        self.select = "{" + ", ".join(f'{name}="{value}"' for name, value in self.ids.items()) + "}"
        self.base = f"{RATIO}{duration(windows.page.quick.short_window)}"
        self.period = duration(windows.slo_period)

    def recordings(self) -> Iterator[dict[str, Any]]:
        """Yield the ratio of errors in each window, and in the period as the mean of the shortest ones."""
        events, raw = self.slo.sli.events, self.slo.sli.raw
        expression = f"({events.error_query})\n/\n({events.total_query})\n" if events else f"({raw.error_ratio_query})"
        for seconds in sorted({each for one in self.windows.windows for each in (one.short_window, one.long_window)}):
            yield self._ratio(duration(seconds), expression.replace("{{.window}}", duration(seconds)))
        mean = "\n".join(f"{part}_over_time({self.base}{self.select}[{self.period}])" for part in ("sum", "count"))
        yield self._ratio(self.period, mean.replace("\n", "\n/ ignoring (sloth_window)\n") + "\n")

    def _ratio(self, window: str, expression: str) -> dict[str, Any]:
        labels = {**self.ids, "sloth_window": window, **self.labels}
        return {"record": f"{RATIO}{window}", "expr": expression, "labels": labels}

    def metadata(self) -> Iterator[dict[str, Any]]:
        """Yield objective, budget, burn rates, and what is left of the budget."""
        ratio, labels = _number(self.slo.objective / 100), {**self.ids, **self.labels}
        per_budget = f"{self.select}\n/ on(sloth_id, sloth_slo, sloth_service) group_left\nslo:error_budget:ratio{self.select}\n"
        expressions = {
            "slo:objective:ratio": f"vector({ratio})",
            "slo:error_budget:ratio": f"vector(1-{ratio})",
            "slo:time_period:days": f"vector({_number(self.windows.slo_period / 86_400)})",
            "slo:current_burn_rate:ratio": f"{self.base}{per_budget}",
            "slo:period_burn_rate:ratio": f"{RATIO}{self.period}{per_budget}",
            REMAINING: f"1 - slo:period_burn_rate:ratio{self.select}",
        }
        for name, expression in expressions.items():
            yield {"record": name, "expr": expression, "labels": labels}
        made = {"sloth_version": "copier-mlops", "sloth_mode": "cli-gen-prom", "sloth_spec": "prometheus/v1"}
        labels = {**labels, **made, "sloth_objective": _number(self.slo.objective)}
        yield {"record": "sloth_slo_info", "expr": "vector(1)", "labels": labels}

    def alerts(self) -> Iterator[dict[str, Any]]:
        """Yield the alert of each severity that is not disabled."""
        alerting = self.slo.alerting
        for severity in SEVERITIES:
            own, pair = getattr(alerting, f"{severity}_alert"), getattr(self.windows, severity)
            if not own.disable:
                yield {
                    "alert": alerting.name,
                    "expr": f"(\n{self._burning(pair.quick)})\nor\n(\n{self._burning(pair.slow)})\n",
                    "labels": {"sloth_severity": severity, **alerting.labels, **own.labels},
                    "annotations": {
                        "title": TITLE.format(severity),
                        "summary": SUMMARY,
                        **alerting.annotations,
                        **own.annotations,
                    },
                }

    def _burning(self, window: Window) -> str:
        limit = f"({_number(self.factor(window))} * {_number(self.slo.budget)})"
        conditions = [
            f"    max({RATIO}{duration(each)}{self.select} > {limit}) without (sloth_window)\n"
            for each in (window.short_window, window.long_window)
        ]
        return "    and\n".join(conditions)

    def factor(self, window: Window) -> float:
        """Return the burn rate at which the long window spends its share of the budget."""
        return window.error_budget_percent * (self.windows.slo_period / 3600) / 100 / (window.long_window / 3600)


def tests(slos: Slos, windows: Spec) -> dict[str, Any]:
    """Return tests for promtool: a fast burn fires each alert, an allowed one none, and one that ended none."""
    rules = [_Rules(slos, slo, windows) for slo in slos.slos]
    short = {one.short_window for one in windows.windows}
    every = short | {one.long_window for one in windows.windows}
    quick = 1.1 * max(_Rules.factor(rules[0], one) for one in windows.windows)
    left = [
        {
            "expr": f"round({REMAINING}{one.select}, 0.001)",
            "eval_time": f"{MINUTES}m",
            "exp_samples": [{"labels": _selector({**one.ids, **one.labels}), "value": 0.1}],
        }
        for one in rules
    ]
    return {
        "rule_files": ["../rules/*.yaml"],
        "evaluation_interval": "1m",
        "tests": [
            _test("a budget that burns faster than any limit", rules, dict.fromkeys(every, quick), fire=True),
            _test("a tenth of the budget is left", rules, dict.fromkeys(every, 0.9), fire=False)
            | {"promql_expr_test": left},
            _test("what burned has ended", rules, {each: 0 if each in short else quick for each in every}, fire=False),
        ],
    }


def _test(name: str, rules: list[_Rules], burn: dict[int, float], fire: bool) -> dict[str, Any]:
    """Return a test with a burn rate of all objectives in each window, in seconds."""
    series = [
        {"series": RATIO + window + _selector(labels), "values": f"{_number(burn[each] * one.slo.budget)}x{MINUTES}"}
        for one in rules
        for each in sorted(burn)
        for window in [duration(each)]
        for labels in [{**one.ids, "sloth_window": window, **one.labels}]
    ]
    alerts = [
        {
            "eval_time": f"{MINUTES}m",
            "alertname": one.slo.alerting.name,
            "exp_alerts": [
                {
                    "exp_labels": {**one.ids, **one.labels, **alert["labels"]},
                    "exp_annotations": {key: _filled(text, one.ids) for key, text in alert["annotations"].items()},
                }
                for alert in (one.alerts() if fire else ())
            ],
        }
        for one in rules
    ]
    return {"name": name, "interval": "1m", "input_series": series, "alert_rule_test": alerts}


def _filled(text: str, ids: dict[str, str]) -> str:
    for name, value in ids.items():
        text = text.replace(f"{{{{$labels.{name}}}}}", value)
    return text


def _selector(labels: dict[str, str]) -> str:
    return "{" + ", ".join(f'{name}="{value}"' for name, value in labels.items()) + "}"


def _number(value: float) -> str:
    """Return a number as Go writes it."""
    return repr(float(value)).removesuffix(".0")


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as such, and a value that occurs twice in full."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


_Dumper.add_representer(
    str, lambda to, text: to.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)
)


def written(content: dict[str, Any]) -> str:
    """Return the text of a file."""
    return HEADER + yaml.dump(content, Dumper=_Dumper, sort_keys=False, width=10_000, allow_unicode=True)
