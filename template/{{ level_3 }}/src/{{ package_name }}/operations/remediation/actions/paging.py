# Managed by copier-mlops: an update merges with your edits.
"""An action that sends a message and leaves the rest to a person."""

from . import Action, page_person

page = Action(lambda policy: {}, lambda policy, remedy: page_person(remedy.title))
