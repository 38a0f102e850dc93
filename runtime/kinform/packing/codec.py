"""Packs and unpacks bodies by a dictionary made of other bodies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

import zstandard

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["BADLY_PACKED", "Codec", "ratio"]

BADLY_PACKED: Final = 0.11
"""Share of its size above which a packed body holds what the dictionary does not know yet."""

_SEEDS: Final = 4  # bodies that a dictionary begins with
_SHARE: Final = 32  # a dictionary may have one part in so many of all that is packed with it
_SMALL: Final = 512 * 1024  # bytes up to which it may have a larger part, since fewer objects have as many templates
_SHARE_IF_SMALL: Final = 4
_LARGEST: Final = 16 * 1024 * 1024  # bytes that it may have at the most
_GROWTH: Final = 0.4  # what is new must be so much of the dictionary: each time it grows, it is indexed anew
_LEAST_GROWTH: Final = 128 * 1024
_LEVEL: Final = 3
_TYPICAL_SIZE: Final = 8192  # bytes of a body, for zstd's parameters


@final
class Codec:
    """One dictionary, and what was packed with it: it must live as long as the last of these frames.

    The objects of one kind are made from a few hundred templates: a body packs well where the dictionary holds one that
    came of the same template, whole. So the dictionary is raw content, not the few kilobytes of common strings that
    zstd's training finds: bodies that pack badly are added to it, up to a share of what is packed. On pods of 500
    workloads that makes frames five times smaller than with a trained dictionary of 64 KiB, in half the time.

    New content goes *in front* of the old, and zstd counts offsets from the end: what was packed with a shorter
    dictionary unpacks with the longer one.

    ``unpack`` may be called from any thread; all else by one thread at a time.
    """

    __slots__ = ("_compress", "_dictionary", "_novel", "_novel_size", "full")

    def __init__(self) -> None:
        self._dictionary: _Dictionary | None = None
        self._compress: _Compress | None = None
        self._novel: list[bytes] = []  # bodies that are to be added
        self._novel_size = 0
        #: Whether the dictionary has lately been too large to take what packed badly.
        self.full: bool = False

    @property
    def size(self) -> int:
        """The dictionary's bytes."""
        return 0 if self._dictionary is None else len(self._dictionary)

    @property
    def at_rest(self) -> bool:
        """Whether it has let go of what only packing needs."""
        return self._compress is None

    def pack(self, bodies: Sequence[bytes], total: int) -> list[bytes]:
        """Packs bodies, and learns from them.

        Takes some 10 µs for a body of 6 KB, without the interpreter's lock, and now and then milliseconds in which the
        dictionary grows.

        Args:
            bodies: At least one; none of them empty.
            total: How many bytes are packed, or are to be packed, with this codec, about; the dictionary's size is kept
                to a part of it.
        """
        if self._dictionary is None:
            self._grow(bodies[:_SEEDS])
        assert self._dictionary is not None
        if self._compress is None:
            self._compress = self._dictionary.compressor()
        frames = self._compress(bodies)
        most = min(_LARGEST, max(min(_SMALL, total // _SHARE_IF_SMALL), total // _SHARE))
        room = most - self.size - self._novel_size
        for body, frame in zip(bodies, frames, strict=True):
            if len(frame) <= len(body) * BADLY_PACKED:
                continue
            self.full = len(body) > room
            if not self.full:
                self._novel.append(body)
                self._novel_size += len(body)
                room -= len(body)
        if self._novel_size > max(_LEAST_GROWTH, self.size * _GROWTH):
            self.grow()
        return frames

    def grow(self) -> bool:
        """Adds to the dictionary what packed badly lately; whether there was any."""
        if not self._novel:
            return False
        novel, self._novel, self._novel_size = self._novel, [], 0
        self._grow(novel)
        return True

    def rest(self) -> None:
        """Lets go of what only packing needs, which is nearly as large as the dictionary; ``pack`` makes it anew.

        That takes some 20 ms for a dictionary of 4 MB, and so does it again.
        """
        if self._compress is not None and self._dictionary is not None:
            self._compress = None
            # The index is the prepared dictionary's own, and goes with that.
            self._dictionary = _Dictionary(self._dictionary.content())

    def unpack(self, frame: bytes) -> bytes:
        """The body in a frame; a few µs. Thread-safe.

        Raises:
            RuntimeError: This is no frame of this codec.
        """
        # The dictionary is put in place before the first frame that needs it, so what is read here is new enough.
        dictionary = self._dictionary
        if dictionary is None:
            raise RuntimeError("nothing has been packed with this codec")
        return dictionary.unpack(frame)

    def _grow(self, novel: Sequence[bytes]) -> None:
        known = () if self._dictionary is None else (self._dictionary.content(),)
        dictionary = _Dictionary(b"".join((*novel, *known)))
        del known
        self._compress = dictionary.compressor()
        self._dictionary = dictionary


def ratio(frame: bytes) -> float:
    """How large a frame is, to the body in it."""
    return len(frame) / max(1, zstandard.frame_content_size(frame))


if TYPE_CHECKING:
    _Compress = Callable[[Sequence[bytes]], list[bytes]]


@final
class _Dictionary:
    """One state of a codec's dictionary. Immutable, but for the contexts that are lying idle."""

    __slots__ = ("_idle", "_prepared")

    def __init__(self, content: bytes) -> None:
        # A copy of its own, so nobody else need keep the content.
        self._prepared = zstandard.ZstdCompressionDict(content, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
        # Decompressing needs a context that nobody else uses meanwhile: two threads in one end the process. Appending
        # to a list and popping from it are atomic, so a list is all the lock that is needed; there are as many contexts
        # as threads have unpacked at the same time.
        self._idle: list[zstandard.ZstdDecompressor] = []

    def __len__(self) -> int:
        return len(self._prepared)

    def content(self) -> bytes:
        return self._prepared.as_bytes()

    def compressor(self) -> _Compress:
        size = len(self)
        index_bits = max(14, min(21, (size - 1).bit_length() - 3))
        parameters = zstandard.ZstdCompressionParameters.from_level(  # pyright: ignore[reportUnknownMemberType]
            _LEVEL,
            source_size=_TYPICAL_SIZE,
            dict_size=size,
            window_log=max(18, min(26, size.bit_length() + 1)),  # all of the dictionary is within reach
            hash_log=index_bits,
            chain_log=index_bits - 1,
            min_match=6,
            write_content_size=True,
            write_checksum=False,
            write_dict_id=False,
        )
        self._prepared.precompute_compress(compression_params=parameters)  # pyright: ignore[reportUnknownMemberType]
        compressor = zstandard.ZstdCompressor(compression_params=parameters, dict_data=self._prepared)
        if "multi_compress_to_buffer" in zstandard.backend_features:

            def compress(bodies: Sequence[bytes]) -> list[bytes]:
                frames = compressor.multi_compress_to_buffer(list(bodies))
                return [frames[number].tobytes() for number in range(len(bodies))]

            return compress
        # compress() cuts its worst-case buffer down in place, which leaves the memory taken: keep a copy instead.
        return lambda bodies: [bytes(memoryview(compressor.compress(body))) for body in bodies]

    def unpack(self, frame: bytes) -> bytes:
        try:
            context = self._idle.pop()
        except IndexError:
            context = zstandard.ZstdDecompressor(dict_data=self._prepared)
        body = context.decompress(frame)
        self._idle.append(context)
        return body
