# Managed by copier-mlops: an update merges with your edits.
"""Predictors: the ONNX form of a model, which takes microseconds, and the model itself."""

import json
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import onnxruntime
import pandas as pd

from .schema import Columns

# Properties of the ONNX model, as JSON.
CLASSES = "classes"  # of its probabilities, or null if it predicts a number
COLUMNS = "columns"  # original column names in input order; ONNX may rename them


class Predictor(Protocol):
    """Predicts from columns."""

    path: str  # "onnx" or "native"
    classes: list[Any] | None  # None if it predicts a number

    def predict(self, columns: Columns) -> np.ndarray:
        """Return the probability of each class, shape (rows, classes), or a number for each row, shape (rows,)."""
        ...


class OnnxPredictor:
    """The model as ONNX, on one thread: requests are small, and there are many."""

    path = "onnx"

    def __init__(self, model: bytes | Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        source = model if isinstance(model, bytes) else str(model)
        self._session = onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
        metadata = self._session.get_modelmeta().custom_metadata_map
        inputs = zip(json.loads(metadata[COLUMNS]), self._session.get_inputs(), strict=True)
        self._inputs = [(column, one.name, _DTYPES[one.type]) for column, one in inputs]
        self._output = [self._session.get_outputs()[-1].name]
        self.classes = json.loads(metadata[CLASSES])

    def predict(self, columns: Columns) -> np.ndarray:
        """Return probabilities, shape (rows, classes), or numbers, shape (rows,)."""
        feed = {name: np.array(columns[column], dtype)[:, None] for column, name, dtype in self._inputs}
        output = np.asarray(self._session.run(self._output, feed)[0])
        return output if self.classes is not None else output.ravel()


class NativePredictor:
    """The model as it was trained."""

    path = "native"

    def __init__(self, model: Any, dtypes: dict[str, Any]) -> None:
        self._model = model
        self._dtypes = dtypes  # by column
        self.classes = [*model.classes_.tolist()] if hasattr(model, "classes_") else None

    def predict(self, columns: Columns) -> np.ndarray:
        """Return probabilities, shape (rows, classes), or numbers, shape (rows,)."""
        frame = pd.DataFrame({name: np.array(columns[name], dtype) for name, dtype in self._dtypes.items()})
        return self._model.predict_proba(frame) if self.classes is not None else self._model.predict(frame)


_DTYPES = {"tensor(float)": np.float32, "tensor(bool)": np.bool_, "tensor(string)": object}
