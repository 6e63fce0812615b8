"""`make k8s-e2e`: the manifests on a real Kubernetes, under load and with accidents, compared with one process."""
