from __future__ import annotations

import json
import os
import pty
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from kinform_codegen import cli

if TYPE_CHECKING:
    from collections.abc import Callable


def run(*arguments: str, cwd: Path, python: tuple[str, ...] = (sys.executable,)) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*python, "-m", "codegen", *arguments], cwd=cwd, capture_output=True, text=True, check=False, timeout=60
    )


def tree(output: Path) -> dict[str, bytes]:
    return {path.relative_to(output).as_posix(): path.read_bytes() for path in output.rglob("*") if path.is_file()}


@pytest.fixture
def generated(small_path: Path, tmp_path: Path) -> Path:
    output = tmp_path / "out"
    assert cli.main(["--openapi", str(small_path), "--output", str(output)]) == 0
    return output


def test_a_run_is_silent_when_piped(repository: Path, small_path: Path, tmp_path: Path) -> None:
    done = run("--openapi", str(small_path), "--output", str(tmp_path / "out"), cwd=repository)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (tmp_path / "out" / "kinform_k8s" / "informers" / "factory.py").is_file()
    done = run("--openapi", str(small_path), "--output", str(tmp_path / "out"), "--check", cwd=repository)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_bytes_do_not_hang_on_the_hash_seed(
    repository: Path, small_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in ("1", "2"):
        monkeypatch.setenv("PYTHONHASHSEED", seed)
        run("--openapi", str(small_path), "--output", str(tmp_path / seed), cwd=repository)
    assert tree(tmp_path / "1") == tree(tmp_path / "2")
    assert tree(tmp_path / "1")


def test_a_terminal_sees_progress(repository: Path, small_path: Path, tmp_path: Path) -> None:
    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "codegen", "--openapi", str(small_path), "--output", str(tmp_path / "out")],
        cwd=repository,
        stdout=terminal,
        stderr=terminal,
    )
    os.close(terminal)
    seen = b""
    while True:
        try:
            chunk = os.read(controller, 65536)
        except OSError:  # how Linux says that nobody holds the terminal any more
            break
        if not chunk:
            break
        seen += chunk
    os.close(controller)
    assert process.wait(timeout=30) == 0
    text = seen.decode()
    assert "generating models for 5 resources …" in text
    assert text.rstrip().endswith("s)")
    assert "5 resources, 3 with informers" in text


def test_check_names_what_would_change(
    generated: Path, small_path: Path, capsys: pytest.CaptureFixture[str], small_document: dict[str, Any]
) -> None:
    check = ["--openapi", str(small_path), "--output", str(generated), "--check"]
    assert cli.main(check) == 0
    assert capsys.readouterr().out == ""
    (generated / "kinform_k8s" / "_version.py").unlink()
    changed = generated / "kinform_k8s" / "resources" / "core" / "v1.py"
    changed.write_text(changed.read_text() + "\n")
    stale = generated / "kinform_k8s" / "resources" / "core" / "v2.py"
    shutil.copy(changed, stale)
    before = tree(generated)
    assert cli.main(check) == 1
    assert capsys.readouterr().out.splitlines() == [
        f"would create {generated}/kinform_k8s/_version.py",
        f"would change {changed}",
        f"would remove {stale}",
    ]
    assert tree(generated) == before
    assert cli.main(check[:-1]) == 0
    assert cli.main(check) == 0


def test_another_minor_takes_the_old_one_s_files_away(
    generated: Path, small_document: dict[str, Any], write_spec: Callable[..., Path]
) -> None:
    mine = generated / "kinform_k8s" / "informers" / "example" / "v1" / "mine.py"
    mine.write_text("# by hand\n")
    for path in [path for path in small_document["paths"] if "example.com" in path]:
        del small_document["paths"][path]
    small_document["info"]["version"] = "v1.31.0"
    assert cli.main(["--openapi", str(write_spec(small_document)), "--output", str(generated)]) == 0
    left = {path.name for path in mine.parent.iterdir()}
    assert left == {"mine.py"}
    assert not (generated / "kinform_k8s" / "clients" / "example").exists()
    assert '"1.31.0"' in (generated / "kinform_k8s" / "_version.py").read_text()


@pytest.mark.parametrize(
    ("spoil", "pointer"),
    [
        (lambda d: d.update(openapi="9.0"), "#/openapi"),
        (lambda d: d["components"]["schemas"].pop("io.k8s.api.core.v1.PodSpec"), "PodSpec"),
        (lambda d: d.pop("openapi"), "#:"),
        (
            lambda d: d["paths"].update({"/api/v1/pots": json.loads(json.dumps(d["paths"]["/api/v1/pods"]))}),
            "#/paths/~1api~1v1~1pots",
        ),
    ],
    ids=["version", "reference", "not-openapi", "two-kinds"],
)
def test_a_failed_run_says_where_and_leaves_everything(  # noqa: PLR0917  (fixtures)
    generated: Path,
    small_document: dict[str, Any],
    write_spec: Callable[..., Path],
    capsys: pytest.CaptureFixture[str],
    spoil: Callable[[dict[str, Any]], object],
    pointer: str,
) -> None:
    before = tree(generated)
    spoil(small_document)
    if pointer.endswith("pots"):  # a whole second resource of kind Pod
        schema = {"$ref": "#/components/schemas/io.k8s.api.core.v1.Pod"}
        content = {"content": {"application/json": {"schema": schema}}}
        kind = {"group": "", "version": "v1", "kind": "Pod"}
        operation = {"responses": {"200": {"description": "", **content}}, "x-kubernetes-group-version-kind": kind}
        small_document["paths"]["/api/v1/pots/{name}"] = {"get": operation}
    path = write_spec(small_document)
    assert cli.main(["--openapi", str(path), "--output", str(generated)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"kinform-codegen: error: {path}: #")
    assert pointer in err
    assert "\n  mend: " in err
    assert tree(generated) == before


def test_an_error_is_no_traceback(repository: Path, tmp_path: Path) -> None:
    done = run("--openapi", "nothing.json", "--output", str(tmp_path), cwd=repository)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("python -m codegen: error: nothing.json: #: cannot be read")
    assert "Traceback" not in done.stderr


def test_help_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(["--help"])
    assert caught.value.code == 0
    text = capsys.readouterr().out
    for word in ("examples:", "--openapi", "--cluster", "--context", "--output", "--check", "capture", "exit status"):
        assert word in text
    assert max(map(len, text.splitlines())) <= 120


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--openapi", "a", "--cluster"], "--openapi and --cluster exclude each other"),
        (["--openapi", "a", "--context", "b"], "--context goes with --cluster"),
        (["--open", "a"], "unrecognized arguments: --open"),
        (["capture", "--what"], "required: --output"),
        (["--crd", "a", "--config", "b"], "--config excludes --openapi, --crd and --cluster"),
        (["--output", "a"], "--output goes with --openapi, --crd or --cluster"),
        (["--group", "a"], "--group goes with --openapi, --crd or --cluster"),
        (["--openapi", "a", "--models", "attrs"], "pydantic, msgspec"),
    ],
)
def test_wrong_usage_is_status_2(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == 2
    error = capsys.readouterr().err
    assert "usage: kinform-codegen" in error
    assert said in error.replace("'", "")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "nothing says what to generate from"),
        (["--config", "nowhere.toml"], "nowhere.toml cannot be read"),
        (["--openapi", "v1.30", "--package", "a-b"], "'a-b' is none"),
        (["--openapi", "v1.30", "--version", "1.x"], "'1.x' is no version"),
        (["--crd", "a", "--crd", "a"], "'a' was given twice"),
        (["--openapi", "v1.30", "--group", "none.example"], "there is no group 'none.example'"),
    ],
)
def test_what_cannot_be_is_one_message_with_a_mend(
    arguments: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("kinform-codegen: error: ")
    assert said in error
    assert "\n  mend: " in error
    assert not list(tmp_path.iterdir())


def test_the_configuration_is_taken_where_flags_say_nothing(
    small_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "pyproject.toml"
    config.write_text(
        f'[[tool.kinform]]\nopenapi = "{small_path}"\noutput = "a"\npackage = "acme_k8s"\n'
        f'[[tool.kinform]]\nopenapi = "{small_path}"\noutput = "b"\ninclude = ["core"]\n'
    )
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    assert cli.main(["--check"]) == 1
    assert f"would create {tmp_path}/b/kinform_k8s/py.typed" in capsys.readouterr().out
    assert cli.main([]) == 0
    assert (tmp_path / "a" / "acme_k8s" / "informers" / "factory.py").is_file()
    assert {path.name for path in (tmp_path / "b" / "kinform_k8s" / "clients").iterdir() if path.is_dir()} == {"core"}
    assert cli.main(["--check"]) == 0
    # One of two packages is stale: all are looked at, and the status says so.
    (tmp_path / "a" / "README.md").unlink()
    capsys.readouterr()
    assert cli.main(["--config", str(config), "--check"]) == 1
    assert capsys.readouterr().out == f"would create {tmp_path}/a/README.md\n"


def test_what_stands_in_a_file_steers_no_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    crd = tmp_path / "crd.json"
    document = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "a.b\x1b[2J\n  mend: do evil"},
    }
    crd.write_text(json.dumps(document))
    assert cli.main(["--crd", str(crd), "--output", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert "\x1b" not in error
    assert "\\x1b[2J" in error
    assert error.count("\n") == 2


def test_an_output_that_cannot_be_says_how_to_mend(
    small_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "file"
    place.write_text("mine")
    assert cli.main(["--openapi", str(small_path), "--output", str(place)]) == 2
    assert "mend: give a folder that you may write to" in capsys.readouterr().err
    assert place.read_text() == "mine"


def test_a_folder_holds_one_package(small_path: Path, generated: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = tree(generated)
    assert cli.main(["--openapi", str(small_path), "--package", "acme_k8s", "--output", str(generated)]) == 2
    error = capsys.readouterr().err
    assert "holds the generated package 'kinform_k8s' already" in error
    assert f"rm -r {generated}" in error
    assert tree(generated) == before


def test_a_python_without_its_dependencies_says_make_setup(repository: Path) -> None:
    done = run("--help", cwd=repository, python=(sys.executable, "-S"))
    assert done.returncode == 2
    assert "this Python lacks kinform_codegen" in done.stderr
    assert "make setup" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_console_script_is_the_same_program(repository: Path) -> None:
    script = Path(sys.executable).with_name("kinform-codegen")
    done = subprocess.run([script, "--help"], capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0
    assert done.stdout.startswith("usage: kinform-codegen [--openapi FILE|URL |")
    assert run("--help", cwd=repository).stdout.startswith("usage: python -m codegen [--openapi FILE|URL |")


def test_an_interrupt_is_no_traceback(monkeypatch: pytest.MonkeyPatch, small_path: Path, tmp_path: Path) -> None:
    def interrupt(location: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("kinform_codegen.spec.gather.load_spec", interrupt)
    assert cli.main(["--openapi", str(small_path), "--output", str(tmp_path)]) == 130


def test_what_is_in_the_repository_is_up_to_date(repository: Path) -> None:
    done = run("--openapi", "openapi/v1.30.json", "--check", cwd=repository)
    assert done.stdout == ""
    assert done.returncode == 0


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_run_that_is_killed_while_it_writes_puts_everything_back(
    generated: Path, repository: Path, small_document: dict[str, Any], write_spec: Callable[..., Path], name: str
) -> None:
    """The signal comes from the process itself, in the middle of the swap."""
    before = tree(generated)
    small_document["info"]["version"] = "v1.31.0"  # every file changes
    del small_document["components"]["schemas"]["io.k8s.api.core.v1.Pod"]["properties"]["spec"]
    program = f"""
import os, pathlib, signal, sys
from kinform_codegen.cli import main
signal.signal(signal.{name}, signal.SIG_DFL)  # nohup and its like leave SIGHUP ignored
real, seen = pathlib.Path.replace, []
def replace(self, target):
    seen.append(target)
    if len(seen) == 9:
        os.kill(os.getpid(), signal.{name})
    return real(self, target)
pathlib.Path.replace = replace
sys.exit(main(["--openapi", {str(write_spec(small_document))!r}, "--output", {str(generated)!r}]))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 128 + getattr(signal, name)
    assert (done.stdout, done.stderr) == ("", "")
    assert tree(generated) == before
    assert not list(generated.glob(".kinform-*"))


def test_a_reader_that_goes_away_is_no_traceback(repository: Path, small_path: Path, tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "codegen", "--openapi", small_path, "--output", tmp_path / "new", "--check"],
        cwd=repository,
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=60,
    )
    os.close(writing)
    assert done.stderr == ""
    assert done.returncode == 141


@pytest.mark.parametrize("arguments", [["--openapi", ""], ["--openapi", "v1.30", "--output", ""]])
def test_an_empty_argument_is_an_error(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == 2
    assert "is empty" in capsys.readouterr().err
