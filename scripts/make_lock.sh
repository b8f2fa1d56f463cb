#!/bin/sh
# Writes requirements.lock (everything, for development and tests), requirements-runtime.lock (what the container
# installs) and requirements-scale.lock (what it installs to rematch on several machines), all with the same pins. Pins that still fit are kept: pass --upgrade, or --upgrade-package NAME, to move them.
#
# Every wheel is pinned by its hash, for Linux, macOS and Windows and Python 3.11 upwards. The files name no index and
# no folder, so that they install from whichever registry or mirror the reader has configured.
set -eu
cd "$(dirname "$0")/.."

uv=${UV:-$(command -v uv || echo .venv/bin/uv)}
[ -x "$uv" ] || { echo "uv is needed: .venv/bin/pip install uv" >&2; exit 1; }

# setuptools builds our own package and is pinned with the rest: `pip install --no-deps --no-build-isolation -e .`
# needs nothing more from a registry. From 70.1 on it does so without the wheel package.
compile() {
    echo 'setuptools>=70.1' | "$uv" pip compile --quiet --no-config --universal --python-version 3.11 \
        --generate-hashes --no-header "$@" pyproject.toml - >/dev/null
}

compile --extra dev --output-file requirements.lock "$@"
compile --constraints requirements.lock --no-annotate --output-file requirements-runtime.lock
compile --constraints requirements.lock --no-annotate --extra scale --output-file requirements-scale.lock

for lock in requirements.lock requirements-runtime.lock requirements-scale.lock; do
    if grep -nE '://|^ *--(index|extra-index|find-links|trusted)|@ *file:|^/' "$lock"; then
        echo "$lock names a host or a folder; see the lines above" >&2
        exit 1
    fi
    echo "$lock: $(grep -c '==' "$lock") packages, $(grep -c -- '--hash' "$lock") hashes"
done
