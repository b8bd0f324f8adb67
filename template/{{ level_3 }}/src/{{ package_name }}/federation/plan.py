# Managed by copier-mlops: an update merges with your edits.
"""What sites agree on before they learn: columns, features and settings, from public knowledge and from no row."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
import pandas as pd
import yaml
from pydantic import BaseModel, Field, PositiveFloat, PositiveInt, model_validator
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, MinMaxScaler

from .. import FOLDER
from ..core.errors import UserError
from ..core.inputs import Inputs
from ..core.settings import Settings
from ..modeling.data import TARGET
from ..modeling.features import build_features

LARGEST = 32.0  # weight that SecAgg+ can add up
CONTRACT = Path(FOLDER, "expectations/raw.yaml")
Values = Annotated[list[bool | int | float | str], Field(min_length=1)]


class Privacy(BaseModel, extra="forbid", frozen=True):
    """How much the models of a run may depend on a row."""

    epsilon: PositiveFloat | None
    delta: Annotated[float, Field(gt=0, lt=1)]
    clip: PositiveFloat  # length of the gradient of a row


class Rules(BaseModel, extra="forbid", frozen=True):
    """How sites learn."""

    model: Literal["linear", "xgboost"]
    min_sites: Annotated[int, Field(ge=2)]
    rounds: PositiveInt
    local_steps: PositiveInt
    bins: Annotated[int, Field(ge=2)]
    round_timeout_seconds: PositiveInt
    wait_seconds: PositiveInt
    secure_aggregation: bool
    privacy: Privacy

    @property
    def least(self) -> int:
        """The number of sites that a run needs."""
        return max(self.min_sites, 3 if self.secure_aggregation else 2)


class Federated(Settings, Rules, env_prefix="FEDERATED_"):
    """The schema of `config/federated.yaml`."""

    address: Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]+:[0-9]+$")]
    sites: dict[Annotated[str, Field(pattern="^[A-Za-z0-9-]+$")], Path]
    columns: dict[str, Values]

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if len(self.sites) < self.least:
            raise ValueError(f"at least {self.least} sites are needed")
        if self.model == "xgboost" and (self.secure_aggregation or self.privacy.epsilon):
            raise ValueError("secure_aggregation and epsilon are for model: linear")
        return self


class Plan(BaseModel, frozen=True):
    """All that a site needs to know, as JSON."""

    rules: Rules
    sites: int
    inputs: Inputs  # of the model
    rows: dict[str, list[Any]]  # features are fitted on these
    target: Values  # all classes, in order; or the bounds of a number
    classes: bool
    trees: dict[str, Any]  # parameters of XGBoost

    @classmethod
    def of(cls, settings: Federated, inputs: Inputs, classes: bool, trees: dict[str, Any]) -> Self:
        """Return the plan for the columns of a model.

        Raises:
            UserError: a column has no public values, or the model cannot learn this target.
        """
        known: dict[str, Values] = {**_contract(), **settings.columns}
        known |= {each.name: [False, True] for each in inputs.columns if each.type == "boolean"}
        names = [*(each.name for each in inputs.columns), TARGET]
        if unknown := sorted({*settings.columns} - {*names}):
            raise UserError(f"{settings.path()}: columns: there is no feature {unknown[0]}")
        if missing := [name for name in names if not known.get(name)]:
            places = f"neither {CONTRACT} nor `columns` in {settings.path()}"
            raise UserError(f"{', '.join(missing)}: {places} has bounds or values")
        target = sorted(known[TARGET]) if classes else [min(known[TARGET]), max(known[TARGET])]
        if settings.model == "xgboost" and len(target) > 2:
            raise UserError(f"{settings.path()}: model: xgboost is for two classes or a number, linear for any target")
        lists = {each.name: [*known[each.name], *([] if each.required else [None])] for each in inputs.columns}
        longest = max(map(len, lists.values()))
        rows = {name: [found[n % len(found)] for n in range(longest)] for name, found in lists.items()}
        rules = Rules(**settings.model_dump(include={*Rules.model_fields}))
        return cls(
            rules=rules,
            sites=len(settings.sites),
            inputs=inputs,
            rows=rows,
            target=target,
            classes=classes,
            trees=trees,
        )

    @property
    def scale(self) -> tuple[float, float]:
        """The middle of a target that is a number, and half the distance of its bounds."""
        low, high = (float(each) for each in self.target)
        return (high + low) / 2, (high - low) / 2

    @property
    def outputs(self) -> int:
        """How many numbers a linear model computes: one for a number and for two classes."""
        return len(self.target) if self.classes and len(self.target) > 2 else 1

    def public_rows(self) -> pd.DataFrame:
        """Return rows in which each column has its bounds or all its values."""
        return self.inputs.from_table(pd.DataFrame(self.rows))

    def untrained(self) -> np.ndarray:
        """Return the weights before the first round, shape (features + 1, outputs)."""
        return np.zeros((self.transformer().transform(self.public_rows()).shape[1] + 1, self.outputs))

    def curvature(self) -> float:
        """Return the most that the gradient of a linear model can change with its weights: by rows as long as the longest public one."""
        longest = (self.transformer().transform(self.public_rows()) ** 2).sum(axis=1).max() + 1
        return float(longest) * (1.0 if not self.classes else 0.25 if self.outputs == 1 else 0.5)

    def transformer(self) -> Pipeline:
        """Return the project's features, then numbers from -1 to 1, or bins; it is fitted on public rows alone.

        A missing number becomes the mean of the public ones.
        """
        steps = [build_features(), SimpleImputer(keep_empty_features=True), MinMaxScaler((-1, 1), clip=True)]
        if self.rules.model == "xgboost":
            steps.append(KBinsDiscretizer(self.rules.bins, encode="ordinal", strategy="uniform"))
        return make_pipeline(*steps).fit(self.public_rows())

    def assemble(self, arrays: list[np.ndarray], untrained: Any) -> Pipeline:
        """Return the model that sites have learned: raw columns in, predictions out.

        Args:
            arrays: weights, shape (features + 1, outputs), or a booster as bytes.
            untrained: the project's estimator, whose trees are replaced.
        """
        estimator: Any
        if self.rules.model == "xgboost":
            estimator = untrained
            estimator.load_model(bytearray(arrays[0].tobytes()))
            estimator._labels = np.array(self.target)  # of LabelEncodingXGBClassifier
        elif self.classes:
            estimator = LogisticRegression()
            estimator.classes_ = np.array(self.target)
            estimator.coef_, estimator.intercept_ = arrays[0][:-1].T, arrays[0][-1]
        else:
            (middle, half), weights, estimator = self.scale, arrays[0][:, 0], LinearRegression()
            estimator.coef_, estimator.intercept_ = weights[:-1] * half, weights[-1] * half + middle
        return make_pipeline(self.transformer(), estimator)


def _contract() -> dict[str, Values]:
    """Return the bounds or values of columns that the data contract has."""
    found: dict[str, Values] = {}
    for entry in yaml.safe_load(CONTRACT.read_text(encoding="utf-8")) if CONTRACT.exists() else []:
        for arguments in filter(None, entry.values()):
            bounds = [arguments.get("min_value"), arguments.get("max_value")]
            if "expect_column_values_to_be_in_set" in entry:
                found[arguments["column"]] = arguments["value_set"]
            elif "expect_column_values_to_be_between" in entry and None not in bounds:
                found.setdefault(arguments["column"], bounds)
    return found
