"""`poe image` sets the image of an environment, and changes nothing else in its overlay."""

import sys
from collections.abc import Callable

import pytest
import yaml
from harness.kube import built, only
from harness.template import Project
from mlops import image_name

ONE, OTHER = f"sha256:{'ab' * 32}", f"sha256:{'cd' * 32}"
OVERLAY = "deploy/overlays/{}/kustomization.yaml"
IMAGE = "deploy/overlays/{}/image/kustomization.yaml"


@pytest.fixture
def level_1(project: Callable[..., Project]) -> Project:
    return project(maturity_level=1)


def name_of(project: Project) -> str:
    return image_name(project.answers["repository_url"])


def image(project: Project, *arguments: str, rc: int = 0) -> str:
    """Run the tool and return what it prints."""
    done = project.run(sys.executable, "tools/image.py", *arguments, rc=rc)
    return done.stdout + done.stderr


def test_digest_is_all_that_changes(level_1):
    path = IMAGE.format("staging")
    before = contents(level_1)
    image(level_1, "staging", f"{name_of(level_1)}:main@{ONE}")
    assert contents(level_1) == before | {path: before[path].replace("newTag: main", f"digest: {ONE}")}
    image(level_1, "staging", f"{name_of(level_1)}@{OTHER}")
    assert contents(level_1) == before | {path: before[path].replace("newTag: main", f"digest: {OTHER}")}


def contents(project: Project) -> dict[str, str]:
    """Return all files of a project."""
    return {path: project.text(path) for path in project.files()}


def test_same_image_again_changes_nothing(level_1):
    image(level_1, "staging", f"{name_of(level_1)}@{ONE}")
    before = level_1.text(IMAGE.format("staging"))
    assert "already" in image(level_1, "staging", f"{name_of(level_1)}@{ONE}")
    assert level_1.text(IMAGE.format("staging")) == before


def test_file_that_cannot_be_written_is_one_line_and_stays(level_1):
    path = IMAGE.format("staging")
    before = level_1.text(path)
    (level_1.path / path).with_name(".kustomization.yaml.partial").mkdir()  # in place of a folder that is read-only
    message = image(level_1, "staging", f"{name_of(level_1)}@{ONE}", rc=1)
    assert message == f"poe image: {path} cannot be written: Is a directory\n"
    assert level_1.text(path) == before


def test_production_gets_what_staging_runs(level_1, tool):
    image(level_1, "staging", f"{name_of(level_1)}@{ONE}")
    image(level_1, "production", "--from", "staging")
    (container,) = only("Deployment", built(level_1, "deploy/overlays/production", tool))["spec"]["template"]["spec"][
        "containers"
    ]
    assert container["image"].endswith(f"@{ONE}")


def test_a_rollout_runs_the_digest_as_well(project, tool):
    level_2 = project(maturity_level=2)
    image(level_2, "production", f"{name_of(level_2)}@{ONE}")
    found = built(level_2, "deploy/overlays/production", tool)
    (container,) = only("Rollout", found)["spec"]["template"]["spec"]["containers"]
    assert container["image"] == f"{name_of(level_2)}@{ONE}"


def test_alias_of_the_model_and_what_follows_the_image_stay(level_1):
    path = level_1.path / IMAGE.format("production")
    path.write_text(path.read_text().replace("=champion", "=release-7") + "commonAnnotations: { ours: yes }\n")
    image(level_1, "production", f"{name_of(level_1)}@{ONE}")
    changed = yaml.safe_load(path.read_text())
    assert changed["configMapGenerator"][0]["literals"] == ["SERVING_ALIASES=release-7"]
    assert changed["images"][0]["digest"] == ONE
    assert "commonAnnotations" in changed


def test_other_images_and_comments_of_the_team_stay(level_1):
    path = level_1.path / OVERLAY.format("staging")
    ours = "images:\n  - name: sidecar # ours\n    newTag: v1\n    digest: sha256:ours\nnamePrefix: our-\n"
    path.write_text(path.read_text() + ours)
    component = level_1.path / IMAGE.format("staging")
    component.write_text(component.read_text().replace("apiVersion", "# of Monday\napiVersion"))
    before = path.read_text()
    image(level_1, "staging", f"{name_of(level_1)}@{ONE}")
    assert path.read_text() == before
    assert "# of Monday\napiVersion" in component.read_text()


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["staging", "NAME:main"], "is not of the form NAME@sha256:DIGEST"),
        (["staging", "NAME@sha256:abc"], "is not of the form NAME@sha256:DIGEST"),
        (
            ["staging", f"ghcr.io/another/image@{ONE}"],
            "not ghcr.io/another/image: correct `newName` if the image moved",
        ),
        (
            ["test", f"NAME@{ONE}"],
            "test/image/kustomization.yaml is missing; there are overlays for production, staging",
        ),
        (
            ["production", "--from", "staging"],
            "staging/image/kustomization.yaml names no digest yet: bring an image there first",
        ),
    ],
)
def test_what_cannot_be_done_is_one_line_and_changes_nothing(level_1, arguments, problem):
    before = contents(level_1)
    message = image(level_1, *(each.replace("NAME", name_of(level_1)) for each in arguments), rc=1)
    assert message.startswith("poe image: ")
    assert message.endswith(f"{problem}\n")
    assert message.count("\n") == 1
    assert contents(level_1) == before


def test_an_image_of_the_team_in_the_component_is_not_overwritten(level_1):
    path = level_1.path / IMAGE.format("staging")
    path.write_text(f"{path.read_text()}  - name: sidecar\n    newTag: v1\n")
    before = path.read_text()
    message = image(level_1, "staging", f"{name_of(level_1)}@{ONE}", rc=1)
    assert "must name model-server alone: other images belong in the overlay" in message
    assert path.read_text() == before
