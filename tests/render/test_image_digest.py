"""`poe image` says in an overlay which image an environment runs, and changes nothing else there."""

import sys
from collections.abc import Callable

import pytest
import yaml
from harness.kube import built, only
from harness.template import Project
from mlops import image_name

ONE, OTHER = f"sha256:{'ab' * 32}", f"sha256:{'cd' * 32}"
OVERLAY = "deploy/overlays/{}/kustomization.yaml"


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
    path = OVERLAY.format("staging")
    before = level_1.text(path)
    image(level_1, "staging", f"{name_of(level_1)}:main@{ONE}")
    assert level_1.text(path) == before + f"    digest: {ONE}\n"
    image(level_1, "staging", f"{name_of(level_1)}@{OTHER}")
    assert level_1.text(path) == before + f"    digest: {OTHER}\n"


def test_same_image_again_changes_nothing(level_1):
    image(level_1, "staging", f"{name_of(level_1)}@{ONE}")
    before = level_1.text(OVERLAY.format("staging"))
    assert "already" in image(level_1, "staging", f"{name_of(level_1)}@{ONE}")
    assert level_1.text(OVERLAY.format("staging")) == before


def test_production_gets_what_staging_runs(level_1, tool):
    image(level_1, "staging", f"{name_of(level_1)}@{ONE}")
    image(level_1, "production", "--from", "staging")
    (container,) = only("Deployment", built(level_1, "deploy/overlays/production", tool))["spec"]["template"]["spec"][
        "containers"
    ]
    assert container["image"].endswith(f"@{ONE}")


def test_other_images_and_comments_of_the_team_stay(level_1):
    path = level_1.path / OVERLAY.format("staging")
    ours = "  - name: sidecar # ours\n    newTag: v1\n    digest: sha256:ours\n"
    path.write_text(path.read_text() + f"    digest: {OTHER} # of Monday\n" + ours + "namePrefix: our-\n")
    image(level_1, "staging", f"{name_of(level_1)}@{ONE}")
    assert f"    digest: {ONE} # of Monday\n{ours}namePrefix: our-\n" in path.read_text()


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["staging", "NAME:main"], "is not of the form NAME@sha256:DIGEST"),
        (["staging", "NAME@sha256:abc"], "is not of the form NAME@sha256:DIGEST"),
        (
            ["staging", f"ghcr.io/somebody/else@{ONE}"],
            "not ghcr.io/somebody/else: correct `newName` if the image moved",
        ),
        (["test", f"NAME@{ONE}"], "test/kustomization.yaml is missing; there are overlays for production, staging"),
        (
            ["production", "--from", "staging"],
            "staging/kustomization.yaml names no digest yet: bring an image there first",
        ),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line_and_changes_nothing(level_1, arguments, problem):
    before = {name: level_1.text(OVERLAY.format(name)) for name in ("staging", "production")}
    said = image(level_1, *(each.replace("NAME", name_of(level_1)) for each in arguments), rc=1)
    assert said.startswith("poe image: ")
    assert said.endswith(f"{problem}\n")
    assert said.count("\n") == 1
    assert {name: level_1.text(OVERLAY.format(name)) for name in before} == before


def test_an_overlay_that_is_written_otherwise_is_left_alone(level_1):
    path = level_1.path / OVERLAY.format("staging")
    overlay = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump(overlay, default_flow_style=True))
    before = path.read_text()
    assert f"write `digest: {ONE}` by hand" in image(level_1, "staging", f"{name_of(level_1)}@{ONE}", rc=1)
    assert path.read_text() == before
