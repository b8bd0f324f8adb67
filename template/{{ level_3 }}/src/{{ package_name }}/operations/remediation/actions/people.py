# Managed by copier-mlops: an update merges with your edits.
"""Actions that leave it to a person."""

from ....registry import notifications
from . import Action

page = Action(lambda policy: {}, lambda policy, remedy: notifications.send(f"Page: {remedy.title}"))
