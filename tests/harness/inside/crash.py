"""Promote a version, but die just before the given write to registry or audit log: MODEL PACKAGE VERSION NUMBER."""

import os
import signal
import sys
from importlib import import_module
from itertools import count

from mlflow import MlflowClient

model, package, version, number = sys.argv[1:]
audit = import_module(f"{package}.registry.audit")
promotion = import_module(f"{package}.registry.promotion")
writes = count(1)


def dying(write):
    def counted(*arguments):
        if next(writes) == int(number):
            os.kill(os.getpid(), signal.SIGKILL)
        return write(*arguments)

    return counted


audit.append = dying(audit.append)
MlflowClient.set_registered_model_alias = dying(MlflowClient.set_registered_model_alias)
MlflowClient.set_registered_model_tag = dying(MlflowClient.set_registered_model_tag)
promotion.promote(model, version, promotion.claimed("Grace"))
