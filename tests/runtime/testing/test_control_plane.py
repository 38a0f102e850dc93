"""ControlPlane without a real server: two small programs play kube-apiserver and etcd."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from cryptography import x509

import kinform.testing
from kinform.testing import ControlPlane, ControlPlaneError, ControlPlaneNotFoundError, ControlPlaneStartError
from kinform.testing._pki import Authority
from kinform.testing.control_plane import _ports, cache_folder, find_binaries, minor_version
from kinform.testing.control_plane.__main__ import main
from kinform.testing.control_plane._ports import free_port

# Both leave a line in calls.log of their folder when they start: the name, the process id, the flags.
PRELUDE = """\
#!{python} -IS
import os, sys
if "--version" in sys.argv:
    print("Kubernetes {version}")
    sys.exit()
if "--help" in sys.argv:
    print(open(__file__ + ".help").read() if os.path.exists(__file__ + ".help") else "no flags are told")
    sys.exit()
import http.server, json, pathlib, signal, ssl, time
flags = dict(flag[2:].partition("=")[::2] for flag in sys.argv[1:])
here = pathlib.Path(__file__).parent
with open(here / "calls.log", "a") as log:
    log.write(json.dumps([pathlib.Path(__file__).name, os.getpid(), flags]) + "\\n")
class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *arguments):
        pass
def serve(port, files=None):
    try:
        server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
    except OSError as error:
        sys.exit(f"listen tcp 127.0.0.1:{{port}}: bind: address already in use")
    if files:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=files[2])
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_cert_chain(*files[:2])
        server.socket = context.wrap_socket(server.socket, server_side=True)
    server.serve_forever()
"""
ETCD = """\
import urllib.parse
def do_GET(self):
    self.answer(b'{"health":"true"}')
def do_POST(self):
    length = int(self.headers["Content-Length"])
    asked = json.loads(self.rfile.read(length))
    with open(here / "asked.log", "a") as log:
        log.write(json.dumps([self.path, asked]) + "\\n")
    self.answer(b'{"header":{"revision":"42"}}')
Handler.do_GET, Handler.do_POST = do_GET, do_POST
(pathlib.Path(flags["data-dir"]) / "member").mkdir(parents=True, exist_ok=True)
serve(urllib.parse.urlsplit(flags["listen-client-urls"]).port)
"""
APISERVER = """\
Handler.do_GET = lambda self: self.answer(self.path.encode())
serve(int(flags["secure-port"]), (flags["tls-cert-file"], flags["tls-private-key-file"], flags["client-ca-file"]))
"""
# What goes before the serving part, to make a server misbehave.
PORT_TAKEN_ONCE = """\
if not (here / "seen").exists():
    (here / "seen").touch()
    sys.exit("listen tcp 127.0.0.1:1: bind: address already in use")
"""
BROKEN = 'sys.exit("unknown flag: --no-such-flag")\n'
STUBBORN = "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"


class Programs:
    """A folder with programs, like KUBEBUILDER_ASSETS."""

    def __init__(self, folder: Path, version: str = "v1.99.3") -> None:
        self.folder = folder
        self.version = version
        folder.mkdir(parents=True)
        self.write("etcd", ETCD)
        self.write("kube-apiserver", APISERVER)

    def write(self, name: str, text: str) -> Path:
        program = self.folder / name
        program.write_text(PRELUDE.format(python=sys.executable, version=self.version) + text)
        program.chmod(0o755)
        return program

    def calls(self, name: str) -> list[tuple[int, dict[str, str]]]:
        """The process id and flags of each start of a program."""
        lines = [json.loads(line) for line in (self.folder / "calls.log").read_text().splitlines()]
        return [(pid, flags) for program, pid, flags in lines if program == name]


@pytest.fixture(autouse=True)
def nothing_in_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith(("KUBEBUILDER_", "TEST_ASSET_")) or name == "USE_EXISTING_CLUSTER":
            monkeypatch.delenv(name)
    monkeypatch.setenv("KINFORM_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    made = Programs(tmp_path / "assets")
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(made.folder))
    return made


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary folders go."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


# ---- finding the programs


def test_nothing_there_says_how_to_get_it() -> None:
    with pytest.raises(ControlPlaneNotFoundError, match=r"make control-plane.*KUBEBUILDER_ASSETS.*TEST_ASSET_ETCD"):
        find_binaries("v1.37")


def test_cache_folder_follows_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cache_folder() == tmp_path / "cache" / "control-plane"
    monkeypatch.delenv("KINFORM_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "kinform" / "control-plane"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache_folder() == tmp_path / "home" / ".cache" / "kinform" / "control-plane"


@pytest.mark.parametrize(
    ("asked", "found"),
    [(None, "v1.100.2"), ("v1.99", "v1.99.11"), ("1.99", "v1.99.11"), ("v1.99.3", "v1.99.3"), ("1.99.3", "v1.99.3")],
)
def test_cache_is_searched_by_version_newest_first(asked: str | None, found: str) -> None:
    for version in ("v1.99.3", "v1.99.11", "v1.100.2"):
        Programs(cache_folder() / version, version)
    binaries = find_binaries(asked)
    assert binaries.version == found
    assert binaries.kube_apiserver == cache_folder() / found / "kube-apiserver"
    assert binaries.kubectl is None


def test_environment_wins_over_cache_and_single_programs_over_folder(
    programs: Programs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Programs(cache_folder() / "v1.99.9", "v1.99.9")
    assert find_binaries().kube_apiserver == programs.folder / "kube-apiserver"
    other = Programs(tmp_path / "other", "v1.50.0")
    monkeypatch.setenv("TEST_ASSET_KUBE_APISERVER", str(other.folder / "kube-apiserver"))
    monkeypatch.setenv("TEST_ASSET_KUBECTL", str(other.write("kubectl", "")))
    found = find_binaries()
    assert (found.kube_apiserver, found.etcd) == (other.folder / "kube-apiserver", programs.folder / "etcd")
    assert found.kubectl == other.folder / "kubectl"
    explicit = find_binaries(etcd=other.folder / "etcd", kube_apiserver=programs.folder / "kube-apiserver")
    assert (explicit.kube_apiserver, explicit.etcd) == (programs.folder / "kube-apiserver", other.folder / "etcd")


def test_another_version_in_the_environment_is_passed_over(programs: Programs) -> None:
    with pytest.raises(ControlPlaneNotFoundError, match=r"kube-apiserver v1\.37 .*\nPassed over: .* is v1\.99\.3"):
        find_binaries("v1.37")
    Programs(cache_folder() / "v1.37.2", "v1.37.2")
    assert find_binaries("v1.37").kube_apiserver == cache_folder() / "v1.37.2" / "kube-apiserver"
    assert find_binaries("v1.37").etcd == programs.folder / "etcd"


def test_kubectl_beside_the_server_comes_before_a_newer_one() -> None:
    old, new = (Programs(cache_folder() / version, version) for version in ("v1.30.1", "v1.31.1"))
    expected = old.write("kubectl", "")
    new.write("kubectl", "")
    assert find_binaries("v1.30").kubectl == expected
    assert find_binaries("v1.31").kubectl == new.folder / "kubectl"


def test_a_variable_that_leads_nowhere_is_an_error(programs: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_ASSET_ETCD", "/no/such/etcd")
    with pytest.raises(ControlPlaneNotFoundError, match="TEST_ASSET_ETCD for etcd leads to no program: /no/such/etcd"):
        find_binaries()


@pytest.mark.parametrize("text", ["", "latest", "1", "v1.x", "v1.37.2-rc.1"])
def test_version_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a Kubernetes version"):
        find_binaries(text)


def test_minor_version() -> None:
    assert [minor_version(text) for text in ("v1.37.2", "1.37", "v1.30.14-eks-1")] == ["v1.37", "v1.37", "v1.30"]


# ---- start and stop


def test_starts_with_the_flags_that_it_should_and_leaves_nothing(programs: Programs, scratch: Path) -> None:
    with ControlPlane(
        feature_gates={"WatchList": False},
        all_apis=True,
        apiserver_flags={"--allow_privileged": "false", "v": "2"},
        etcd_flags={"quota-backend-bytes": "1000"},
    ) as control_plane:
        assert control_plane.version == "v1.99.3"
        assert control_plane.get("/openapi/v3") == b"/openapi/v3"
        [(etcd_pid, etcd)], [(server_pid, server)] = programs.calls("etcd"), programs.calls("kube-apiserver")
        assert etcd["listen-client-urls"] == server["etcd-servers"] == control_plane.etcd_url
        assert etcd["quota-backend-bytes"] == "1000"
        assert control_plane.url == server["service-account-issuer"] == f"https://127.0.0.1:{server['secure-port']}"
        assert server["runtime-config"] == "api/all=true"
        assert server["feature-gates"] == "AllAlpha=true,AllBeta=true,WatchList=false"
        assert (server["allow-privileged"], server["v"]) == ("false", "2")
        assert control_plane.directory.parent == scratch
        assert control_plane.kubeconfig.stat().st_mode & 0o077 == 0
        assert all(file.stat().st_mode & 0o077 == 0 for file in (control_plane.directory / "pki").iterdir())
    assert not is_there(etcd_pid)
    assert not is_there(server_pid)
    assert list(scratch.iterdir()) == []
    with pytest.raises(ControlPlaneError, match="not started"):
        _ = control_plane.directory


def test_no_gates_and_no_alpha_unless_asked_for(programs: Programs) -> None:
    with ControlPlane():
        [(_, flags)] = programs.calls("kube-apiserver")
    assert "feature-gates" not in flags
    assert "runtime-config" not in flags


def test_flags_that_a_program_does_not_know_are_left_out_unless_they_are_given(programs: Programs) -> None:
    (programs.folder / "etcd.help").write_text(
        "Usage:\n\n  --data-dir '${name}.etcd'\n    Path.\n  --listen-client-urls 'http://x'\n  -v, --log-level 'info'\n"
    )
    with ControlPlane(etcd_flags={"snapshot-count": "7"}):
        [(_, etcd)], [(_, server)] = programs.calls("etcd"), programs.calls("kube-apiserver")
    assert set(etcd) == {"data-dir", "listen-client-urls", "log-level", "snapshot-count"}
    assert "endpoint-reconciler-type" in server, "it tells nothing of its flags"


def test_output_is_attached_and_logged(
    programs: Programs, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    programs.write("kube-apiserver", 'print("here I am", flush=True)\n' + APISERVER)
    with ControlPlane() as control_plane:
        assert (control_plane.directory / "kube-apiserver.log").read_text() == "here I am\n"
    assert "here I am" not in capfd.readouterr().err
    monkeypatch.setenv("KUBEBUILDER_ATTACH_CONTROL_PLANE_OUTPUT", "true")
    with ControlPlane() as control_plane:
        control_plane.stop_apiserver()
        assert (control_plane.directory / "kube-apiserver.log").read_text() == "here I am\n"
        control_plane.start_apiserver()
    assert capfd.readouterr().err.count("here I am\n") == 2
    programs.write("kube-apiserver", BROKEN)
    with pytest.raises(ControlPlaneStartError, match="no-such-flag"):
        ControlPlane().start()


@pytest.mark.parametrize(("text", "seconds"), [("90s", "90"), ("1m30s", "90"), ("500ms", "0.5"), ("0.5s", "0.5")])
def test_timeouts_of_the_environment(
    programs: Programs, monkeypatch: pytest.MonkeyPatch, text: str, seconds: str
) -> None:
    monkeypatch.setenv("KUBEBUILDER_CONTROLPLANE_START_TIMEOUT", text)
    monkeypatch.setenv("KUBEBUILDER_CONTROLPLANE_STOP_TIMEOUT", text)
    settings = ControlPlane()._server_settings
    assert (f"{settings.start_timeout:g}", f"{settings.stop_timeout:g}") == (seconds, seconds)
    settings = ControlPlane(start_timeout=1, stop_timeout=2)._server_settings
    assert (settings.start_timeout, settings.stop_timeout) == (1, 2)


@pytest.mark.parametrize("text", ["90", "s", "1d", "90s later", "-1s"])
def test_a_timeout_that_is_no_duration(programs: Programs, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("KUBEBUILDER_CONTROLPLANE_STOP_TIMEOUT", text)
    with pytest.raises(ValueError, match=f"KUBEBUILDER_CONTROLPLANE_STOP_TIMEOUT={text} is no duration: .*90s"):
        ControlPlane()


def test_an_existing_cluster_that_is_not_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("USE_EXISTING_CLUSTER", "true")
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    control_plane = ControlPlane()  # needs no programs
    with pytest.raises(
        ControlPlaneError, match="USE_EXISTING_CLUSTER asks for a cluster that is there, but: no cluster"
    ):
        control_plane.start()
    with pytest.raises(ControlPlaneError, match="not started"):
        _ = control_plane.version


@pytest.mark.parametrize("program", ["etcd", "kube-apiserver"])
def test_a_lost_race_for_a_port_is_run_again(programs: Programs, scratch: Path, program: str) -> None:
    programs.write(program, PORT_TAKEN_ONCE + {"etcd": ETCD, "kube-apiserver": APISERVER}[program])
    with ControlPlane() as control_plane:
        assert control_plane.get("/x") == b"/x"
        first, second = programs.calls("etcd")
        assert first[1]["listen-client-urls"] != second[1]["listen-client-urls"]
        assert len(list(scratch.iterdir())) == 1
        assert not is_there(first[0])


def test_a_race_that_is_always_lost_ends(programs: Programs, scratch: Path) -> None:
    programs.write("kube-apiserver", 'sys.exit("bind: address already in use")\n')
    with pytest.raises(ControlPlaneStartError, match="address already in use"):
        ControlPlane().start()
    assert len(programs.calls("kube-apiserver")) == 5
    assert list(scratch.iterdir()) == []


def test_a_server_that_ends_is_not_tried_again_and_its_log_is_shown(programs: Programs, scratch: Path) -> None:
    programs.write("kube-apiserver", BROKEN)
    with pytest.raises(ControlPlaneStartError, match=r"(?s)kube-apiserver ended with status 1.*no-such-flag"):
        ControlPlane().start()
    assert len(programs.calls("kube-apiserver")) == 1
    assert not is_there(programs.calls("etcd")[0][0])
    assert list(scratch.iterdir()) == []


def test_a_server_that_is_never_ready(programs: Programs, scratch: Path) -> None:
    programs.write("kube-apiserver", 'print("waiting for Godot", flush=True)\nwhile True: time.sleep(1)\n')
    with pytest.raises(ControlPlaneStartError, match=r"(?s)not ready after 0\.5 s.*waiting for Godot"):
        ControlPlane(start_timeout=0.5).start()
    assert not is_there(programs.calls("kube-apiserver")[0][0])
    assert list(scratch.iterdir()) == []


def test_a_server_that_ignores_sigterm_is_killed(programs: Programs) -> None:
    programs.write("kube-apiserver", STUBBORN + APISERVER)
    with ControlPlane(stop_timeout=0.2):
        pid = programs.calls("kube-apiserver")[0][0]
    assert not is_there(pid)


def test_restart_keeps_port_data_and_log(programs: Programs) -> None:
    with ControlPlane() as control_plane:
        control_plane.restart_apiserver()
        control_plane.restart_apiserver(graceful=False)
        control_plane.start_apiserver()  # it runs: nothing to do
        assert control_plane.get("/x") == b"/x"
        starts = programs.calls("kube-apiserver")
        assert len(starts) == 3
        assert starts[0][1] == starts[1][1] == starts[2][1]
        assert [is_there(pid) for pid, _ in starts] == [False, False, True]
        assert len(programs.calls("etcd")) == 1
        control_plane.stop_apiserver()
        with pytest.raises(ControlPlaneError):
            control_plane.get("/x")


def test_an_apiserver_that_does_not_come_back_can_be_started_later(programs: Programs) -> None:
    with ControlPlane(start_timeout=3.0) as control_plane:
        control_plane.stop_apiserver()
        programs.write("kube-apiserver", 'sys.exit("address already in use")\n')
        with pytest.raises(ControlPlaneStartError, match="address already in use"):
            control_plane.start_apiserver()
        programs.write("kube-apiserver", BROKEN)
        with pytest.raises(ControlPlaneStartError, match="no-such-flag") as raised:
            control_plane.start_apiserver()
        assert "already in use" not in str(raised.value)  # that was the start before, though it is in the same log
        programs.write("kube-apiserver", "while True: time.sleep(1)\n")
        with pytest.raises(ControlPlaneStartError, match="not ready"):
            control_plane.start_apiserver()
        assert not is_there(programs.calls("kube-apiserver")[-1][0])
        programs.write("kube-apiserver", APISERVER)
        control_plane.start_apiserver()
        assert control_plane.get("/x") == b"/x"


def test_start_twice_stop_twice_start_again(programs: Programs) -> None:
    control_plane = ControlPlane()
    control_plane.stop()
    for operation in (control_plane.restart_apiserver, control_plane.stop_apiserver, control_plane.start_apiserver):
        with pytest.raises(ControlPlaneError, match="not started"):
            operation()
    control_plane.start()
    with pytest.raises(ControlPlaneError, match="started already"):
        control_plane.start()
    control_plane.stop()
    control_plane.stop()
    with control_plane:
        assert control_plane.get("/x") == b"/x"
    assert len(programs.calls("etcd")) == 2


def test_a_directory_that_was_given_stays(programs: Programs, tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "run"
    for _ in range(2):
        with ControlPlane(directory=folder) as control_plane:
            assert control_plane.kubeconfig == folder / "kubeconfig"
    assert {"etcd.log", "kube-apiserver.log", "kubeconfig", "pki"} <= {path.name for path in folder.iterdir()}


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs Linux to wait for a process that is not a child")
def test_servers_end_when_we_are_killed(programs: Programs, tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    program = """
        import os, signal, sys, tempfile
        from kinform.testing import ControlPlane
        tempfile.tempdir = sys.argv[1]
        ControlPlane().start()
        sys.stdout.write("up\\n")
        sys.stdout.flush()
        sys.stdin.read()
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program), str(scratch)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as user:
        assert user.stdout is not None
        assert user.stdout.readline() == b"up\n"
        servers = [os.pidfd_open(programs.calls(name)[0][0]) for name in ("etcd", "kube-apiserver")]
        folder = next(scratch.iterdir())
        user.send_signal(signal.SIGKILL)
    try:
        for server in servers:
            assert select.select([server], [], [], 30.0)[0], "a server outlives the process that started it"
    finally:
        for server in servers:
            os.close(server)
    # The companion removes the folder after the servers' end, so there is nothing more to wait on than itself.
    companion = next((pid for pid in _processes() if str(folder) in _command_line(pid)), None)
    if companion is not None:
        handle = os.pidfd_open(companion)
        assert select.select([handle], [], [], 30.0)[0]
        os.close(handle)
    assert not folder.exists()


def _processes() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


# ---- use


def test_compact_asks_etcd_for_its_revision_and_compacts_to_it(programs: Programs) -> None:
    with ControlPlane() as control_plane:
        assert control_plane.compact() == 42
    asked = [json.loads(line) for line in (programs.folder / "asked.log").read_text().splitlines()]
    assert [path for path, _ in asked] == ["/v3/kv/range", "/v3/kv/compaction"]
    assert asked[1][1] == {"revision": "42", "physical": True}


def test_kubectl_runs_with_the_kubeconfig(programs: Programs) -> None:
    program = programs.folder / "kubectl"
    program.write_text('#!/bin/sh\n[ "$3" = fail ] && { echo "no such thing" >&2; exit 1; }\necho "$@"; cat\n')
    program.chmod(0o755)
    with ControlPlane() as control_plane:
        said = control_plane.kubectl("apply", "--filename", "-", input="text")
        assert said == f"--kubeconfig {control_plane.kubeconfig} apply --filename -\ntext"
        with pytest.raises(ControlPlaneError, match="kubectl fail: no such thing"):
            control_plane.kubectl("fail")


def test_without_kubectl_only_kubectl_fails(programs: Programs) -> None:
    with ControlPlane() as control_plane, pytest.raises(ControlPlaneError, match="TEST_ASSET_KUBECTL"):
        control_plane.kubectl("get", "pods")


def test_client_is_the_official_one_and_closed_by_stop(programs: Programs) -> None:
    with ControlPlane() as control_plane:
        client = control_plane.client()
        assert client.configuration.host == control_plane.url  # type: ignore[attr-defined]
        assert client is not control_plane.client()
        user = control_plane.add_user("someone/else", ["staff"])
        assert user.parent == control_plane.directory
        assert json.loads(user.read_text())["clusters"][0]["cluster"]["server"] == control_plane.url


def test_authority_signs_names_groups_and_addresses() -> None:
    authority = Authority()
    client = x509.load_pem_x509_certificate(authority.client("me", ["a", "b"]).certificate)
    assert client.subject.rfc4514_string() == "CN=me,O=b,O=a"
    client.verify_directly_issued_by(x509.load_pem_x509_certificate(authority.certificate))
    server = x509.load_pem_x509_certificate(authority.server(["localhost"], ["127.0.0.1"]).certificate)
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]


def test_free_ports_are_not_handed_out_twice() -> None:
    ports = [free_port() for _ in range(50)]
    assert len(set(ports)) == 50


def test_ports_are_reserved_across_processes_for_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "cache" / "ports"
    port = free_port()
    assert (folder / str(port)).exists()
    monkeypatch.setattr(_ports, "_handed_out", set())  # as in another process
    assert not _ports._reserve(port)
    os.utime(folder / str(port), (0, 0))
    assert _ports._reserve(port)


def test_a_cache_that_cannot_be_written_does_not_matter(tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "ports").write_text("no folder")
    assert free_port() > 0


# ---- the command line


def test_command_runs_with_kubeconfig_and_gives_its_status(
    programs: Programs, capfd: pytest.CaptureFixture[str]
) -> None:
    command = [sys.executable, "-c", "import os; print(os.path.exists(os.environ['KUBECONFIG'])); raise SystemExit(3)"]
    with _signals_kept():
        assert main(["--feature-gate", "X=true", "--feature-gate", "Y=false", "--", *command]) == 3
    said = capfd.readouterr()
    assert said.out == "True\n"
    assert said.err.startswith("Kubernetes v1.99.3 at https://127.0.0.1:")
    assert programs.calls("kube-apiserver")[0][1]["feature-gates"] == "X=true,Y=false"


def test_command_that_is_not_there(programs: Programs, capfd: pytest.CaptureFixture[str]) -> None:
    with _signals_kept():
        assert main(["--", "/no/such/command"]) == 127
    assert "/no/such/command: No such file or directory" in capfd.readouterr().err


def test_command_line_without_servers_says_how_to_get_them(capsys: pytest.CaptureFixture[str]) -> None:
    with _signals_kept():
        assert main(["--version", "v1.37"]) == 2
        assert "make control-plane" in capsys.readouterr().err
        assert main(["--version", "newest"]) == 2
        assert "not a Kubernetes version" in capsys.readouterr().err


class _signals_kept:  # noqa: N801  (reads as the function that it is)
    """Puts back the handler that main() sets."""

    def __enter__(self) -> None:
        self._handler = signal.getsignal(signal.SIGTERM)

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGTERM, self._handler)


# ---- the package


def test_names_are_imported_when_used() -> None:
    program = "import sys, kinform.testing; print([m for m in sys.modules if m.startswith('kinform.testing.')])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
    assert kinform.testing.ControlPlane is ControlPlane
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = kinform.testing.no_such_name  # type: ignore[attr-defined]


def test_sigterm_ends_the_servers(programs: Programs) -> None:
    with subprocess.Popen([sys.executable, "-m", "kinform.testing.control_plane"], stderr=subprocess.PIPE) as run:
        assert run.stderr is not None
        while not run.stderr.readline().startswith(b"Ctrl-C"):
            pass
        pids = [programs.calls(name)[0][0] for name in ("etcd", "kube-apiserver")]
        assert all(is_there(pid) for pid in pids)
        run.terminate()
        assert run.wait(30) == 128 + signal.SIGTERM
    assert not any(is_there(pid) for pid in pids)
