"""The cache's bytes, packed: zstd with a dictionary that grows from the objects themselves, in a thread of its own."""

from kinform.packing.codec import Codec
from kinform.packing.packer import Packer

__all__ = ["Codec", "Packer"]
