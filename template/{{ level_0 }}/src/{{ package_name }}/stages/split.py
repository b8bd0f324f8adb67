# Managed by copier-mlops: an update merges with your edits.
"""Set test rows aside."""

from .. import data
from ..config import load_params
from ..errors import UserError
from ..files import RAW, TEST, TRAIN, read_table, write_table


def main() -> None:
    """Write the rows to train on and the rows to test on.

    Raises:
        UserError: one of the two is empty.
    """
    train, test = data.split(read_table(RAW), load_params().split)
    if train.empty or test.empty:
        raise UserError(f"{len(train)} rows to train on and {len(test)} to test on: check `split` in params.yaml")
    write_table(train, TRAIN)
    write_table(test, TEST)
