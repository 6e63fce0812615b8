"""`make k8s-check`: the manifests in deploy/k8s against Kubernetes' schemas, a policy scan, and this code."""
