# Managed by copier-mlops: an update merges with your edits.
"""Split the raw data into training and test rows."""

from ...core.column_types import example
from ...core.errors import UserError
from ...core.io import read_table, write_table
from ...core.paths import RAW, TEST, TRAIN
from ...modeling import data
from ..params import load_params


def main() -> None:
    """Write the training rows and the test rows.

    Raises:
        UserError: one of the two is empty, or all training rows have one target.
    """
    train, test = data.split(read_table(RAW), load_params().split)
    if train.empty or test.empty:
        raise UserError(f"{len(train)} rows to train on and {len(test)} to test on: check `split` in params.yaml")
    if (target := train[data.TARGET]).nunique() < 2:
        raise UserError(
            f"{data.TARGET} is {example(target)} in all {len(train)} training rows: there is nothing to learn"
        )
    write_table(train, TRAIN)
    write_table(test, TEST)
