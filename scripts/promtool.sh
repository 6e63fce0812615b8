#!/usr/bin/env bash
# Prints where promtool lies. Where there is none, Debian's package is unpacked into var/tools: nothing is installed or started.
set -euo pipefail
cd "$(dirname "$0")/.."
found=$(command -v promtool || true)
if [ -z "$found" ]; then
    found=$PWD/var/tools/prometheus/usr/bin/promtool
    mkdir -p var/tools
    exec 9>var/tools/prometheus.lock
    flock 9
    if [ ! -x "$found" ]; then
        command -v apt-get >/dev/null || {
            echo "promtool is needed to test the alerts: install it (Debian: apt-get install prometheus)" >&2
            exit 1
        }
        scratch=$(mktemp -d)
        trap 'rm -rf "$scratch"' EXIT
        (cd "$scratch" && { apt-get download -qq prometheus || { apt-get update -qq && apt-get download -qq prometheus; }; }) >&2 2>/dev/null
        dpkg -x "$scratch"/prometheus_*.deb var/tools/prometheus
    fi
fi
echo "$found"
