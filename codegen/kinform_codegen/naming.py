"""Names: how groups, versions, kinds, plurals and fields of the API are spelt in Python."""

from __future__ import annotations

import keyword
import re
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

__all__ = [
    "class_name",
    "constant_name",
    "group_folder",
    "group_folders",
    "module_name_for_kind",
    "plural_accessor",
    "python_name",
    "snake_case",
    "split_words",
    "version_folder",
]

CORE_GROUP_FOLDER = "core"
RESERVED_FOLDERS = frozenset({"meta"})
"""Folders that hold shared models: no group of resources may take them."""

_BUILT_IN_FOLDERS = frozenset(
    {
        "admissionregistration", "apiextensions", "apiregistration", "apps", "authentication", "authorization",
        "autoscaling", "batch", "certificates", "coordination", "core", "discovery", "events", "extensions",
        "flowcontrol", "internal", "lifecycle", "networking", "node", "policy", "rbac", "resource", "scheduling",
        "storage", "storagemigration",
    }
)  # fmt: skip
"""Folders of Kubernetes' own groups: other groups leave them alone also where those are not there, so that a custom
resource's module is the same with the built-in kinds and without."""

_WORD = re.compile(
    r"""
      V\d+(?:(?:alpha|beta)\d+)?(?![a-z])   # V3, V1beta1: a version is a word of its own, also in openAPIV3Schema
    | IPv[46]                               # the only acronym of the API that mixes case
    | [A-Z]{2,}(?=V\d)                      # API in openAPIV3Schema
    | [A-Z]{2,}s(?![a-z])                   # a plural acronym: IPs, CIDRs, URLs
    | [A-Z]+\d+(?![a-z])                    # S3, EC2
    | [A-Z]+(?![a-z])                       # an acronym, up to the next word's capital
    | [A-Z][a-z\d]+                         # a capitalised word
    | [a-z\d]+                              # a lower-case word, versions such as v1beta1 included
    """,
    re.VERBOSE,
)


def split_words(name: str) -> list[str]:
    """Splits a name at its word borders, as they are spelt: ``podIPs`` → ``["pod", "IPs"]``."""
    return _WORD.findall(name)


def snake_case(name: str) -> str:
    """``nodeName`` → ``node_name``, ``podIPs`` → ``pod_ips``, ``CSIDriver`` → ``csi_driver``.

    Letters, digits and word borders are all that is left; the result may be a keyword (see `python_name`) and is empty
    where the name has no letter or digit.
    """
    return "_".join(word.lower() for word in split_words(name))


def python_name(name: str, *, reserved: Collection[str] = ()) -> str:
    """Makes a Python name of a snake_case one: a trailing underscore for keywords and for ``reserved`` names.

    Args:
        name: Letters, digits and underscores.
        reserved: Names that mean something else where this one is going to stand.
    """
    if not name or name[0].isdigit():
        name = f"_{name}"
    return f"{name}_" if keyword.iskeyword(name) or name in reserved else name


def class_name(kind: str) -> str:
    """The class of a kind: the kind as it is, less what no Python name may have."""
    text = re.sub(r"[^A-Za-z0-9_]", "", kind).lstrip("_")
    return python_name(text[:1].upper() + text[1:])


def module_name_for_kind(kind: str) -> str:
    """The module that holds a kind's client, lister or informer: ``ReplicaSet`` → ``replica_set``."""
    return python_name(snake_case(kind))


def plural_accessor(plural: str, kind: str) -> str:
    """The plural, with word borders taken from the kind: ``replicasets`` and ``ReplicaSet`` → ``replica_sets``.

    Where plural and kind do not go together (``pods`` of kind ``PodMetrics``), the plural stays as it is. No plural
    ending is ever guessed. The result may be a keyword (see `python_name`).
    """
    words = [word.lower() for word in split_words(kind)]
    text = "".join(split_words(plural)).lower()
    if not words:
        return snake_case(plural)
    *first, last = words
    head = "".join(first)
    tail = text.removeprefix(head)
    if not first or not text.startswith(head) or _common_prefix(tail, last) * 2 < len(last):
        return snake_case(plural)
    return "_".join([*first, tail])


def _common_prefix(left: str, right: str) -> int:
    """How many leading letters the two share."""
    count = 0
    for a, b in zip(left, right, strict=False):
        if a != b:
            break
        count += 1
    return count


def constant_name(accessor: str) -> str:
    """The constant of a resource: ``replica_sets`` → ``REPLICA_SETS``."""
    return accessor.upper()


def version_folder(version: str) -> str:
    """The folder or module of a version: the version itself, made a Python name."""
    name = re.sub(r"\W", "_", version)
    return python_name(name if name[:1].isalpha() else f"v{name}")


def group_folder(group: str) -> str:
    """The folder of a group: its first label, as in client-go; ``core`` for the core group.

    ``""`` → ``core``, ``apps`` → ``apps``, ``rbac.authorization.k8s.io`` → ``rbac``. Where a document may hold groups
    of one first label, `group_folders` tells them apart.
    """
    return _folder(group.partition(".")[0]) if group else CORE_GROUP_FOLDER


def group_folders(groups: Iterable[str]) -> dict[str, str]:
    """The folder of each group, no two alike.

    Kubernetes' own groups (no dot, or under ``k8s.io``) keep their first label; of other groups the one that is alone
    with its first label takes it, and those that share it, with each other or with a group that Kubernetes has, take
    their whole name: ``networking.k8s.io`` → ``networking``, ``networking.istio.io`` → ``networking_istio_io``.
    """
    names = sorted(set(groups))
    folders: dict[str, str] = {}
    for tier in ("", "k8s.io", "other"):
        members = [name for name in names if _tier(name) == tier]
        taken = {*RESERVED_FOLDERS, *folders.values(), *(_BUILT_IN_FOLDERS if tier == "other" else ())}
        shared = Counter(map(group_folder, members))
        for name in members:
            short = group_folder(name)
            folder = short if shared[short] == 1 and short not in taken else _folder(name)
            # a-b.io and a.b.io are spelt alike in Python.
            while folder in taken or folder in folders.values():
                folder += "_"
            folders[name] = folder
    return folders


def _folder(text: str) -> str:
    name = re.sub(r"\W", "_", text)
    # Classes are called after it, too, and no class begins with a digit: 3scale.net.
    return python_name(name if name[:1].isalpha() else f"group_{name.strip('_')}")


def _tier(group: str) -> str:
    """Who has first call on a short name: built-in groups, then other groups of Kubernetes, then the rest."""
    if "." not in group:
        return ""
    return "k8s.io" if group.endswith(".k8s.io") else "other"
