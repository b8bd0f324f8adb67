"""A Prometheus in the cluster, which scrapes what the tests let it scrape."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from harness.cluster.cluster import Cluster
from harness.cluster.namespaces import NODE

ADDRESS = f"http://{NODE}:9090"


@dataclass
class Targets:
    """What Prometheus scrapes: addresses, each with labels."""

    path: Path
    found: dict[str, dict[str, str]] = field(default_factory=dict)

    def add(self, address: str, **labels: str) -> None:
        """Scrape an address from now on."""
        self.found[address] = labels
        groups = [{"targets": [each], "labels": labels} for each, labels in self.found.items()]
        new = self.path.with_suffix(".new")
        new.write_text(json.dumps(groups))
        new.rename(self.path)


def start_prometheus(cluster: Cluster, program: str) -> Targets:
    """Start it without targets; it scrapes each second."""
    folder = cluster.inside.folder / "prometheus"
    folder.mkdir()
    targets = Targets(folder / "targets.json")
    job = {"job_name": "servers", "file_sd_configs": [{"files": [str(targets.path)], "refresh_interval": "1s"}]}
    settings = {"global": {"scrape_interval": "1s"}, "scrape_configs": [job]}
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(settings))
    cluster.inside.start(
        "prometheus",
        program,
        f"--config.file={folder}/prometheus.yaml",
        f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address={NODE}:9090",
    )
    return targets
