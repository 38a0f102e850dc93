from __future__ import annotations

from pathlib import Path

import pytest

from kinform_codegen.config import KEYS, find_config, read_config
from kinform_codegen.errors import SettingsError
from kinform_codegen.settings import PackageOptions, Selection, Settings, Sources


def write(folder: Path, text: str) -> Path:
    path = folder / "pyproject.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_every_key(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """
        [tool.kinform]
        openapi = "v1.30"
        crds = ["config/crd", "https://host/widgets.yaml"]
        groups = ["example.com"]
        include = ["*/v1"]
        exclude = ["core"]
        output = "client"
        package = "acme_widgets"
        version = "1.2.0rc1"
        license = "MIT"
        models = "msgspec"
        standalone = true
        """,
    )
    (settings,) = read_config(path)
    assert settings == Settings(
        sources=Sources(openapi="v1.30", crds=(str(tmp_path / "config/crd"), "https://host/widgets.yaml")),
        options=PackageOptions(
            package="acme_widgets",
            version="1.2.0rc1",
            license="MIT",
            models="msgspec",
            standalone=True,
            selection=Selection(("example.com",), ("*/v1",), ("core",)),
        ),
        output=tmp_path / "client",
    )
    written = {
        *("cluster", "context"),
        *(line.split(" = ")[0].strip() for line in path.read_text().splitlines() if " = " in line),
    }
    assert written == set(KEYS)


def test_a_cluster(tmp_path: Path) -> None:
    (settings,) = read_config(write(tmp_path, '[tool.kinform]\ncluster = true\ncontext = "staging"\ngroups = "apps"'))
    assert settings.sources == Sources(cluster=True, context="staging")
    assert settings.options.selection == Selection(groups=("apps",))
    assert settings.output == tmp_path / "generated"


def test_a_file_beside_the_configuration_wins_over_a_bundled_spec(tmp_path: Path) -> None:
    (tmp_path / "v1.30").write_text("{}")
    (settings,) = read_config(write(tmp_path, '[tool.kinform]\nopenapi = "v1.30"'))
    assert settings.sources.openapi == str(tmp_path / "v1.30")


def test_several_packages(tmp_path: Path) -> None:
    text = '[[tool.kinform]]\nopenapi = "v1.37"\noutput = "a"\n[[tool.kinform]]\ncrds = "crd"\noutput = "b"\n'
    first, second = read_config(write(tmp_path, text))
    assert first.sources == Sources(openapi="v1.37")
    assert second.sources == Sources(crds=(str(tmp_path / "crd"),))


@pytest.mark.parametrize(
    ("text", "said", "mend"),
    [
        ("[tool.other]", "has no [tool.kinform]", "add one"),
        ("[tool", "is not TOML", "at that line"),
        ("[tool]\nkinform = 1", "is no table", "below [tool.kinform]"),
        ("[tool]\nkinform = []", "tool.kinform is empty", "say where to generate from"),
        ("[tool.kinform]\n", "does not say what to generate from", "crds, openapi or cluster"),
        ('[tool.kinform]\ncrd = "x"', "unknown key 'crd'", "did you mean 'crds'?"),
        ('[tool.kinform]\nzzz = "x"', "unknown key 'zzz'", "the keys are openapi, crds"),
        ("[tool.kinform]\ncrds = 3", "has crds = 3", 'crds = ["…", "…"]'),
        ('[tool.kinform]\ncrds = ["a", ""]', "has crds = ['a', '']", 'crds = ["…", "…"]'),
        ('[tool.kinform]\ncrds = ["a", "a"]', "given twice", "give it once"),
        ('[tool.kinform]\ncrds = "-"', "has '-' among its crds", "standard input"),
        ("[tool.kinform]\nopenapi = true", "has openapi = True", 'openapi = "…"'),
        ('[tool.kinform]\ncluster = "yes"', "has cluster = 'yes'", "cluster = true"),
        ('[tool.kinform]\ncluster = true\nopenapi = "v1.30"', "both given", "take one of the two"),
        ('[tool.kinform]\nopenapi = "v1.30"\ncontext = "x"', "a context was given without a cluster", "cluster = true"),
        ('[tool.kinform]\nopenapi = "v1.30"\nmodels = "attrs"', "models = 'attrs'", "pydantic, msgspec"),
        ('[tool.kinform]\nopenapi = "v1.30"\npackage = "Acme"', "'Acme' is none", "lower-case"),
        ('[tool.kinform]\nopenapi = "v1.30"\npackage = "kinform"', "'kinform' is taken", "acme_widgets"),
        ('[tool.kinform]\nopenapi = "v1.30"\npackage = "json"', "'json' is taken", "acme_widgets"),
        ('[tool.kinform]\nopenapi = "v1.30"\npackage = "class"', "'class' is none", "acme_widgets"),
        ('[tool.kinform]\nopenapi = "v1.30"\nversion = "one"', "'one' is no version", "PEP 440"),
        (
            '[[tool.kinform]]\nopenapi = "v1.30"\n[[tool.kinform]]\nopenapi = "v1.37"',
            "two packages have the output",
            "a folder of its own",
        ),
        (
            '[[tool.kinform]]\nopenapi = "v1.30"\n[[tool.kinform]]\noutput = "b"',
            "[[tool.kinform]] number 2 does not say",
            "crds",
        ),
    ],
)
def test_complaints_name_the_file_and_the_key_and_mend(tmp_path: Path, text: str, said: str, mend: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(SettingsError) as caught:
        read_config(path)
    assert str(path) in caught.value.problem
    assert said in caught.value.problem
    assert mend in caught.value.mend


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        read_config(Path("/nowhere/pyproject.toml"))


def test_the_nearest_configuration_above_is_found(tmp_path: Path) -> None:
    top = write(tmp_path, "[tool.kinform]\n")
    write(tmp_path / "a", "[tool.other]\n")
    (tmp_path / "a" / "b").mkdir()
    assert find_config(tmp_path / "a" / "b") == top
    nearer = write(tmp_path / "a" / "b", "[tool.kinform]\n")
    assert find_config(tmp_path / "a" / "b") == nearer
