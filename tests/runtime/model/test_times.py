"""Time and MicroTime: exact on the way through, canonical when made here."""

from __future__ import annotations

import copy
import json
import pickle
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from types import SimpleNamespace

TEXTS = [
    "2026-01-02T03:04:05Z",
    "2026-01-02T03:04:05.000000Z",
    "2026-01-02T03:04:05.120000Z",
    "2026-01-02T03:04:05.123456789Z",
    "2026-01-02T03:04:05.1Z",
    "2026-01-02T03:04:05+02:00",
    "2026-01-02T03:04:05-00:00",
    "2026-01-02t03:04:05z",
    "0001-01-01T00:00:00Z",
    "0000-01-01T00:00:00Z",
    "2026-01-02T03:04:05+99:00",
    "2026-01-02t03:04:05+99:99",
    "0000-02-29T00:00:00Z",
    # what the schemas of custom resources let pass
    "2026-01-02T03:04:0567Z",
    "2026-01-02T03:04:05é67z",
    "2026-01-02T03:04:05ZToo much",
    "2026-01-02T03:04:05Zt\n",
    "9999-12-31T23:59:59Z",
]


@pytest.mark.parametrize("text", TEXTS)
def test_what_the_server_wrote_goes_back_as_it_was(api: SimpleNamespace, text: str) -> None:
    for model, key in ((api.Meta, "creationTimestamp"), (api.Lock, "renewTime")):
        data = json.dumps({key: text}, separators=(",", ":"), ensure_ascii=False).encode()
        assert model.from_wire(data).to_wire() == data


def test_values_are_aware_datetimes(api: SimpleNamespace) -> None:
    created = api.Meta.from_wire(b'{"creationTimestamp":"2026-01-02T03:04:05Z"}').created
    assert isinstance(created, datetime)
    assert created == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert created - timedelta(seconds=5) == datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    assert api.Meta.from_wire(b'{"creationTimestamp":"2026-01-02T03:04:05.123456789+01:00"}').created == datetime(
        2026, 1, 2, 2, 4, 5, 123456, tzinfo=UTC
    )


@pytest.mark.parametrize(
    "text",
    ["", "2026-01-02", "2026-01-02T03:04:05", "03:04:05Z", "2026-13-02T03:04:05Z", "soon", "2026-01-02T03:04:05Z\n"],
)
def test_what_is_no_rfc_3339_time_is_refused(api: SimpleNamespace, text: str) -> None:
    with pytest.raises(ValueError, match=r"Meta: creationTimestamp: Input should be a time as in RFC 3339"):
        api.Meta.from_wire(json.dumps({"creationTimestamp": text}).encode())


@pytest.mark.parametrize("value", [5, True, [], {}])
def test_other_json_is_no_time(api: SimpleNamespace, value: Any) -> None:
    with pytest.raises(ValueError, match="RFC 3339"):
        api.Meta.from_wire(json.dumps({"creationTimestamp": value}).encode())


@pytest.mark.parametrize(
    ("value", "time", "micro_time"),
    [
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000000Z"),
        (datetime(2026, 1, 2, 3, 4, 5, 600, tzinfo=UTC), "2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000600Z"),
        (
            datetime(2026, 1, 2, 3, 4, 5, 999999, tzinfo=timezone(timedelta(hours=-5))),
            "2026-01-02T08:04:05Z",
            "2026-01-02T08:04:05.999999Z",
        ),
        (datetime(7, 1, 2, tzinfo=UTC), "0007-01-02T00:00:00Z", "0007-01-02T00:00:00.000000Z"),
    ],
)
def test_values_made_in_python_are_written_canonically(
    api: SimpleNamespace, value: Any, time: str, micro_time: str
) -> None:
    assert json.loads(api.Meta(created=value).to_wire()) == {"creationTimestamp": time}
    assert json.loads(api.Lock(renewed=value).to_wire()) == {"renewTime": micro_time}
    lock = api.Lock()
    lock.renewed = value
    assert json.loads(lock.to_wire()) == {"renewTime": micro_time}


def test_the_text_of_a_time_never_goes_out_as_a_micro_time(api: SimpleNamespace) -> None:
    created = api.Meta.from_wire(b'{"creationTimestamp":"2026-01-02T03:04:05Z"}').created
    assert api.Lock(renewed=created).to_wire() == b'{"renewTime":"2026-01-02T03:04:05.000000Z"}'
    renewed = api.Lock.from_wire(b'{"renewTime":"2026-01-02T03:04:05.700000Z"}').renewed
    assert api.Meta(created=renewed).to_wire() == b'{"creationTimestamp":"2026-01-02T03:04:05Z"}'


def test_what_is_computed_from_a_read_time_has_its_own_text(api: SimpleNamespace) -> None:
    renewed = api.Lock.from_wire(b'{"renewTime":"2026-01-02T03:04:05.000000+00:00"}').renewed
    lock = api.Lock(renewed=renewed + timedelta(seconds=1))
    assert lock.to_wire() == b'{"renewTime":"2026-01-02T03:04:06.000000Z"}'
    assert api.Lock(renewed=renewed.replace(second=7)).to_wire() == b'{"renewTime":"2026-01-02T03:04:07.000000Z"}'
    assert renewed.utcoffset() == timedelta(0)
    assert (
        api.Lock(renewed=renewed.astimezone(timezone(timedelta(hours=1)))).to_wire()
        == b'{"renewTime":"2026-01-02T03:04:05.000000Z"}'
    )


def test_constructors_of_pydantic_models_refuse_it_at_once(models: SimpleNamespace) -> None:
    with pytest.raises(ValueError, match=r"time with a time zone"):
        models.Lock(renewed=datetime(2026, 1, 2))  # noqa: DTZ001


def test_text_is_read_by_constructors_as_well(models: SimpleNamespace) -> None:
    assert models.Lock(renewed="2026-01-02T03:04:05.5Z").renewed.microsecond == 500000


def test_a_datetime_without_zone_is_refused(api: SimpleNamespace) -> None:
    naive = datetime(2026, 1, 2)  # noqa: DTZ001
    lock = api.Lock()
    lock.renewed = naive
    with pytest.raises(ValueError, match=r"renewTime: .*time zone.*2026-01-02"):
        lock.to_wire()


@pytest.mark.parametrize("text", ["2026-01-02T03:04:05.000000Z", "2026-01-02T03:04:05+02:00"])
def test_copies_and_pickles_keep_the_text(api: SimpleNamespace, text: str) -> None:
    lock = api.Lock.from_wire(json.dumps({"renewTime": text}).encode())
    for same in (copy.copy(lock), copy.deepcopy(lock), pickle.loads(pickle.dumps(lock))):
        assert same == lock
        assert json.loads(same.to_wire()) == {"renewTime": text}
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        later = lock.renewed + timedelta(days=1)
        assert pickle.loads(pickle.dumps(later, protocol)) == later


def test_repr_is_python_for_the_value(api: SimpleNamespace) -> None:
    renewed = api.Lock.from_wire(b'{"renewTime":"2026-01-02T03:04:05.000000Z"}').renewed
    assert repr(renewed) == "datetime.fromisoformat('2026-01-02T03:04:05.000000Z')"
    assert eval(repr(renewed)) == renewed
    assert repr(renewed + timedelta(1)) == "datetime.fromisoformat('2026-01-03T03:04:05+00:00')"


def test_pydantic_s_own_dump_writes_the_same_text(models: SimpleNamespace) -> None:
    lock = models.Lock(renewed=datetime(2026, 1, 2, tzinfo=UTC))
    assert lock.model_dump_json(by_alias=True) == '{"renewTime":"2026-01-02T00:00:00.000000Z"}'
    assert lock.model_dump()["renewed"] == datetime(2026, 1, 2, tzinfo=UTC)
