"""Print what Weights & Biases keeps in .wandb/ of each run that waits to be sent, the oldest first."""

import hashlib
import json
from pathlib import Path

from wandb.proto.wandb_internal_pb2 import Record

FILE_HEADER, BLOCK, HEADER = 7, 32768, 7  # of the log format of LevelDB, in which runs are kept
FULL_OR_LAST = {1, 4}


def records(path):
    data, at, record = path.read_bytes(), FILE_HEADER, b""
    while at + HEADER <= len(data):
        if BLOCK - at % BLOCK < HEADER:  # too little of the block is left for a header
            at += BLOCK - at % BLOCK
            continue
        length, kind = int.from_bytes(data[at + 4 : at + 6], "little"), data[at + 6]
        record += data[at + HEADER : at + HEADER + length]
        at += HEADER + length
        if kind in FULL_OR_LAST:
            yield Record.FromString(record)
            record = b""


def sha256(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def values(items):
    return {item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in items}


def facts(path):
    found = {"config": {}, "summary": {}, "history": [], "artifacts": []}
    for record in records(path):
        kind = record.WhichOneof("record_type")
        if kind == "run":
            found |= {"project": record.run.project, "group": record.run.run_group}
            found["config"] |= values(record.run.config.update)
        elif kind == "summary":
            found["summary"] |= values(record.summary.update)
        elif kind == "history":
            found["history"].append(values(record.history.item))
        elif kind == "artifact" or (kind == "request" and record.request.WhichOneof("request_type") == "log_artifact"):
            artifact = record.artifact if kind == "artifact" else record.request.log_artifact.artifact
            hashes = {each.path: sha256(each.local_path) for each in artifact.manifest.contents}
            found["artifacts"].append({"type": artifact.type, "name": artifact.name, "sha256": hashes})
    (found["table"],) = [json.loads(table.read_text()) for table in path.parent.glob("files/media/table/*.json")]
    return found


print(json.dumps([facts(path) for path in sorted(Path(".wandb").glob("offline-run-*/run-*.wandb"))]))
