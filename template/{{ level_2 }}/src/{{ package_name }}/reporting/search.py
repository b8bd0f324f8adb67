# Managed by copier-mlops: an update merges with your edits.
"""One page about a study of `poe search`."""

import base64
import io
import warnings
from collections import Counter

import matplotlib as mpl
import optuna
from optuna.visualization import matplotlib as plots

from ..core.io import write_text
from ..core.paths import REPORTS
from .html import environment

PAGE = REPORTS / "search.html"
BEST = 10  # trials in the table
PLOTS = {
    "Best score by trial": plots.plot_optimization_history,
    "Score by parameter": plots.plot_slice,
    "Score by fold, and what was pruned": plots.plot_intermediate_values,
    "Importance of the parameters": plots.plot_param_importances,
}


def write(study: optuna.Study) -> None:
    """Write the page."""
    trials = study.get_trials(deepcopy=False)
    complete = [trial for trial in trials if trial.state == optuna.trial.TrialState.COMPLETE]
    best = sorted(complete, key=lambda trial: trial.values, reverse=True)[:BEST]
    text = (
        environment()
        .get_template("search.html.j2")
        .render(
            study=study.study_name,
            counts=Counter(sorted(trial.state.name.lower() for trial in trials)),
            best=best,
            names=[*best[0].params] if best else [],
            figures=draw(study),
        )
    )
    write_text(text, PAGE)


def draw(study: optuna.Study) -> dict[str, str]:
    """Return Optuna's figures by title, each as an address that holds the picture itself."""
    mpl.use("Agg")
    from matplotlib import pyplot

    drawn = {}
    for title, plot in PLOTS.items():
        picture = io.BytesIO()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Optuna calls these plots experimental
            try:
                plot(study)
            except (ValueError, RuntimeError):  # too few trials, or all of them equal
                continue
            finally:
                figure = pyplot.gcf()
                pyplot.close(figure)
        figure.savefig(picture, format="png", bbox_inches="tight", dpi=100)
        drawn[title] = f"data:image/png;base64,{base64.b64encode(picture.getvalue()).decode()}"
    return drawn
