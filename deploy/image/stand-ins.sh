#!/usr/bin/env bash
# Makes stand-ins for official images from Debian packages, under the same names, where no registry can be reached:
# for building the image and for `make k8s-e2e`, never for production.
#   stand-ins.sh NAME…    such as docker.io/library/python:3.11-slim; those that are here already are left alone
#   DEBIAN_SUITE, DEBIAN_MIRROR    bookworm, http://deb.debian.org/debian
set -euo pipefail
cd "$(dirname "$0")/../.."
. deploy/image/engine.sh

suite=${DEBIAN_SUITE:-bookworm}
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
files_of=$PWD/deploy/image/stand-ins
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

needs() {
    command -v mmdebstrap >/dev/null && return
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || fail "mmdebstrap is needed (Debian: apt-get install mmdebstrap)"
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq mmdebstrap >/dev/null
}

# debian PACKAGES [OPTION…]: a root file system with these packages as $work/root.tar.
debian() {
    local packages=$1
    shift
    mmdebstrap --quiet --variant=minbase --include="$packages,ca-certificates" \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' \
        --essential-hook='mkdir -p "$1/usr/share/man/man1" "$1/usr/share/man/man7"' "$@" "$suite" "$work/root.tar" "$mirror"
}

# make_image NAME KIND: from $work/root.tar and the folder of that kind.
make_image() {
    local name=$1 kind=$2
    cp -r "$files_of/$kind/." "$work"
    build "$name" "$work" --file "$work/Dockerfile"
    say "made a stand-in for $name"
}

kafka_jars() {
    local cache=${TIERFLOW_CACHE_DIR:-$HOME/.cache/tierflow} version=$1
    if [ ! -d "$cache/kafka-$version" ]; then
        mvn -B -q -f deploy/stack/kafka/pom.xml dependency:copy-dependencies -DincludeScope=runtime \
            "-DoutputDirectory=$cache/kafka-$version.new"
        mv "$cache/kafka-$version.new" "$cache/kafka-$version"
    fi
    cp -r "$cache/kafka-$version" "$work/libs"
}

one() {
    local name=$1
    if has "$name"; then say "$name is here"; return; fi
    say "making $name"
    case ${name##*/} in
        python:3.11-slim) debian python3,python3-venv && make_image "$name" python ;;
        postgres:15) debian postgresql-15 && make_image "$name" postgres ;;
        kafka:*) kafka_jars "${name##*:}" && debian openjdk-17-jre-headless && make_image "$name" kafka ;;
        nginx*) debian nginx-light && make_image "$name" nginx ;;
        *) fail "no stand-in is known for $name" ;;
    esac
    find "$work" -mindepth 1 -delete
}

needs
for name in "$@"; do one "$name"; done
