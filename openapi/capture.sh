#!/usr/bin/env bash
# Makes openapi/v1.30.json and openapi/v1.37.json again, from real API servers and from the Go types.
#
#   openapi/capture.sh [v1.30] [v1.37]        into this folder
#   openapi/capture.sh --check                elsewhere, and fails if a file would change
#
# Needs Go, and the API servers of `make control-plane`. PYTHON names the Python of the checkout (default .venv/bin/python).
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$here")
python=${PYTHON:-$root/.venv/bin/python}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

check=false
if [[ ${1:-} == --check ]]; then
  check=true
  shift
fi
[[ $# -gt 0 ]] || set -- v1.30 v1.37

command -v go >/dev/null || {
  echo "openapi/capture.sh: needs Go, to read which fields the Go types hold by value" >&2
  exit 1
}

changed=0
for version in "$@"; do
  case $version in
    v1.30) modfile=v1.30.mod ;;
    v1.37) modfile=go.mod ;;
    *)
      echo "openapi/capture.sh: unknown version $version (known: v1.30 v1.37)" >&2
      exit 2
      ;;
  esac
  (cd "$here/gotypes" && CGO_ENABLED=0 go build -mod=readonly -trimpath -modfile="$modfile" -o "$scratch/gotypes" .)
  "$scratch/gotypes" >"$scratch/values.json"
  "$python" -m kinform.testing.control_plane --version "$version" --all-apis -- \
    "$python" -m kinform_codegen capture --values "$scratch/values.json" --output "$scratch/$version.json"
  if $check; then
    diff -u --label "openapi/$version.json" --label captured "$here/$version.json" "$scratch/$version.json" || changed=1
  else
    mv "$scratch/$version.json" "$here/$version.json"
  fi
done
if [[ $changed -ne 0 ]]; then
  echo "openapi/capture.sh: the files above are not what the API servers serve" >&2
  exit 1
fi
