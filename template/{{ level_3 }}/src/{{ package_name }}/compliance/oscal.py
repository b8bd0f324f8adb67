# Managed by copier-mlops: an update merges with your edits.
"""Exports requirements and findings as an OSCAL component definition, by compliance-trestle: tools of auditors read it."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from ..core.compliance import FOLDER, Evidence
from .page import FRAMEWORKS, Row

PATH = FOLDER / "oscal.json"
NAMESPACE = "https://github.com/copier-mlops"  # of the properties
SOURCES = {
    "eu_ai_act": "https://eur-lex.europa.eu/eli/reg/2024/1689/oj",
    "nist_ai_rmf": "https://doi.org/10.6028/NIST.AI.100-1",
    "iso_42001": "https://www.iso.org/standard/42001",
}


def write(evidence: Evidence, found: Sequence[Row]) -> None:
    """Write the definition; trestle validates it against OSCAL's schema while it makes it."""
    from trestle.oscal import OSCAL_VERSION
    from trestle.oscal.common import Metadata
    from trestle.oscal.component import ComponentDefinition, ControlImplementation, DefinedComponent

    implementations = [
        ControlImplementation(
            uuid=_uuid(evidence, framework),
            source=source,
            description=FRAMEWORKS[framework].rstrip(":"),
            implemented_requirements=[*_implemented(evidence, framework, found)],
        )
        for framework, source in SOURCES.items()
    ]
    component = DefinedComponent(
        uuid=_uuid(evidence, "component"),
        type="software",
        title=f"{evidence['model']} {evidence['version']}",
        description="A machine learning model and its server",
        control_implementations=implementations,
    )
    metadata = Metadata(
        title=f"Compliance of {evidence['model']}",
        last_modified=datetime.fromisoformat(evidence["made"]),
        version=evidence["version"],
        oscal_version=OSCAL_VERSION,
    )
    PATH.parent.mkdir(parents=True, exist_ok=True)
    definition = ComponentDefinition(uuid=_uuid(evidence, "definition"), metadata=metadata, components=[component])
    definition.oscal_write(PATH)


def _implemented(evidence: Evidence, framework: str, found: Sequence[Row]) -> Iterator[Any]:
    """Yield what implements each part of a framework: a requirement, its evidence and whether it is met."""
    from trestle.oscal.common import Property
    from trestle.oscal.component import ImplementedRequirement

    for row in found:
        one, properties = row.requirement, {"requirement": row.requirement.id, "result": row.status}
        for control, why in getattr(one, framework).items():
            yield ImplementedRequirement(
                uuid=_uuid(evidence, framework, control, one.id),
                control_id=f"{framework.replace('_', '-')}-{control.lower().replace(' ', '-')}",  # begins with a letter
                description=f"{one.title} ({why}). Evidence: {row.summary or 'none'}",
                props=[Property(name=name, value=value, ns=NAMESPACE) for name, value in properties.items()],
            )


def _uuid(evidence: Evidence, *names: str) -> str:
    """Return an identifier that stays the same as long as what it identifies."""
    return str(uuid5(NAMESPACE_URL, "/".join([NAMESPACE, evidence["model"], *names])))
