# Managed by copier-mlops: an update merges with your edits.
"""One page about a study of `poe search`."""

import warnings
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import optuna
from matplotlib import pyplot
from optuna.visualization import matplotlib as plots

from ..core.paths import REPORTS
from .html import write_page
from .pages import image

PAGE = REPORTS / "search.html"
BEST = 10  # trials in the table


def write(study: optuna.Study, scoring: str) -> None:
    """Write the page; a score is the negative of what `scoring` names."""
    pyplot.switch_backend("Agg")
    trials = study.get_trials(deepcopy=False)
    complete = [trial for trial in trials if trial.state == optuna.trial.TrialState.COMPLETE]
    best = sorted(complete, key=lambda trial: trial.values or [], reverse=True)[:BEST]
    names = [*best[0].params] if best else []
    counts = Counter(sorted(trial.state.name.lower() for trial in trials))
    figures = draw(study, names)
    write_page(PAGE, study=study.study_name, scoring=scoring, counts=counts, best=best, names=names, figures=figures)


def draw(study: optuna.Study, names: list[str]) -> dict[str, str]:
    """Return Optuna's figures by title, each as an address that holds the picture itself."""
    figures: dict[str, Callable[[], Any]] = {
        "Best score by trial": lambda: plots.plot_optimization_history(study),
        "Score after each fold": lambda: plots.plot_intermediate_values(study),
        "Importance of the parameters": lambda: plots.plot_param_importances(study),
        **{f"Score by {name}": partial(plots.plot_slice, study, params=[name]) for name in names},
    }
    images = {}
    for title, plot in figures.items():
        with warnings.catch_warnings(), suppress(ValueError, RuntimeError):  # too few trials, or all of them equal
            warnings.simplefilter("ignore")  # Optuna calls these plots experimental
            axes = plot()
            axes.set_title("", loc="left")  # Optuna's, of one plot
            axes.set_title(title)
            images[title] = image(axes, bbox_inches="tight")
        pyplot.close("all")
    return images
