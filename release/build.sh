#!/usr/bin/env bash
# Builds everything that a release publishes into dist/: sdist and wheel of kinform, of kinform-codegen, and of kinform-k8s
# for each bundled version of Kubernetes. These are generated from the real API server with every API switched on, so that
# they have its descriptions as docstrings; all else in them must be what the bundled spec gives, and is compared.
#
#   release/build.sh [v1.30] [v1.37]          without arguments every version of openapi/
#
# Needs the API servers of `make control-plane`. PYTHON names the Python of the checkout (default .venv/bin/python).
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
python=${PYTHON:-$root/.venv/bin/python}
committed=v1.30 # what generated/ holds
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$root"

if [[ $# -eq 0 ]]; then
  mapfile -t versions < <(find openapi -name 'v*.json' -printf '%f\n' | sed 's/\.json$//' | sort -V)
  set -- "${versions[@]}"
fi

# build PROJECT: its sdist, and of that its wheel, into dist/.
build() {
  local said
  said=$("$python" -m build --no-isolation --outdir dist "$1" 2>&1) || { echo "$said" >&2; exit 1; }
}

rm -rf dist
build runtime
build codegen
for version in "$@"; do
  plain=generated
  if [[ $version != "$committed" ]]; then
    plain=$scratch/plain/$version
    "$python" -m kinform_codegen --openapi "$version" --output "$plain"
  fi
  documented=$scratch/documented/$version
  "$python" -m kinform.testing.control_plane --version "$version" --all-apis -- \
    "$python" -m kinform_codegen --cluster --output "$documented"
  "$python" release/documented.py "$plain" "$documented"
  build "$documented"
done
ls dist
