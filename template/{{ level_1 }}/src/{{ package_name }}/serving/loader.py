# Managed by copier-mlops: an update merges with your edits.
"""The served models: loaded from the registry, and reloaded when an alias moves to another version."""

import asyncio
import gc
import json
import logging
import tempfile
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import mlflow
from mlflow.entities.model_registry import RegisteredModel

from ..core.errors import UserError
from ..core.inputs import DTYPES, Inputs
from ..registry.client import EXAMPLE, FAST_PATH, INPUTS, connected, download, registered, version_of
from .predictors import NativePredictor, OnnxPredictor, Predictor
from .prometheus import Metrics
from .schema import InputSchema, RequestError

log = logging.getLogger(__name__)
Source = Callable[[str, str, Path], Path | None]  # (model, version, folder) -> folder of the model


@dataclass(frozen=True)
class LoadedModel:
    """A version of a model, ready to predict."""

    name: str
    version: str
    variant: str  # the alias by which it was found
    inputs: InputSchema
    predictor: Predictor
    example: list[dict[str, Any]]  # rows for the documentation

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of its metrics."""
        return self.name, self.version, self.variant, self.predictor.path


class Models:
    """The last successfully loaded version of each model, by alias. The first alias of a model is its default."""

    def __init__(self, aliases: Mapping[str, Sequence[str]], metrics: Metrics, sources: Sequence[Source] = ()) -> None:
        self.draining = False  # set on SIGTERM
        self.aliases = aliases  # by model
        self.tags: dict[str, Mapping[str, str]] = {}  # of each registered model, as it was last read
        self._metrics = metrics
        self._sources = sources
        self._loaded: dict[str, Mapping[str, LoadedModel]] = {name: {} for name in aliases}
        self._last_logged: dict[tuple[str, str], str] = {}
        self._tried: set[str] = set()  # models whose default version was loaded, or could not be, at least once
        for name in aliases:
            metrics.ready.labels(name).set(0)
            for outcome in ("loaded", "failed"):  # counters start at 0, so that the first failure is an increase
                metrics.reloads.labels(name, outcome)

    @property
    def names(self) -> list[str]:
        """Return the names of all models, loaded or not."""
        return [*self._loaded]

    @property
    def ready(self) -> bool:
        """Return whether every model has its default version, and the server is not stopping."""
        return not self.draining and not self.missing

    @property
    def missing(self) -> list[str]:
        """Return the names of the models whose default version could not be loaded yet."""
        return [name for name, loaded in self._loaded.items() if self.aliases[name][0] not in loaded]

    @property
    def defaults(self) -> list[LoadedModel]:
        """Return the default version of each model that has one."""
        found = [loaded.get(self.aliases[name][0]) for name, loaded in self._loaded.items()]
        return [model for model in found if model]

    def loaded(self, name: str) -> Mapping[str, LoadedModel]:
        """Return the loaded versions of a model by alias, in the order of the settings."""
        return self._loaded.get(name, {})

    def versions(self, name: str) -> list[str]:
        """Return the numbers of the loaded versions of a model."""
        return [*dict.fromkeys(model.version for model in self.loaded(name).values())]

    def get(self, name: str, version: str | None = None) -> LoadedModel:
        """Return the default version of a model, or the one with this number or alias.

        Raises:
            RequestError: there is no such model, or that version is not loaded.
        """
        if (loaded := self._loaded.get(name)) is None:
            raise RequestError(404, f"there is no model {name}; there are {', '.join(self._loaded)}")
        if version is None and (default := loaded.get(self.aliases[name][0])):
            return default
        if version is None or not loaded:
            raise RequestError(503, self.not_loaded(name))
        if found := [model for model in loaded.values() if version in (model.version, model.variant)]:
            return found[0]
        raise RequestError(404, f"version {version} of {name} is not loaded; loaded: {', '.join(self.versions(name))}")

    def native(self, model: LoadedModel) -> Any:
        """Return the estimator of a loaded version, whichever its path is.

        Raises:
            UserError: it needs code that is not here.
        """
        if isinstance(model.predictor, NativePredictor):
            return model.predictor.model
        with connected(), downloaded(model.name, model.version, self._sources) as path:
            return load_native(str(path), model.name, model.version)

    def not_loaded(self, name: str) -> str:
        """Return the message for clients; the reason may hold addresses, so only the log has it."""
        if name not in self._tried:
            return f"no model yet: {name} is still being loaded, try again in a few seconds"
        alias = self.aliases[name][0]
        return f"no model yet: no {name} with the alias {alias} could be loaded; the server's log has the reason"

    async def watch(self, seconds: float) -> None:
        """Poll the registry until cancelled."""
        while True:
            for name, before in self._loaded.items():
                await asyncio.to_thread(self.refresh, name)
                if self._loaded[name] is not before:
                    await asyncio.to_thread(_exempt_from_collection)
            await asyncio.sleep(seconds)

    def refresh(self, name: str) -> None:
        """Load the versions to which the aliases have moved; on failure keep serving the current ones."""
        read = cache(partial(self._read, name))  # once for all aliases, unless it fails
        for alias in self.aliases[name]:
            try:
                with connected():
                    self._refresh(name, alias, version_of(read(), alias))
            except Exception as error:  # noqa: BLE001 - no version may stop the server
                self._metrics.reloads.labels(name, "failed").inc()
                reason = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
                self._log_once(name, alias, f"the version with the alias {alias} cannot be loaded: {reason}")
            self._tried.add(name)

    def _read(self, name: str) -> RegisteredModel | None:
        found = registered(mlflow.MlflowClient(), name)
        self.tags[name] = found.tags if found else {}
        return found

    def _refresh(self, name: str, alias: str, version: str | None) -> None:
        loaded = self._loaded[name]
        if version is None:
            default = alias == self.aliases[name][0]
            hint = ": `poe promote` sets it, SERVING_ALIASES names others" if default else ""
            self._log_once(name, alias, f"no version has the alias {alias}{hint}")
            if alias in loaded and not default:  # the default keeps serving
                self._replace(name, alias, None)
        elif alias not in loaded or loaded[alias].version != version:
            same = next((model for model in loaded.values() if model.version == version), None)
            model = replace(same or load(name, version, self._sources), variant=alias)
            self._replace(name, alias, model)
            self._metrics.reloads.labels(name, "loaded").inc()
            self._log_once(name, alias, f"version {version} is served as {alias}, by its {model.predictor.path} path")

    def _replace(self, name: str, alias: str, model: LoadedModel | None) -> None:
        """Serve a version under an alias from now on, or none; requests see the old mapping or the new one."""
        old = self._loaded[name].get(alias)
        found = {**self._loaded[name], alias: model}
        self._loaded[name] = {each: kept for each in self.aliases[name] if (kept := found.get(each))}
        if old:
            self._metrics.info.remove(*old.labels)
        if model:
            self._metrics.info.labels(*model.labels).set(1)
        self._metrics.ready.labels(name).set(self.aliases[name][0] in self._loaded[name])

    def _log_once(self, name: str, alias: str, message: str) -> None:
        if self._last_logged.get((name, alias)) != message:
            log.info("%s: %s", name, message)
            self._last_logged[name, alias] = message


def load(name: str, version: str, sources: Sequence[Source] = ()) -> LoadedModel:
    """Return a version from the first source that has it, or else from the registry, as `load_folder` does.

    Raises:
        UserError: it is refused by `registry/verification`, its signature has a column that JSON cannot hold, or there is none.
    """
    with downloaded(name, version, sources) as path:
        return load_folder(path, name, version)


@contextmanager
def downloaded(name: str, version: str, sources: Sequence[Source]) -> Generator[Path]:
    """Yield the folder of a version from the first source that has it, or else from the registry.

    Raises:
        UserError: it is refused by `registry/verification`.
    """
    with tempfile.TemporaryDirectory() as folder:
        found = (path for source in sources if (path := source(name, version, Path(folder))))
        yield next(found, None) or download(name, version, Path(folder))


def load_folder(path: Path, name: str, version: str) -> LoadedModel:
    """Return the model in a folder of MLflow, in its ONNX form if it has one.

    Raises:
        UserError: its signature has a column that JSON cannot hold, there is no signature, or it needs other code.
    """
    model, onnx = mlflow.models.Model.load(path), path / FAST_PATH
    if model.signature is None or not model.signature.inputs.has_input_names():
        raise UserError(f"{name} {version} has no signature with named columns: log it with one")
    inputs = _inputs(model)
    if onnx.exists():
        predictor: Predictor = OnnxPredictor(str(onnx), inputs)
    else:
        predictor = NativePredictor(load_native(str(path), name, version), inputs)
    return LoadedModel(name, version, version, InputSchema(inputs), predictor, _example(model, path))


def load_native(uri: str, name: str, version: str) -> Any:
    """Return the estimator in a folder or at an address of MLflow.

    Raises:
        UserError: it names a function of the project's modules that is not in this commit.
    """
    try:
        return mlflow.sklearn.load_model(uri)
    except (AttributeError, ImportError) as error:
        raise UserError(
            f"{name} {version} needs code that is not here ({error}): merge, or deploy, the commit that "
            f"`uv run poe lineage --version {version}` names"
        ) from error


def _exempt_from_collection() -> None:
    """Exempt what is loaded from garbage collection: each full collection would delay requests."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def _inputs(model: Any) -> Inputs:
    """Return the inputs with which `register` logged a model, or those of the signature of any other model."""
    if model.metadata and INPUTS in model.metadata:
        return Inputs.from_records(model.metadata[INPUTS])
    found = [{"name": one.name, "type": one.type.name, "required": one.required} for one in model.signature.inputs]
    if unsupported := [each for each in found if each["type"] not in DTYPES]:
        raise UserError("JSON cannot hold the column {name} ({type})".format_map(unsupported[0]))
    return Inputs.from_records(found)


def _example(model: Any, path: Path) -> list[dict[str, Any]]:
    if model.metadata and EXAMPLE in model.metadata:
        return model.metadata[EXAMPLE]
    frame = model.load_input_example(str(path))
    return [] if frame is None else json.loads(frame.to_json(orient="records", date_format="iso", double_precision=15))
