# Managed by copier-mlops: an update merges with your edits.
"""What can go wrong in a way that the user can mend."""


class UserError(Exception):
    """Says in a line what is wrong and what to do; shown without a traceback."""
