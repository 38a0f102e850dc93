"""Kubernetes' Time and MicroTime: datetimes that go back to the server exactly as they came."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final, Self, SupportsIndex

__all__ = ["MICRO_TIME", "TIME", "MicroTimeFormat", "TimeFormat", "WireMicroTime", "WireTime", "zero_time"]

# What the API server lets pass as a date-time, beyond what Python reads by itself: year 0, any digits as an offset, t
# and z in small letters, any one character before the fraction; in custom resources that may be a digit, too, and
# whatever follows another T is not looked at.
_LENIENT = re.compile(
    r"(?P<year>\d{4})-(?P<day>\d\d-\d\d)T(?P<time>\d\d:\d\d:\d\d)(?:.(?P<fraction>\d+))?(?P<zone>Z|[+-]\d\d:\d\d)"
    r"(?:T(?s:.*))?",
    re.ASCII | re.IGNORECASE,
)


_NOT_A_TIME: Final = "Input should be a time as in RFC 3339"
_NO_ZONE: Final = "Input should be a time with a time zone, as datetime.now(UTC) is"


class WireTime(datetime):
    """A datetime that remembers the text it was read from; what is computed from it remembers nothing."""

    __slots__ = ("_text",)
    _text: str

    @classmethod
    def read(cls, text: str) -> Self:
        """Reads a text as in RFC 3339, and what the API server takes for one.

        Raises:
            ValueError: It is none.
        """
        try:
            value = cls.fromisoformat(text)
        except ValueError:
            value = cls._read_leniently(text)
        else:
            if value.tzinfo is None:
                value = cls._read_leniently(text)
        value._text = text  # noqa: SLF001 - its own
        return value

    @classmethod
    def _read_leniently(cls, text: str) -> Self:
        match = _LENIENT.fullmatch(text)
        if match is None:
            raise ValueError(_NOT_A_TIME)
        year = max(match["year"], "0004" if match["day"] == "02-29" else "0001")
        zone = match["zone"].upper() if match["zone"][1:3] < "24" else "Z"
        try:
            return cls.fromisoformat(f"{year}-{match['day']}T{match['time']}.{match['fraction'] or '0'}{zone}")
        except ValueError:
            raise ValueError(_NOT_A_TIME) from None

    @property
    def text(self) -> str | None:
        """The text this was read from, or None."""
        return getattr(self, "_text", None)

    def __reduce_ex__(self, protocol: SupportsIndex) -> str | tuple[object, ...]:
        text = self.text
        return super().__reduce_ex__(protocol) if text is None else (type(self).read, (text,))

    def __repr__(self) -> str:
        return f"datetime.fromisoformat({self.text or self.isoformat()!r})"

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self


class WireMicroTime(WireTime):
    """As `WireTime`, for MicroTime: so that the text of the one never goes out where the other is expected."""

    __slots__ = ()


def zero_time() -> datetime:
    """Go's zero time, which null reads as in a list or a map."""
    return datetime.min.replace(tzinfo=UTC)


class TimeFormat:
    """Reads and writes ``meta/v1.Time``: whole seconds in UTC, unless the server wrote it otherwise.

    A value read from the wire is written as it was read. A value made in Python needs a time zone, and is written in
    UTC with a ``Z``.
    """

    kept: type[WireTime] = WireTime
    """What values read from the wire are."""

    def accept(self, value: object) -> datetime:
        """The value of a field: a text is read, a datetime taken as it is.

        Raises:
            ValueError: The text is no time; the datetime has no time zone; or the value is something else.
        """
        if isinstance(value, str):
            return self.kept.read(value)
        if isinstance(value, datetime):
            return self._zoned(value)
        raise ValueError(_NOT_A_TIME)

    def write(self, value: datetime) -> str:
        """The text for the wire.

        Raises:
            ValueError: The datetime has no time zone.
        """
        # The exact class: the text of a MicroTime is none for a Time, and the other way round.
        if value.__class__ is self.kept and (text := getattr(value, "_text", None)) is not None:
            return text  # type: ignore[no-any-return]
        return self._canonical(self._zoned(value).astimezone(UTC).replace(tzinfo=None))

    def _canonical(self, value: datetime) -> str:
        return value.isoformat(timespec="seconds") + "Z"

    @staticmethod
    def _zoned(value: datetime) -> datetime:
        if value.tzinfo is None:
            raise ValueError(_NO_ZONE)
        return value


class MicroTimeFormat(TimeFormat):
    """Reads and writes ``meta/v1.MicroTime``: always six digits, since the server refuses any other number."""

    kept: type[WireTime] = WireMicroTime

    def _canonical(self, value: datetime) -> str:
        return value.isoformat(timespec="microseconds") + "Z"


TIME: Final[TimeFormat] = TimeFormat()
MICRO_TIME: Final[MicroTimeFormat] = MicroTimeFormat()
