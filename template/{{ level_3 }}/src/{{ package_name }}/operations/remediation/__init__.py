# Managed by copier-mlops: an update merges with your edits.
"""Maps alerts of Alertmanager to actions, verifies them, undoes what made it worse, and escalates to a person.

`decision` decides, `store` keeps, `worker` acts, `receiver` receives: docs/decisions/0031-remediation-acts-within-a-policy.md
"""
