#!/usr/bin/env bash
# The Secrets of the local overlay, in a namespace that exists or is made: passwords of the databases, random and made
# once, the key that wraps customers' keys, and the issuer's public keys.    prepare.sh JWKS_FILE [NAMESPACE]
set -euo pipefail
jwks=${1:?the file with the public keys of your issuer (jwks.json)}
namespace=${2:-tierflow}
cd "$(dirname "$0")"

kubectl apply --filename namespace.yaml --dry-run=client --output json |
    sed "s/\"name\": \"tierflow\"/\"name\": \"$namespace\"/" | kubectl apply --filename -
for name in postgres-superuser database-events database-scoring database-contact-planner database-suitability; do
    kubectl --namespace "$namespace" get secret "$name" >/dev/null 2>&1 ||
        kubectl --namespace "$namespace" create secret generic "$name" \
            --from-file=password=<(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')
done
kubectl --namespace "$namespace" get secret tierflow-kek >/dev/null 2>&1 ||
    kubectl --namespace "$namespace" create secret generic tierflow-kek --from-file=kek.key=<(head -c 32 /dev/urandom | base64)
kubectl --namespace "$namespace" create secret generic tierflow-issuer --from-file=jwks.json="$jwks" \
    --dry-run=client --output yaml | kubectl apply --filename -
