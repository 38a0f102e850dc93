#!/usr/bin/env bash
# Builds kube-apiserver v1.30 and v1.37, kubectl and etcd from their Go modules into the user's cache folder, once.
#
#   tests/controlplane/build.sh [PROGRAM-VERSION ...]
#
# Without arguments everything; else only what is named: etcd, kube-apiserver-v1.30, kube-apiserver-v1.37, kubectl.
# The versions stand in the go.mod files beside this script. A program that is there already is not built again.
# With KUBEBUILDER_ASSETS, or TEST_ASSET_KUBE_APISERVER and TEST_ASSET_ETCD, set, these win and nothing is built.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${KINFORM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/kinform}/control-plane

say() { printf 'control plane: %s\n' "$*"; }

# version MODULE FILE: the version of a module that a go.mod file requires.
version() {
  local found
  found=$(awk -v module="$1" '($1 == module || ($1 == "require" && $2 == module)) && !/=>/ { print $NF; exit }' "$2")
  if [[ ! $found =~ ^v[0-9]+\.[0-9]+\.[0-9]+$ ]]; then
    say "no version of $1 in $2" >&2
    exit 1
  fi
  echo "$found"
}

# build PROGRAM MODULE-FOLDER FOLDER-IN-CACHE PACKAGE LDFLAGS
build() {
  local program=$1 module=$here/$2 target=$cache/$3/$1 package=$4 ldflags=$5 temporary begin=$SECONDS
  if [[ -x $target ]]; then
    say "$program ${3#etcd-} is there: $target"
    return
  fi
  if ! command -v go >/dev/null; then
    say "building $program needs Go ($(awk '/^go /{print $2}' "$module/go.mod") or later; https://go.dev/doc/install)," \
      "and there is no go on PATH. Or set KUBEBUILDER_ASSETS to a folder with kube-apiserver and etcd." >&2
    exit 1
  fi
  say "building $program ${3#etcd-} (the first time this takes some minutes) ..."
  mkdir -p "$cache/$3"
  temporary=$(mktemp "$cache/$3/.$program.XXXXXX")
  # A program is there whole or not at all: whoever looks while this runs, or after it was cut off, finds none.
  trap 'rm -f "$temporary"' EXIT
  (cd "$module" && CGO_ENABLED=0 go build -mod=readonly -trimpath -ldflags "$ldflags" -o "$temporary" "$package")
  chmod 755 "$temporary"
  mv "$temporary" "$target"
  trap - EXIT
  say "built $program ${3#etcd-} in $((SECONDS - begin)) s: $target"
}

# build_kubernetes PROGRAM MINOR: a program of Kubernetes, told its version as the release build does.
build_kubernetes() {
  local release stamp=k8s.io/component-base/version
  release=$(version k8s.io/kubernetes "$here/kubernetes-$2/go.mod")
  build "$1" "kubernetes-$2" "$release" "k8s.io/kubernetes/cmd/$1" \
    "-s -w -X $stamp.gitVersion=$release -X $stamp.gitMajor=1 -X $stamp.gitMinor=${2#v1.}"
}

build_etcd() {
  local release
  release=$(version go.etcd.io/etcd/server/v3 "$here/etcd-v3.7/go.mod")
  build etcd etcd-v3.7 "etcd-$release" go.etcd.io/etcd/server/v3 "-s -w"
}

if [[ -n ${KUBEBUILDER_ASSETS:-} ]] || [[ -n ${TEST_ASSET_KUBE_APISERVER:-} && -n ${TEST_ASSET_ETCD:-} ]]; then
  say "nothing is built: KUBEBUILDER_ASSETS or TEST_ASSET_* say which programs to use"
  exit 0
fi

[[ $# -gt 0 ]] || set -- etcd kube-apiserver-v1.37 kubectl kube-apiserver-v1.30
for wanted in "$@"; do
  case $wanted in
    etcd) build_etcd ;;
    kubectl) build_kubernetes kubectl v1.37 ;;
    kube-apiserver-v1.30 | kube-apiserver-v1.37) build_kubernetes kube-apiserver "${wanted#kube-apiserver-}" ;;
    *)
      say "unknown: $wanted (known: etcd kube-apiserver-v1.30 kube-apiserver-v1.37 kubectl)" >&2
      exit 2
      ;;
  esac
done
