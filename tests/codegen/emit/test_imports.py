from __future__ import annotations

from kinform_codegen.emit.imports import LocalNames


def test_imports_stand_in_order() -> None:
    names = LocalNames("kinform_k8s")
    names.use("kinform_k8s.resources.core.v1", "PODS")
    names.use("kinform_k8s.models.core.v1", "Pod")
    names.use("kinform.client", "Watchable")
    names.use("kinform.client", "Creatable")
    names.use("typing", "Unpack")
    assert names.plain_imports() == (
        "from typing import Unpack\n"
        "\n"
        "from kinform.client import Creatable, Watchable\n"
        "\n"
        "from kinform_k8s.models.core.v1 import Pod\n"
        "from kinform_k8s.resources.core.v1 import PODS\n"
    )


def test_what_stands_in_annotations_alone_is_kept_apart() -> None:
    names = LocalNames("kinform_k8s")
    names.use("kinform.transport", "Transport", typing_only=True)
    names.use("kinform.client", "Creatable")
    assert names.typing_imports() == "    from kinform.transport import Transport\n"
    assert names.plain_imports() == "from kinform.client import Creatable\n"
    assert not names.is_imported("kinform.transport", "Transport")
    names.use("kinform.transport", "Transport")
    assert names.typing_imports() == ""
    assert names.is_imported("kinform.transport", "Transport")


def test_what_the_module_defines_has_first_call_on_a_name() -> None:
    names = LocalNames("kinform_k8s", "ClusterLister")
    assert names.use("kinform.lister", "ClusterLister") == "_ClusterLister"
    assert names.use("kinform.lister", "ClusterLister") == "_ClusterLister"
    assert names.plain_imports() == "from kinform.lister import ClusterLister as _ClusterLister\n"


def test_of_two_imports_of_one_name_the_first_has_it() -> None:
    names = LocalNames("kinform_k8s")
    assert names.use("kinform_k8s.models.a.v1", "Transport") == "Transport"
    assert names.use("kinform.transport", "Transport", typing_only=True) == "_Transport"
    line = "from kinform.transport import Transport as _Transport\n"
    assert names.import_line("kinform.transport", "Transport") == line
