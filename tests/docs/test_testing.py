"""The programs of docs/testing.md do what the page says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.docs.conftest import Start


@pytest.mark.parametrize("place", [("docs/testing.md", "The fake clientset")])
def test_a_fake_clientset_answers_a_program_and_its_informers(start: Start) -> None:
    program = start()
    program.expect("['list pods shop', 'create configmaps shop/pods']")
    program.expect("[ObjectKey(namespace='shop', name='web-0'), ObjectKey(namespace='shop', name='web-1')]")
    program.end()
