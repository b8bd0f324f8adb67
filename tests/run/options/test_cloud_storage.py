"""Data and models in the storage of Google and Microsoft, each an emulator on this machine."""

import shutil
from contextlib import ExitStack

import pytest
from harness.projects import DEFAULT, md5
from harness.storage import google, microsoft

BUCKET = "churn"
DATA = ("data/raw.parquet", "data/train.parquet", "models/model.joblib")
MAKE_CONTAINER = (
    "import os; from azure.storage.blob import BlobServiceClient as Client; "
    f"Client.from_connection_string(os.environ['AZURE_STORAGE_CONNECTION_STRING']).create_container({BUCKET!r})"
)
URLS = {"gcs": f"gs://{BUCKET}/data", "azure": f"azure://{BUCKET}/data"}


@pytest.mark.parametrize("cloud", URLS)
def test_bucket_has_data_and_models_and_gives_them_back(install, tool, tmp_path, cloud):
    project = install(**DEFAULT, data_remote=cloud, data_remote_url=URLS[cloud])
    with ExitStack() as stack:
        server = google(tmp_path, BUCKET) if cloud == "gcs" else microsoft(tool("azurite-blob"), tmp_path)
        storage = stack.enter_context(server)
        if cloud == "azure":
            project.run("uv", "run", "python", "-c", MAKE_CONTAINER, **storage.variables)
        project.poe("pipeline", **storage.variables)
        project.commit("First model")
        project.poe("push", **storage.variables)
        hashes = {path: md5(project.path / path) for path in DATA}

        shutil.rmtree(project.path / ".dvc/cache")
        for path in DATA:
            (project.path / path).unlink()
        project.poe("pull", **storage.variables)
        assert {path: md5(project.path / path) for path in DATA} == hashes
        shutil.rmtree(project.path / "models")
        predicted = project.poe("predict", "data/raw.parquet", "--version", "challenger", **storage.variables)
        assert "predictions" in predicted.stdout
        assert not (project.path / "mlruns").exists(), "the files of runs are in the bucket"
        assert project.run("git", "grep", "--name-only", storage.address, rc=1).stdout == ""
