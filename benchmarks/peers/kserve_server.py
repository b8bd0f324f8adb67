"""KServe's server for Python with an MLflow model, as its docs write one: PORT MODEL."""

import sys

import mlflow
import pandas as pd
from kserve import InferOutput, InferRequest, InferResponse, Model, ModelServer


class Mlflow(Model):
    """Predicts by MLflow."""

    def __init__(self, path: str) -> None:
        super().__init__("model")
        self.model = mlflow.pyfunc.load_model(path)
        self.ready = True

    def predict(self, payload: InferRequest, headers: dict | None = None, response_headers: dict | None = None):
        """Return the predictions as one tensor."""
        frame = pd.DataFrame({each.name: each.as_numpy().ravel() for each in payload.inputs})
        texts = frame.select_dtypes(object)
        frame[texts.columns] = texts.map(lambda text: text.decode() if isinstance(text, bytes) else text)
        found = self.model.predict(frame)
        output = InferOutput("predict", [len(found)], "INT64", found.tolist())
        return InferResponse(payload.id, self.name, [output])


ModelServer(http_port=int(sys.argv[1]), enable_grpc=False, workers=1, access_log_format=None).start(
    [Mlflow(sys.argv[2])]
)
