# Managed by copier-mlops: an update merges with your edits.
"""Exports requirements and results as an OSCAL component definition, by compliance-trestle: tools of auditors read it."""

from collections.abc import Sequence
from uuid import NAMESPACE_URL, uuid5

from ..core.compliance import EVIDENCE, Evidence, Result

PATH = EVIDENCE.with_name("oscal.json")
NAMESPACE = "https://github.com/copier-mlops"  # of properties
SOURCES = {
    "eu_ai_act": "https://eur-lex.europa.eu/eli/reg/2024/1689/oj",
    "nist_ai_rmf": "https://doi.org/10.6028/NIST.AI.100-1",
    "iso_42001": "https://www.iso.org/standard/42001",
}


def write(evidence: Evidence, results: Sequence[Result]) -> None:
    """Write the definition; trestle validates each part that it makes."""
    from trestle.oscal import OSCAL_VERSION, component
    from trestle.oscal.common import Metadata, Property

    def uuid(*names: str) -> str:  # the same at each export
        return str(uuid5(NAMESPACE_URL, "/".join([NAMESPACE, evidence["model"], *names])))

    implementations = []
    for framework, source in SOURCES.items():
        parts = [
            component.ImplementedRequirement(
                uuid=uuid(framework, part, row.id),
                control_id=f"{framework}-{part.lower().replace(' ', '-')}",
                description=f"{row.requirement.title} ({why})",
                props=[
                    Property(name=name, value=value, ns=NAMESPACE)
                    for name, value in (("requirement", row.id), ("result", row.state))
                ],
                remarks="; ".join(f"{one.id}: {one.line}" for one in row.findings) or None,
            )
            for row in results
            for part, why in getattr(row.requirement, framework).items()
        ]
        what = {"uuid": uuid(framework), "source": source, "description": framework.replace("_", " ")}
        implementations.append(component.ControlImplementation(**what, implemented_requirements=parts))
    title = f"{evidence['model']} {evidence['version']}"
    model = component.DefinedComponent(
        uuid=uuid("model"), type="software", title=title, description=title, control_implementations=implementations
    )
    about = Metadata(title=title, last_modified=evidence["made"], version=title, oscal_version=OSCAL_VERSION)
    component.ComponentDefinition(uuid=uuid("definition"), metadata=about, components=[model]).oscal_write(PATH)
