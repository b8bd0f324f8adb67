# Managed by copier-mlops: an update merges with your edits.
"""An action that sends a message and leaves the rest to a person."""

from ....registry import notifications
from . import Action

page = Action(lambda policy: {}, lambda policy, remedy: notifications.send(f"Page: {remedy.title}"))
