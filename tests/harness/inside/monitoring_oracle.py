"""Print this project's drift statistics beside those of SciPy and scikit-learn, as pairs that should be equal."""

import json
import sys
from importlib import import_module

import numpy as np
import pandas as pd
from scipy import stats
from sklearn.metrics import roc_auc_score

package = sys.argv[2]
drift = import_module(f"{package}.monitoring.drift")
performance = import_module(f"{package}.monitoring.performance")
metrics = import_module(f"{package}.pipeline.metrics")
Reference = import_module(f"{package}.monitoring.reference").Reference
rng = np.random.default_rng(0)
one, other = rng.normal(0, 1, 4_000), rng.normal(0.1, 1, 900)
distance, p_value = drift.kolmogorov_smirnov(np.sort(one), other)
scipy = stats.ks_2samp(one, other, method="asymp")
before, after = pd.Series({"a": 700, "b": 300}), pd.Series({"a": 120, "b": 80})
shares = stats.chi2_contingency([[700, 300], [120, 80]], correction=False)
probability = np.r_[rng.beta(2, 5, 20_000)]
truth = (rng.random(20_000) < probability).astype(int)
output = pd.Series([[1 - p, p] for p in probability])
expectation = performance.Expectation(Reference(pd.DataFrame(), pd.Series(truth), output, [0, 1]))
prediction = performance.as_prediction(output, [0, 1])
other_truth = pd.Series((rng.random(20_000) < probability).astype(int))
calm = expectation.surprise(other_truth, prediction)
changed = expectation.surprise(pd.Series((rng.random(20_000) < 1 - probability).astype(int)), prediction)
zeros = pd.Series([0] * 200)
one_class = performance.Expectation(Reference(pd.DataFrame(), zeros, output.head(200), [0, 1]))
truth_of_one_class = performance.Truth(
    zeros, prediction.head(200), zeros.astype(float), pd.DataFrame(index=zeros.index)
)
measured = performance.intervals(lambda some: metrics.performance(some.target, some.prediction), truth_of_one_class)
print(
    json.dumps(
        {
            "ks": [distance, float(scipy.statistic)],
            "ks_p": [p_value, float(scipy.pvalue)],
            "chi_square_p": [drift.chi_square(before, after)[1], float(shares.pvalue)],
            "holm": [drift.holm(np.array([0.01, 0.04, 0.03])).tolist(), [0.03, 0.06, 0.06]],
            "roc_auc": [expectation.estimate(prediction)["roc_auc"], float(roc_auc_score(truth, probability))],
            "calm": calm,
            "changed": changed,
            "one_class": [*measured, *one_class.estimate(prediction.head(200))],
            "one_class_is_finite": bool(np.isfinite(one_class.surprise(zeros, prediction.head(200)))),
        }
    )
)
