"""The option of a feature store: a project without it has nothing of it."""

import re


def test_project_without_a_feature_store_has_nothing_of_it(render):
    project = render(maturity_level=2, feature_store="none")
    found = [path for path in project.files() if re.search("feature.?store|feast|online_features", path)]
    assert found == []
    for path in ("pyproject.toml", "tasks/level-2.toml", "docs/levels/2.md", "monitoring/kustomization.yaml"):
        assert not re.search("feast|redis|feature-store", project.text(path), re.IGNORECASE), path
