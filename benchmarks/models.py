"""Pydantic models and msgspec structs side by side: what reading, writing, holding and importing costs.

Generates a package of each from openapi/v1.30.json, then measures in rounds, one kind after the other in each, so that
a busy machine slows both. Prints the table of docs/models.md: the best round of each kind, and how many times as much
pydantic takes. Only the ratios may be compared between machines or runs.

    .venv/bin/python benchmarks/models.py [--rounds 7]
"""

from __future__ import annotations

import argparse
import copy
import importlib
import io
import json
import platform
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, get_args

from kinform_codegen.generate import generate
from kinform_codegen.progress import Progress
from kinform_codegen.settings import ModelKind, PackageOptions
from kinform_codegen.spec.load import load_spec

if TYPE_CHECKING:
    from collections.abc import Callable

KINDS: Final[tuple[ModelKind, ...]] = get_args(ModelKind)
SPEC: Final = Path(__file__).parents[1] / "openapi" / "v1.30.json"
HELD: Final = 3000
"""How many pods are held to see what one takes."""


def container(number: int) -> dict[str, Any]:
    """A container as a production manifest has it."""
    probe = {
        "httpGet": {"path": "/healthz", "port": "http", "scheme": "HTTP"},
        "periodSeconds": 10,
        "timeoutSeconds": 1,
    }
    return {
        "name": f"app-{number}",
        "image": f"registry.example.com/shop/app-{number}:v1.{number}.7",
        "imagePullPolicy": "IfNotPresent",
        "args": ["--log-format=json", f"--listen=:{8080 + number}", "--shutdown-grace-period=25s"],
        "ports": [
            {"name": "http", "containerPort": 8080 + number, "protocol": "TCP"},
            {"name": "metrics", "containerPort": 9090 + number, "protocol": "TCP"},
        ],
        "env": [
            {"name": "POD_NAME", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"}}},
            {"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "shop-database", "key": "password"}}},
            *({"name": f"FEATURE_{letter}", "value": "enabled"} for letter in "ABCDEFGH"),
        ],
        "resources": {"limits": {"cpu": "2", "memory": "1Gi"}, "requests": {"cpu": "250m", "memory": "512Mi"}},
        "livenessProbe": {**probe, "failureThreshold": 3, "successThreshold": 1, "initialDelaySeconds": 15},
        "readinessProbe": {**probe, "failureThreshold": 1, "successThreshold": 1},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
        },
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
        "volumeMounts": [
            {"name": "config", "mountPath": "/etc/app", "readOnly": True},
            {"name": "cache", "mountPath": "/var/cache/app"},
            {"name": "token", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount", "readOnly": True},
        ],
    }


def container_status(number: int) -> dict[str, Any]:
    """What the kubelet says of it."""
    image = f"registry.example.com/shop/app-{number}"
    return {
        "name": f"app-{number}",
        "image": f"{image}:v1.{number}.7",
        "imageID": f"{image}@sha256:{number:064x}",
        "containerID": f"containerd://{number + 7:064x}",
        "ready": True,
        "started": True,
        "restartCount": 1,
        "state": {"running": {"startedAt": "2026-11-02T08:15:44Z"}},
        "lastState": {
            "terminated": {
                "exitCode": 137,
                "reason": "OOMKilled",
                "startedAt": "2026-11-01T22:00:03Z",
                "finishedAt": "2026-11-02T08:15:41Z",
                "containerID": f"containerd://{number + 3:064x}",
            }
        },
    }


def pod(number: int) -> dict[str, Any]:
    """A pod of a deployment as an API server sends it, less managedFields, which the cache drops."""
    name = f"storefront-6d9f7c5b8-{number:05x}"
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "storefront-6d9f7c5b8", "controller": True}
    transition = "2026-11-02T08:15:45Z"
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "generateName": "storefront-6d9f7c5b8-",
            "namespace": "shop",
            "uid": f"6c1f8a52-0b7e-4f27-9d55-{number:012x}",
            "resourceVersion": str(481516 + number),
            "creationTimestamp": "2026-11-01T22:00:00Z",
            "labels": {"app.kubernetes.io/name": "storefront", "pod-template-hash": "6d9f7c5b8", "tier": "frontend"},
            "annotations": {"prometheus.io/scrape": "true", "checksum/config": f"{number:064x}"},
            "ownerReferences": [{**owner, "uid": "0f0c7a66-7f4c-4f0e-8bb4-2b5a1f3f6f10", "blockOwnerDeletion": True}],
        },
        "spec": {
            "containers": [container(each) for each in range(3)],
            "initContainers": [{"name": "migrate", "image": "registry.example.com/shop/migrate:v9", "resources": {}}],
            "volumes": [
                {"name": "config", "configMap": {"name": "storefront", "defaultMode": 420}},
                {"name": "cache", "emptyDir": {"sizeLimit": "2Gi"}},
                {
                    "name": "token",
                    "projected": {
                        "defaultMode": 420,
                        "sources": [
                            {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
                            {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
                        ],
                    },
                },
            ],
            "nodeName": f"node-{number % 50}",
            "serviceAccountName": "storefront",
            "restartPolicy": "Always",
            "terminationGracePeriodSeconds": 30,
            "dnsPolicy": "ClusterFirst",
            "schedulerName": "default-scheduler",
            "securityContext": {"fsGroup": 2000, "seccompProfile": {"type": "RuntimeDefault"}},
            "enableServiceLinks": True,
            "priority": 0,
            "preemptionPolicy": "PreemptLowerPriority",
            "tolerations": [
                {"key": f"node.kubernetes.io/{state}", "operator": "Exists", "effect": "NoExecute"}
                | {"tolerationSeconds": 300}
                for state in ("not-ready", "unreachable")
            ],
        },
        "status": {
            "phase": "Running",
            "qosClass": "Burstable",
            "hostIP": f"10.0.0.{number % 250}",
            "podIP": f"10.244.{number % 250}.17",
            "podIPs": [{"ip": f"10.244.{number % 250}.17"}],
            "startTime": "2026-11-01T22:00:01Z",
            "conditions": [
                {"type": kind, "status": "True", "lastProbeTime": None, "lastTransitionTime": transition}
                for kind in ("Initialized", "Ready", "ContainersReady", "PodScheduled")
            ],
            "containerStatuses": [container_status(each) for each in range(3)],
        },
    }


def as_json(body: dict[str, Any]) -> bytes:
    """As the wire has it."""
    return json.dumps(body, separators=(",", ":")).encode()


def package_of(kind: ModelKind) -> str:
    """The package that is generated."""
    return f"bench_{kind}"


def write_packages(root: Path) -> None:
    """Generates both."""
    for kind in KINDS:
        options = PackageOptions(package=package_of(kind), models=kind)
        for path, content in generate(load_spec(str(SPEC)), Progress(io.StringIO()), options).files.items():
            file = root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)


# ---- in fresh processes, which this script starts of itself

IMPORT: Final = """
import resource, sys, time
sys.path.insert(0, sys.argv[1])
import kinform

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()

before, start = resident(), time.perf_counter()
from {package}.models.core.v1 import Pod
imported = time.perf_counter()
Pod.from_wire(b"{{}}").to_wire()
print(imported - start, time.perf_counter() - start, resident() - before)
"""
HOLD: Final = """
import gc, resource, sys
sys.path[:0] = sys.argv[1:3]
from models import HELD, as_json, pod
from {package}.models.core.v1 import Pod

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()

bodies = [as_json(pod(number)) for number in range(HELD)]
Pod.from_wire(bodies[0]).to_wire()
gc.collect()
before = resident()
held = [Pod.from_wire(body) for body in bodies]
print((resident() - before) / HELD)
"""


def in_fresh_process(program: str, kind: ModelKind, root: Path) -> list[float]:
    """What a program prints that is run with one of the packages."""
    command = [sys.executable, "-c", program.format(package=package_of(kind)), str(root), str(Path(__file__).parent)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [float(each) for each in done.stdout.split()]


# ---- in this process


def tasks(kind: ModelKind) -> dict[str, Callable[[], object]]:
    """What is timed, by its line in the table."""
    core = importlib.import_module(f"{package_of(kind)}.models.core.v1")
    meta = importlib.import_module(f"{package_of(kind)}.models.meta.v1")
    body = pod(1)
    data = as_json(body)
    with_null = as_json({**body, "spec": {**body["spec"], "imagePullSecrets": None}})
    read, other = core.Pod.from_wire(data), core.Pod.from_wire(data)

    def make() -> bytes:
        made = core.Pod(
            metadata=meta.ObjectMeta(name="web-0", namespace="shop", labels={"app": "web"}),
            spec=core.PodSpec(containers=[core.Container(name="web", image="nginx")], node_name="n1"),
        )
        wire: bytes = made.to_wire()
        return wire

    def look() -> list[object]:
        return [(each.name, each.image, each.resources.limits.get("cpu")) for each in read.spec.containers] + [
            each.last_transition_time for each in read.status.conditions
        ]

    return {
        "decode": lambda: core.Pod.from_wire(data),
        "decode, with a null where Go has a list": lambda: core.Pod.from_wire(with_null),
        "encode as read": read.to_wire,
        "make a small pod and encode it": make,
        "read 13 attributes": look,
        "`copy.deepcopy`": lambda: copy.deepcopy(read),
        "`==` of equal objects": lambda: read == other,
    }


def seconds(task: Callable[[], object], count: int) -> float:
    """How long one of so many takes."""
    start = time.perf_counter()
    for _ in range(count):
        task()
    return (time.perf_counter() - start) / count


def measure(root: Path, rounds: int) -> dict[str, dict[ModelKind, float]]:
    """The best of all rounds, by line and kind; seconds or bytes."""
    found: dict[str, dict[ModelKind, list[float]]] = {}
    timed = {kind: tasks(kind) for kind in KINDS}
    for task in [task for each in timed.values() for task in each.values()]:
        task()
    for _ in range(rounds):
        for line in timed[KINDS[0]]:
            for kind in KINDS:
                count = max(1, int(0.05 / max(seconds(timed[kind][line], 3), 1e-7)))
                found.setdefault(line, {}).setdefault(kind, []).append(seconds(timed[kind][line], count))
        for kind in KINDS:
            imported, first, grown = in_fresh_process(IMPORT, kind, root)
            (held,) = in_fresh_process(HOLD, kind, root)
            for line, value in (
                ("import core/v1 (229 classes)", imported),
                ("import core/v1 and use the first pod", first),
                ("memory of that", grown),
                ("memory per pod held", held),
            ):
                found.setdefault(line, {}).setdefault(kind, []).append(value)
    return {line: {kind: min(values) for kind, values in by_kind.items()} for line, by_kind in found.items()}


def shown(line: str, value: float) -> str:
    """A figure with its unit."""
    if line.startswith("memory"):
        return f"{value / 2**20:.1f} MiB" if value > 2**20 else f"{value / 2**10:.1f} KiB"
    return f"{value * 1e3:.0f} ms" if value > 0.01 else f"{value * 1e6:.1f} µs"


def main() -> None:
    """Measures, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7, help="how often everything is measured (default: 7)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_packages(root)
        sys.path.insert(0, folder)
        found = measure(root, options.rounds)
    print(
        f"A pod of {len(as_json(pod(1))):,} bytes; Python {platform.python_version()}, pydantic {version('pydantic')}, "
        f"msgspec {version('msgspec')}; the best of {options.rounds} rounds.\n"
    )
    print("| | pydantic | msgspec | ratio |\n|---|---:|---:|---:|")
    for line, by_kind in found.items():
        ratio = by_kind["pydantic"] / by_kind["msgspec"]
        print(f"| {line} | {shown(line, by_kind['pydantic'])} | {shown(line, by_kind['msgspec'])} | {ratio:.1f} |")


if __name__ == "__main__":
    main()
