"""What enforces network policies: the controller of kube-router, by iptables and sets of addresses, inside the namespaces."""

import subprocess
from pathlib import Path

from harness.cluster.binaries import build_module
from harness.cluster.cluster import Cluster
from harness.cluster.namespaces import SERVICES

TOOLS = ["iptables", "ipset"]
# What the controller's rules need of the kernel.
PROBE = """\
ipset create probe hash:ip,port timeout 0
iptables --append FORWARD --match set --match-set probe dst,dst --match physdev --physdev-is-bridged --jump REJECT
iptables --append FORWARD --match addrtype --src-type LOCAL --match multiport --protocol tcp --dports 1:2 --jump RETURN
iptables --append FORWARD --match mark ! --mark 1 --match limit --limit 1/minute --jump NFLOG --nflog-group 100
iptables --append FORWARD --match conntrack --ctstate INVALID --match comment --comment probe --jump MARK --set-mark 1
"""


def missing() -> str:
    """Return what the kernel lacks for network policies."""
    probe = ["unshare", "--net", "bash", "-e", "-c", PROBE]
    done = subprocess.run(probe, capture_output=True, text=True, check=False)
    return done.stderr if done.returncode else ""


def start_network_policies(cluster: Cluster, go: str) -> None:
    """Enforce network policies, and wait until there are rules for pods."""
    controller = cluster.inside.start(
        "network-policies",
        build_module(go, Path(__file__).parent),
        f"--kubeconfig={cluster.kubeconfig}",
        f"--service-cluster-ip-range={SERVICES}",
    )
    rules = ("iptables-save", "--table=filter")
    cluster.eventually("rules for pods", lambda: "KUBE-POD-FW-" in cluster.inside.run(*rules), controller)
