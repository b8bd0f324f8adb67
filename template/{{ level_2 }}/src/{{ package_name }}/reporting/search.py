# Managed by copier-mlops: an update merges with your edits.
"""One page about a study of `poe search`."""

import base64
import io
import warnings
from typing import Any

from ..core.io import write_text
from ..core.paths import REPORTS
from .html import environment

PAGE = REPORTS / "search.html"
BEST = 10  # trials in the table


def write(study: Any) -> None:
    """Write the page."""
    trials = [trial for trial in study.get_trials(deepcopy=False) if trial.values]
    best = sorted(trials, key=lambda trial: trial.value, reverse=True)[:BEST]
    states = [trial.state.name.lower() for trial in study.get_trials(deepcopy=False)]
    text = (
        environment()
        .get_template("search.html.j2")
        .render(
            study=study.study_name,
            counts={state: states.count(state) for state in sorted({*states})},
            best=best,
            names=[*best[0].params] if best else [],
            figures=draw(study),
        )
    )
    write_text(text, PAGE)


def draw(study: Any) -> dict[str, str]:
    """Return the figures, drawn by Optuna, by title, each as an address that holds the picture itself."""
    import matplotlib as mpl
    from optuna.visualization import matplotlib as plots

    mpl.use("Agg")
    from matplotlib import pyplot

    drawn = {}
    for title, plot in {
        "Best score by trial": plots.plot_optimization_history,
        "Score by parameter": plots.plot_slice,
        "Score by fold, and what was pruned": plots.plot_intermediate_values,
        "Importance of the parameters": plots.plot_param_importances,
    }.items():
        picture = io.BytesIO()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Optuna calls these plots experimental
            try:
                plot(study)
            except (ValueError, RuntimeError):  # too few trials, or all of them equal
                continue
        figure = pyplot.gcf()
        figure.savefig(picture, format="png", bbox_inches="tight", dpi=100)
        pyplot.close(figure)
        drawn[title] = f"data:image/png;base64,{base64.b64encode(picture.getvalue()).decode()}"
    return drawn
