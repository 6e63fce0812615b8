#!/usr/bin/env bash
# Builds the image of the four services, checks its size, and takes its list of parts (SBOM) out of it.
#   IMAGE     its name                                          docker.io/library/tierflow:<version of pyproject.toml>
#   BASE      what it stands on                                 docker.io/library/python:3.11-slim
#   ENGINE    docker or buildah                                 what is here
#   MAX_MB    the most it may add to its base                   250
#   CA_FILE   authorities for pip, where TLS is looked into     PIP_CERT, REQUESTS_CA_BUNDLE or SSL_CERT_FILE
#   PIP_INDEX_URL   a mirror of PyPI
set -euo pipefail
cd "$(dirname "$0")/../.."
. deploy/image/engine.sh

version=$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
IMAGE=${IMAGE:-docker.io/library/tierflow:$version}
BASE=${BASE:-docker.io/library/python:3.11-slim}
MAX_MB=${MAX_MB:-250}
CA_FILE=${CA_FILE:-${PIP_CERT:-${REQUESTS_CA_BUNDLE:-${SSL_CERT_FILE:-}}}}
out=var/image
mkdir -p "$out"

has "$BASE" || pull "$BASE" || fail "$BASE is not here and no registry gives it: make image-bases makes a stand-in from Debian packages"

arguments=(--file deploy/image/Dockerfile --build-arg "BASE=$BASE" --build-arg "PIP_INDEX_URL=${PIP_INDEX_URL:-}"
    --label "org.opencontainers.image.version=$version"
    --label "org.opencontainers.image.revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)")
if [ -n "$CA_FILE" ]; then arguments+=(--secret "id=ca,src=$CA_FILE"); fi
say "building $IMAGE on $BASE with $ENGINE"
build "$IMAGE" . "${arguments[@]}"

size() { files "$1" | wc -c; }
added=$((($(size "$IMAGE") - $(size "$BASE")) / 1000000))
files "$IMAGE" | tar -x -O -f - --wildcards '*opt/tierflow/sbom.cdx.json' >"$out/sbom.cdx.json"
parts=$(python3 -c 'import json, sys; print(len(json.load(open(sys.argv[1]))["components"]))' "$out/sbom.cdx.json")
printf '{"image": "%s", "base": "%s", "engine": "%s", "added_mb": %d, "limit_mb": %d, "components": %d}\n' \
    "$IMAGE" "$BASE" "$ENGINE" "$added" "$MAX_MB" "$parts" | tee "$out/image.json"
[ "$added" -le "$MAX_MB" ] || fail "$IMAGE adds $added MB to its base; the limit is $MAX_MB MB"
say "$IMAGE adds $added MB (limit $MAX_MB MB) and holds $parts parts: $out/sbom.cdx.json"
