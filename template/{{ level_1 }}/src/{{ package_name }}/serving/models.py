# Managed by copier-mlops: an update merges with your edits.
"""The models that the server answers with: loaded from the registry, and anew whenever their alias moves."""

import asyncio
import gc
import json
import logging
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
from mlflow.exceptions import MlflowException

from ..errors import UserError
from ..tracking import FAST_PATH, connected
from .inputs import KINDS, Column, Inputs, RequestError
from .instruments import Instruments
from .predictors import NativePredictor, OnnxPredictor, Predictor

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Served:
    """A version of a model, ready to predict."""

    name: str
    version: str
    inputs: Inputs
    predictor: Predictor
    example: list[dict[str, Any]]  # rows to try it with


class Models:
    """The newest version that could be loaded of each model."""

    def __init__(self, names: list[str], alias: str, instruments: Instruments) -> None:
        self.draining = False  # true once the server was told to stop
        self._alias = alias
        self._instruments = instruments
        self._served: dict[str, Served | None] = dict.fromkeys(names)
        self._told: dict[str, str] = {}  # what was logged of each model last
        for name in names:
            instruments.waiting(name)

    @property
    def names(self) -> list[str]:
        """Return the names of all models, loaded or not."""
        return [*self._served]

    @property
    def ready(self) -> bool:
        """Tell whether requests are welcome: every model is there, and the server does not stop."""
        return not self.draining and not self.missing

    @property
    def missing(self) -> list[str]:
        """Return the names of the models of which no version could be loaded yet."""
        return [name for name, served in self._served.items() if served is None]

    def find(self, name: str) -> Served | None:
        """Return the model that answers, if there is one."""
        return self._served.get(name)

    def get(self, name: str, version: str | None = None) -> Served:
        """Return the model that answers.

        Raises:
            RequestError: there is no model of that name, or none of its versions, or not that version, is there.
        """
        if name not in self._served:
            raise RequestError(404, f"there is no model {name}; there are {', '.join(self._served)}")
        if (served := self._served[name]) is None:
            raise RequestError(503, self.none_yet(name))
        if version not in {None, served.version}:
            raise RequestError(404, f"version {version} of {name} is not here; version {served.version} is")
        return served

    def none_yet(self, name: str) -> str:
        """Return what users are told of a missing model; the reason may hold addresses, so that is for the log."""
        return f"no model yet: no {name} with the alias {self._alias} could be loaded; the log of the server says why"

    async def watch(self, seconds: float) -> None:
        """Look for newer versions for ever."""
        while True:
            for name in self._served:
                await asyncio.to_thread(self.refresh, name)
            await asyncio.sleep(seconds)

    def refresh(self, name: str) -> None:
        """Load the version that the alias names, if it is another one; if that fails, the one before goes on."""
        now = self._served[name]
        try:
            with connected():
                version = self._wanted(name)
                if version is not None and not (now and now.version == version):
                    self._take(load(name, version))
        except Exception as error:  # noqa: BLE001 - whatever is wrong with one version, the server stays
            self._instruments.failed(name)
            self._tell(name, f"the version with the alias {self._alias} cannot be loaded: {_line(error)}")

    def _take(self, served: Served) -> None:
        """Answer with this version from now on."""
        before = self._served[served.name]
        self._served[served.name] = served
        path = served.predictor.path
        self._instruments.loaded(
            served.name, served.version, path, (before.version, before.predictor.path) if before else None
        )
        self._tell(served.name, f"version {served.version} answers, by its {path} path")
        # The libraries stay: looking through them for garbage again and again would hold up requests.
        gc.unfreeze()
        gc.collect()
        gc.freeze()

    def _wanted(self, name: str) -> str | None:
        try:
            version = mlflow.MlflowClient().get_registered_model(name).aliases.get(self._alias)
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            version = None
        if version is None:
            self._tell(name, f"no version is the {self._alias} yet: `poe promote` makes one, MODEL_ALIAS names another")
            return None
        return str(version)

    def _tell(self, name: str, what: str) -> None:
        """Log what happened to a model, once."""
        if self._told.get(name) != what:
            log.info("%s: %s", name, what)
            self._told[name] = what


def load(name: str, version: str) -> Served:
    """Return a version from the registry, by its fast path if it was registered with one.

    Raises:
        UserError: its signature has a column that JSON cannot hold, or there is no signature.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(mlflow.artifacts.download_artifacts(f"models:/{name}/{version}", dst_path=folder))
        model = mlflow.models.Model.load(path)
        if model.signature is None or not model.signature.inputs.has_input_names():
            raise UserError(f"{name} {version} has no signature with named columns: log it with one")
        columns, fast = _columns(model), path / FAST_PATH
        if fast.exists():
            predictor: Predictor = OnnxPredictor(fast)
        else:
            dtypes = {column.name: column.dtype for column in columns}
            predictor = NativePredictor(mlflow.sklearn.load_model(str(path)), dtypes)
        return Served(name, version, Inputs(columns), predictor, _example(model, path))


def _line(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"


def _columns(model: Any) -> list[Column]:
    found = [(one.name, one.type.name, one.required) for one in model.signature.inputs.inputs]
    if strange := [f"{name} ({kind})" for name, kind, _ in found if kind not in KINDS]:
        raise UserError(f"JSON cannot hold the column {strange[0]}")
    return [Column(name, KINDS[kind], required) for name, kind, required in found]


def _example(model: Any, path: Path) -> list[dict[str, Any]]:
    frame = model.load_input_example(str(path))
    return [] if frame is None else json.loads(frame.to_json(orient="records", date_format="iso", double_precision=15))
