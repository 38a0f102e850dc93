package main

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kinform.dev/benchmarks/corpus"
)

const bookmarkAnnotation = "k8s.io/initial-events-end"

// watch is an open one. It is written to with the server's mutex held.
type watch struct {
	chunks *chunks
	binary bool
	ended  chan struct{}
	frame  []byte // reused
}

// sent says when an object's event was written.
type sent struct {
	object int
	at     int64
}

func (s *server) serveWatch(query url.Values, binary bool, reader *bufio.Reader, writer *bufio.Writer) error {
	contentType := "application/json"
	if binary {
		contentType = "application/vnd.kubernetes.protobuf;stream=watch"
	}
	opened := &watch{chunks: begin(writer, contentType), binary: binary, ended: make(chan struct{})}
	s.mutex.Lock()
	err := opened.chunks.flush()
	if err == nil && query.Get("sendInitialEvents") == "true" {
		err = s.initial(opened)
	}
	s.watch = opened
	s.watches++
	if from, number := strconv.Atoi(query.Get("resourceVersion")); err == nil && number == nil && from < s.oldest {
		err = s.expired(opened)
	}
	s.mutex.Unlock()
	if err != nil {
		return err
	}
	// The client says nothing more: a read ends when it has gone.
	gone := make(chan struct{})
	go func() {
		_, _ = reader.ReadByte()
		close(gone)
	}()
	select {
	case <-gone:
	case <-opened.ended:
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.watch == opened {
		s.watch = nil
	}
	return opened.chunks.end()
}

func (s *server) initial(to *watch) error {
	for i := range s.objects {
		s.event(to, "ADDED", &s.objects[i])
	}
	s.lists++
	version := strconv.Itoa(s.version)
	if to.binary {
		bookmark := corev1.Pod{ObjectMeta: metav1.ObjectMeta{ResourceVersion: version, Annotations: map[string]string{bookmarkAnnotation: "true"}}}
		raw, err := bookmark.Marshal()
		if err != nil {
			return err
		}
		s.binaryEvent(to, "BOOKMARK", raw)
	} else if s.kind.Protobuf {
		fmt.Fprintf(to.chunks, `{"type":"BOOKMARK","object":{"kind":"%s","apiVersion":"%s","metadata":{"resourceVersion":"%s","annotations":{"%s":"true"}},"spec":{"containers":null},"status":{}}}`+"\n",
			s.kind.Kind, s.kind.APIVersion, version, bookmarkAnnotation)
	} else {
		fmt.Fprintf(to.chunks, `{"type":"BOOKMARK","object":{"apiVersion":"%s","kind":"%s","metadata":{"annotations":{"%s":"true"},"resourceVersion":"%s"}}}`+"\n",
			s.kind.APIVersion, s.kind.Kind, bookmarkAnnotation, version)
	}
	return to.chunks.flush()
}

// event writes an object as it is now. The frame is one piece, as a real server writes it.
func (s *server) event(to *watch, what string, object *corpus.Object) {
	if to.binary {
		s.binaryEvent(to, what, object.Protobuf.Bytes)
		return
	}
	frame := append(to.frame[:0], `{"type":"`...)
	frame = append(append(frame, what...), `","object":`...)
	raw := object.JSON.Bytes
	if s.kind.Protobuf {
		// Not an item of a list here: a built-in says what it is.
		frame = append(append(append(append(frame, `{"kind":"`...), s.kind.Kind...), `","apiVersion":"`...), s.kind.APIVersion...)
		frame = append(frame, `",`...)
		raw = raw[1:]
	}
	to.frame = append(append(frame, raw...), '}', '\n')
	to.chunks.Write(to.frame)
}

// binaryEvent writes a metav1.WatchEvent behind its length: field 1 the type, field 2 the object's envelope in field 1.
func (s *server) binaryEvent(to *watch, what string, raw []byte) {
	object := append(envelope(s.kind.APIVersion, s.kind.Kind, len(raw)), raw...)
	object = append(object, envelopeEnd...)
	extension := prefix(nil, 1, len(object))
	frame := field(to.frame[:0], 1, []byte(what))
	frame = prefix(frame, 2, len(extension)+len(object))
	to.frame = append(append(frame, extension...), object...)
	var length [4]byte
	binary.BigEndian.PutUint32(length[:], uint32(len(to.frame)))
	to.chunks.Write(length[:])
	to.chunks.Write(to.frame)
}

// expired ends the watch as a server does whose history does not go back far enough.
func (s *server) expired(to *watch) error {
	status := metav1.Status{
		TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: metav1.StatusFailure,
		Message: "too old resource version", Reason: metav1.StatusReasonExpired, Code: 410,
	}
	if to.binary {
		raw, err := status.Marshal()
		if err != nil {
			return err
		}
		object := append(append(envelope("v1", "Status", len(raw)), raw...), envelopeEnd...)
		frame := field(field(nil, 1, []byte("ERROR")), 2, field(nil, 1, object))
		to.chunks.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(frame))), frame...))
	} else {
		raw, err := json.Marshal(status)
		if err != nil {
			return err
		}
		fmt.Fprintf(to.chunks, `{"type":"ERROR","object":%s}`+"\n", raw)
	}
	if err := to.chunks.flush(); err != nil {
		return err
	}
	s.watch = nil
	close(to.ended)
	return nil
}

// change gives an object its next version, stamped with the time.
func (s *server) change(number int) {
	s.version++
	now := time.Now().UnixNano()
	s.objects[number].Set(strconv.Itoa(s.version), strconv.FormatInt(now, 10))
	s.sent = append(s.sent, sent{number, now})
}
