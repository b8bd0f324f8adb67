"""The command `copier-mlops`: makes repositories from the template, and raises and updates them."""

import os

# Git sets these for a hook, and Copier's Git would write to the project's index instead of to that of its own clones. They go
# before Copier is imported: programs that it starts get the environment of that moment.
for variable in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY"):
    os.environ.pop(variable, None)
