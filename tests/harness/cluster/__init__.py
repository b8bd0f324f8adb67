"""A real Kubernetes, Argo CD and kubelet on this machine, in namespaces of their own and without a registry.

`binaries` builds the programs, `namespaces` isolates them, `cluster` is the control plane, and the others add to it:
`kwok` plays nodes on which nothing runs, `node` is a real node with containers, `network_policies` enforces what its pods
may connect to, `argocd` deploys from Git, and `rollouts` rolls out gradually. For releases under requests, `versions` has
a server of each version and clients, `envoy` is between them, `prometheus` measures, and `canary` lets Envoy follow the
controller.
"""
