"""Istio's control plane, and the proxy of a client in its mesh."""

from harness.cluster.binaries import install, sources_of
from harness.cluster.cluster import Cluster
from harness.cluster.envoy import run_envoy, upstream
from harness.cluster.namespaces import NODE

MODULE, VERSION = "istio.io/istio", "v0.0.0-20260827124520-eed52ebb66ad"  # the module proxy has no releases of it
ROUTES_PORT = 15010
# What only Istio's own build of Envoy knows.
PLAIN = {"PILOT_ENABLE_ALPN_FILTER": "false", "PILOT_ENABLE_METADATA_EXCHANGE": "false"}


def start_istio(cluster: Cluster, go: str) -> None:
    """Start the control plane, which translates routes for proxies."""
    definitions = sources_of(go, f"{MODULE}@{VERSION}") / "manifests/charts/base/files/crd-all.gen.yaml"
    cluster.create_definitions([definitions])
    cluster.namespace("istio-system")
    (folder := cluster.inside.folder / "istio").mkdir()
    (mesh := folder / "mesh.yaml").write_text("enableAutoMtls: false\n")  # the proxies have no keys
    flags = [
        "discovery",
        f"--meshConfig={mesh}",
        f"--kubeconfig={cluster.kubeconfig}",
        "--namespace=istio-system",
        f"--grpcAddr={NODE}:{ROUTES_PORT}",
        "--httpsAddr=",
        "--secureGRPCAddr=",
    ]
    variables = {"INJECTION_WEBHOOK_CONFIG_NAME": "", "VALIDATION_WEBHOOK_CONFIG_NAME": "", "XDS_AUTH": "false"}
    cluster.start_command(
        "istiod", [install(go, f"{MODULE}/pilot/cmd/pilot-discovery@{VERSION}"), *flags], **variables, **PLAIN
    )
    cluster.eventually("istiod", lambda: cluster.inside.responds("127.0.0.1", 8080, "/ready"))


def start_proxy(cluster: Cluster, namespace: str) -> None:
    """Start the proxy of a client, which listens at the ports of the services that it knows."""
    http2 = {
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        "explicit_http_config": {"http2_protocol_options": {}},
    }
    extension = {"typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": http2}}
    ads = {"ads": {}, "resource_api_version": "V3"}
    metadata = {"NAMESPACE": namespace, "CLUSTER_ID": "Kubernetes", "INTERCEPTION_MODE": "NONE"}
    settings = {
        "node": {
            "id": f"sidecar~{NODE}~client.{namespace}~{namespace}.svc.cluster.local",
            "cluster": "client",
            "metadata": {**metadata, "ISTIO_VERSION": "1.31.0"},
        },
        "static_resources": {"clusters": [upstream("xds", ROUTES_PORT) | extension]},
        "dynamic_resources": {
            "ads_config": {
                "api_type": "GRPC",
                "transport_api_version": "V3",
                "grpc_services": [{"envoy_grpc": {"cluster_name": "xds"}}],
            },
            "cds_config": ads,
            "lds_config": ads,
        },
    }
    run_envoy(cluster, settings)
