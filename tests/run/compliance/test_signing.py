"""Signed models: what is not signed, or was changed, is refused by everything that loads it, and what is served goes on."""

import shutil
from pathlib import Path

from harness.projects import inside
from harness.server import eventually, serving

MODEL = "customer-churn"


def test_what_is_not_verified_is_not_loaded_and_what_is_served_goes_on(autonomous, tmp_path, monkeypatch):
    monkeypatch.setenv("SERVING_RELOAD_SECONDS", "1")
    project = autonomous
    registered = project.poe("register")
    assert "customer-churn 2 is the challenger" in registered.stdout
    first, second = (Path(inside(project, "source.py", version)) for version in ("1", "2"))
    kept = shutil.copytree(second, tmp_path / "kept")
    assert project.run("git", "status", "--porcelain", ".signing").stdout == "", "the private key is never committed"
    expected = inside(project, "predictions.py", project.answers["package_name"])
    with serving(project) as server:

        def served() -> str:
            return server.ask("/predict", {"rows": expected["rows"][:1]}).json["version"]

        def refused(reason: str) -> None:
            """See that the server refuses version 2 in a line, then put its files back and return to version 1."""
            inside(project, "point_champion.py", "2")
            line = f"cannot be loaded: UserError: {MODEL} 2 is not verified: {reason}"
            eventually(reason, lambda: line in server.log)
            assert served() == "1"
            inside(project, "point_champion.py", "1")
            shutil.copytree(kept, second, dirs_exist_ok=True)

        eventually("a verified model", server.ready)
        answer = server.ask("/predict", {"rows": expected["rows"]}).json
        assert [row["prediction"] for row in answer["predictions"]] == expected["prediction"]

        changed = (second / "model.onnx").read_bytes()
        (second / "model.onnx").write_bytes(changed[:-1] + bytes([changed[-1] ^ 1]))
        promoted = project.poe("promote", "--version", "2", "--approved-by", "Grace", rc=1)
        assert f"{MODEL} 2 is not verified: Signature mismatch: Hash mismatch for model.onnx" in promoted.stderr
        predicted = project.poe("predict", "data/test.parquet", "--version", "2", rc=1)
        assert "Hash mismatch for model.onnx" in predicted.stderr
        refused("Signature mismatch: Hash mismatch for model.onnx")

        shutil.copytree(first, second, dirs_exist_ok=True)
        refused("its files are those of the run")

        (second / "model.sig").unlink()
        refused("it is not signed; `uv run poe sign --version 2` signs it if you trust its files")

        inside(project, "point_champion.py", "2")
        eventually("the second version once it is whole", lambda: served() == "2")
        assert "Traceback" not in server.log


def test_key_is_replaced_and_what_is_in_use_is_signed_again(autonomous):
    project, private = autonomous, autonomous.path / ".signing/private.pem"
    assert project.process("sign", "--version", "champion", "--check").stdout.endswith("is verified, signed by 1.pem\n")
    private.unlink()
    lost = project.poe("sign", "--version", "champion", rc=1).stderr
    assert lost == "sign: .signing/private.pem is missing: get it from your team, or run `uv run poe sign --new-key`\n"
    assert "Commit config/signing/2.pem" in project.poe("sign", "--new-key").stdout
    (project.path / "config/signing/1.pem").unlink()
    assert (
        "none of the keys in config/signing signed it" in project.poe("sign", "--check", "--version", "1", rc=1).stderr
    )
    assert "customer-churn 1 is signed by 2.pem" in project.poe("sign", "--version", "1").stdout
    assert "signature            customer-churn 1" in project.poe("audit", "list").stdout
    assert "none changed" in project.poe("audit", "verify").stdout
