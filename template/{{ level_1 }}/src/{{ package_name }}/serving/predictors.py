# Managed by copier-mlops: an update merges with your edits.
"""Predictors: the ONNX form of a model, which takes microseconds, and the model itself."""

import json
from typing import Any, Protocol

import numpy as np
import onnxruntime

from ..core.inputs import Inputs
from .schema import Columns

CLASSES = "classes"  # property of the ONNX model: its classes as JSON, null if it predicts a number


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

    def __init__(self, model: bytes | str, inputs: Inputs) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self._inputs = [  # ONNX may rename columns, but keeps their order
            (column, one.name, _DTYPES[one.type])
            for column, one in zip(inputs.columns, self._session.get_inputs(), strict=True)
        ]
        self._output = [self._session.get_outputs()[-1].name]
        self.classes = json.loads(self._session.get_modelmeta().custom_metadata_map[CLASSES])

    def predict(self, columns: Columns) -> np.ndarray:
        """Return probabilities, shape (rows, classes), or numbers, shape (rows,)."""
        feed = {name: each.array(columns[each.name], dtype)[:, None] for each, name, dtype in self._inputs}
        output = np.asarray(self._session.run(self._output, feed)[0])
        return output if self.classes is not None else output.ravel()


class NativePredictor:
    """The model as it was trained."""

    path = "native"

    def __init__(self, model: Any, inputs: Inputs) -> None:
        self.model = model
        self._inputs = inputs
        self.classes = [*model.classes_.tolist()] if hasattr(model, "classes_") else None

    def predict(self, columns: Columns) -> np.ndarray:
        """Return probabilities, shape (rows, classes), or numbers, shape (rows,)."""
        frame = self._inputs.frame(columns)
        return self.model.predict_proba(frame) if self.classes is not None else self.model.predict(frame)


_DTYPES = {"tensor(float)": np.float32, "tensor(bool)": np.bool_, "tensor(string)": object}
