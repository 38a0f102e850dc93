package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"kinform.dev/benchmarks/corpus"
)

// socketBuffer is how much is written at once. net/http's 4 KiB would cost more system calls than all else here.
const socketBuffer = 256 << 10

// server holds the objects, and what is asked of them. One mutex: nothing here is done by two at a time on purpose.
type server struct {
	kind corpus.Kind

	mutex     sync.Mutex
	objects   []corpus.Object
	version   int // the collection's resourceVersion
	oldest    int // the one from which on watches can begin
	streaming bool
	watch     *watch // the one that is open
	cursor    int    // the object that changes next
	sent      []sent // by the last burst
	lists     int    // complete ones
	pages     int
	watches   int
}

func (s *server) serve(listener net.Listener) error {
	for {
		connection, err := listener.Accept()
		if err != nil {
			return err
		}
		go s.converse(connection)
	}
}

// converse answers one connection's requests. It speaks HTTP/1.1 by hand, so that bytes go from memory to the socket
// in large pieces, in the chunks that net/http would make of them (see chunks.go).
func (s *server) converse(connection net.Conn) {
	defer connection.Close()
	reader, writer := bufio.NewReader(connection), bufio.NewWriterSize(connection, socketBuffer)
	for {
		request, err := http.ReadRequest(reader)
		if err != nil {
			return
		}
		if _, err := io.Copy(io.Discard, request.Body); err != nil {
			return
		}
		more, err := s.answer(request, reader, writer)
		if err == nil {
			err = writer.Flush()
		}
		if err != nil || !more || request.Close {
			return
		}
	}
}

var errBadRequest = errors.New("bad request")

func (s *server) answer(request *http.Request, reader *bufio.Reader, writer *bufio.Writer) (more bool, err error) {
	query := request.URL.Query()
	switch {
	case strings.HasPrefix(request.URL.Path, "/control/"):
		body, err := s.control(request.URL.Path, query)
		if err != nil {
			return true, plain(writer, http.StatusBadRequest, "text/plain", []byte(err.Error()))
		}
		return true, plain(writer, http.StatusOK, "application/json", body)
	case request.URL.Path != s.kind.Path:
		if found, err := s.discovery(request.URL.Path); found != nil || err != nil {
			return true, errors.Join(err, plain(writer, http.StatusOK, "application/json", found))
		}
		return true, status(writer, http.StatusNotFound, "NotFound", "the replayer serves "+s.kind.Path)
	case query.Get("watch") == "true" || query.Get("watch") == "1":
		if query.Get("sendInitialEvents") == "true" && !s.streams() {
			return true, status(writer, http.StatusUnprocessableEntity, "Invalid",
				"ListOptions.meta.k8s.io \"\" is invalid: sendInitialEvents: Forbidden: sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled")
		}
		return false, s.serveWatch(query, s.binary(request), reader, writer)
	default:
		return true, s.serveList(query, s.binary(request), writer)
	}
}

func (s *server) streams() bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.streaming
}

// binary says whether protobuf is served: to those whose first choice it is, if it was made.
func (s *server) binary(request *http.Request) bool {
	return s.objects[0].Protobuf.Bytes != nil && strings.HasPrefix(request.Header.Get("Accept"), "application/vnd.kubernetes.protobuf")
}

func (s *server) serveList(query url.Values, binary bool, writer *bufio.Writer) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	// A real server passes over limit for resourceVersion=0. Here it holds, which spares clients that ask so a single
	// page of everything.
	from, limit := 0, len(s.objects)
	var err error
	if text := query.Get("limit"); text != "" && text != "0" {
		if limit, err = strconv.Atoi(text); err != nil || limit < 0 {
			return status(writer, http.StatusBadRequest, "BadRequest", "limit is no number")
		}
	}
	if text := query.Get("continue"); text != "" {
		if from, err = strconv.Atoi(text); err != nil || from < 0 || from >= len(s.objects) {
			return status(writer, http.StatusBadRequest, "BadRequest", "continue is none of the replayer's")
		}
	}
	to, following := min(from+limit, len(s.objects)), ""
	if to < len(s.objects) {
		following = strconv.Itoa(to)
	} else {
		s.lists++
	}
	s.pages++
	if binary {
		return s.writeBinaryList(writer, s.objects[from:to], following)
	}
	if s.kind.Protobuf {
		return s.writeTypedList(writer, s.objects[from:to], following)
	}
	return s.writeCustomList(writer, s.objects[from:to], following)
}

func (s *server) left(following string) int {
	at, _ := strconv.Atoi(following)
	return len(s.objects) - at
}

// writeTypedList writes a list of a built-in kind: in the order of Go's fields, items without kind and apiVersion.
func (s *server) writeTypedList(writer *bufio.Writer, objects []corpus.Object, following string) error {
	chunks := begin(writer, "application/json")
	fmt.Fprintf(chunks, `{"kind":"%sList","apiVersion":"%s","metadata":{"resourceVersion":"%d"`, s.kind.Kind, s.kind.APIVersion, s.version)
	if following != "" {
		fmt.Fprintf(chunks, `,"continue":"%s","remainingItemCount":%d`, following, s.left(following))
	}
	io.WriteString(chunks, `},"items":[`)
	items(chunks, objects)
	io.WriteString(chunks, "]}\n")
	return chunks.end()
}

// writeCustomList writes a list of a custom resource: all keys sorted, and continue always there.
func (s *server) writeCustomList(writer *bufio.Writer, objects []corpus.Object, following string) error {
	chunks := begin(writer, "application/json")
	fmt.Fprintf(chunks, `{"apiVersion":"%s","items":[`, s.kind.APIVersion)
	items(chunks, objects)
	fmt.Fprintf(chunks, `],"kind":"%sList","metadata":{"continue":"%s",`, s.kind.Kind, following)
	if following != "" {
		fmt.Fprintf(chunks, `"remainingItemCount":%d,`, s.left(following))
	}
	fmt.Fprintf(chunks, "\"resourceVersion\":\"%d\"}}\n", s.version)
	return chunks.end()
}

func items(chunks *chunks, objects []corpus.Object) {
	var item []byte
	for i := range objects {
		item = item[:0]
		if i > 0 {
			item = append(item, ',')
		}
		item = append(item, objects[i].JSON.Bytes...)
		chunks.Write(item)
	}
}

// writeBinaryList writes k8s.io/apimachinery/pkg/runtime.Unknown around a list: field 1 its metadata, field 2 each item.
func (s *server) writeBinaryList(writer *bufio.Writer, objects []corpus.Object, following string) error {
	var metadata []byte
	metadata = field(metadata, 1, nil)
	metadata = field(metadata, 2, []byte(strconv.Itoa(s.version)))
	metadata = field(metadata, 3, []byte(following))
	if following != "" {
		metadata = append(metadata, 4<<3)
		metadata = varint(metadata, uint64(s.left(following)))
	}
	head := field(nil, 1, metadata)
	size := len(head)
	for i := range objects {
		size += len(prefix(nil, 2, len(objects[i].Protobuf.Bytes))) + len(objects[i].Protobuf.Bytes)
	}
	chunks := begin(writer, "application/vnd.kubernetes.protobuf")
	chunks.Write(append(envelope(s.kind.APIVersion, s.kind.Kind+"List", size), head...))
	var item []byte
	for i := range objects {
		item = prefix(item[:0], 2, len(objects[i].Protobuf.Bytes))
		chunks.Write(append(item, objects[i].Protobuf.Bytes...))
	}
	chunks.Write(envelopeEnd)
	return chunks.end()
}
