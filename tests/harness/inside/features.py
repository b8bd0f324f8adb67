"""Run `poe features` for each list of arguments in one process, as the import of Feast takes seconds; print what each printed."""

import contextlib
import io
import json
import sys

import store

results = []
for arguments in json.loads(sys.argv[1]):
    sys.argv, printed, code = ["features", *arguments], io.StringIO(), 0
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        try:
            store.main()
        except SystemExit as end:
            code = end.code
    results.append([code, printed.getvalue()])
print(json.dumps(results))
