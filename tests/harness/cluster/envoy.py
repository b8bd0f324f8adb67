"""Envoy in front of the servers of each version, with weights that can be changed while it runs."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from harness.cluster.cluster import Cluster
from harness.cluster.namespaces import NODE

PORT, ADMIN = 10000, 9901
WEIGHTS = "weights"  # with the name of a cluster, a key in the runtime
Ports = dict[str, int]  # of the server of each version
Config = dict[str, Any]


@dataclass(frozen=True)
class Envoy:
    """Envoy, which sends requests for `/NAME/...` to the versions of NAME by their weights."""

    cluster: Cluster

    def weigh(self, name: str, weights: dict[str, int]) -> None:
        """Set the weights of the versions of a name."""
        query = urlencode({f"{WEIGHTS}.{name}-{version}": weight for version, weight in weights.items()})
        found = self.cluster.inside.ask(NODE, ADMIN, f"/runtime_modify?{query}", method="POST")
        assert found.status == 200, found.text


def start_envoy(cluster: Cluster, names: dict[str, Ports]) -> Envoy:
    """Start it, with all requests going to the first version of each name."""
    run_envoy(cluster, config(names))
    return Envoy(cluster)


def run_envoy(cluster: Cluster, settings: Config) -> None:
    """Start it with a configuration, and wait until it is ready."""
    path = cluster.inside.folder / "envoy.json"
    path.write_text(json.dumps({"admin": {"address": address(ADMIN)}, **settings}))
    program = Path(sys.executable).with_name("envoy")
    cluster.inside.start(
        "envoy", program, "--config-path", path, "--log-level", "warn", "--concurrency", "1", "--use-dynamic-base-id"
    )
    cluster.eventually("Envoy", lambda: cluster.inside.responds(NODE, ADMIN, "/ready"))


def config(names: dict[str, Ports]) -> Config:
    """Return its configuration."""
    manager = {
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "clients",
        "http_filters": [
            {
                "name": "envoy.filters.http.router",
                "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"},
            }
        ],
        "route_config": {
            "virtual_hosts": [
                {"name": "all", "domains": ["*"], "routes": [route(name, ports) for name, ports in names.items()]}
            ]
        },
    }
    filters = [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]
    return {
        "layered_runtime": {"layers": [{"name": "admin", "admin_layer": {}}]},
        "static_resources": {
            "listeners": [{"name": "clients", "address": address(PORT), "filter_chains": [{"filters": filters}]}],
            "clusters": [upstream(f"{name}-{each}", ports[each]) for name, ports in names.items() for each in ports],
        },
    }


def address(port: int) -> Config:
    """Return an address on the node."""
    return {"socket_address": {"address": NODE, "port_value": port}}


def route(name: str, ports: Ports) -> Config:
    """Return where requests of a name go, at first all to the first version."""
    clusters = [{"name": f"{name}-{each}", "weight": 0 if position else 100} for position, each in enumerate(ports)]
    return {
        "match": {"prefix": f"/{name}/"},
        "route": {"weighted_clusters": {"clusters": clusters, "runtime_key_prefix": WEIGHTS}, "timeout": "10s"},
    }


def upstream(name: str, port: int) -> Config:
    """Return the server of a version."""
    endpoint = {"endpoint": {"address": address(port)}}
    return {
        "name": name,
        "connect_timeout": "1s",
        "type": "STATIC",
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]},
    }
