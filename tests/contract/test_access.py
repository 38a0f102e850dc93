"""Who is not let in, where there is something to get into: over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import urllib3
from tests.contract.conftest import REAL, HttpLine

if TYPE_CHECKING:
    from tests.contract.conftest import Api

pytestmark = pytest.mark.parametrize("api", ["box", REAL], indirect=True)


@pytest.fixture
def line(api: Api) -> HttpLine:
    assert isinstance(api.line, HttpLine)
    return api.line


@pytest.mark.parametrize("path", ["/api/v1/namespaces", "/apis/example.com/v1/nothing", "/version"])
def test_a_token_that_nobody_gave_out(line: HttpLine, path: str) -> None:
    with urllib3.PoolManager(ca_certs=line.authority) as stranger:
        answer = stranger.request("GET", f"{line.url}{path}", headers={"Authorization": "Bearer wrong"})
    assert answer.status == 401
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json() == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": "Unauthorized",
        "reason": "Unauthorized",
        "code": 401,
    }


def test_plain_http_to_a_port_that_speaks_tls(line: HttpLine) -> None:
    with urllib3.PoolManager() as plain:
        answer = plain.request("GET", line.url.replace("https:", "http:"), retries=False)
    assert (answer.status, answer.data) == (400, b"Client sent an HTTP request to an HTTPS server.\n")
