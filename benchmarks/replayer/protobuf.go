package main

import "encoding/binary"

// The few messages that stand around objects are put together here: the objects' bytes are copied, not encoded.

func varint(to []byte, number uint64) []byte { return binary.AppendUvarint(to, number) }

// prefix is what stands before a field of so many bytes.
func prefix(to []byte, number, size int) []byte {
	return varint(append(to, byte(number<<3|2)), uint64(size))
}

func field(to []byte, number int, value []byte) []byte {
	return append(prefix(to, number, len(value)), value...)
}

// envelope begins a runtime.Unknown: the magic number, the type, and the head of the object, which has that size.
func envelope(apiVersion, kind string, size int) []byte {
	var kinds []byte
	kinds = field(kinds, 1, []byte(apiVersion))
	kinds = field(kinds, 2, []byte(kind))
	return prefix(field([]byte("k8s\x00"), 1, kinds), 2, size)
}

// envelopeEnd is what follows the object: no content encoding, no content type.
var envelopeEnd = []byte{3<<3 | 2, 0, 4<<3 | 2, 0}
