package main

import (
	"compress/zlib"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The last object is changed by nothing but the end of a burst, and by every expiry: who has seen its change has seen
// all that came before.

// control does what an orchestrator asks for:
//
//	/control/burst?count=N&rate=R     N MODIFIED events, at R a second or as fast as the client reads; answers when all
//	                                  are written. The last one is the last object's.
//	/control/expire?changed=SHARE     changes that share of the objects, then ends the watch with 410; older watches are
//	                                  refused likewise from then on.
//	/control/streaming?on=BOOL        whether streaming lists are served, or refused as by a server without them.
//	/control/sent                     when the last burst wrote the event of each key.
//	/control/versions                 the resourceVersion of each key.
//	/control/stats                    what is served, and how often.
func (s *server) control(path string, query url.Values) ([]byte, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	switch strings.TrimPrefix(path, "/control/") {
	case "burst":
		count, err := strconv.Atoi(query.Get("count"))
		if err != nil || count < 1 {
			return nil, fmt.Errorf("%w: count=%q is no number above 0", errBadRequest, query.Get("count"))
		}
		rate, _ := strconv.ParseFloat(query.Get("rate"), 64)
		return s.burst(count, rate)
	case "expire":
		share, err := strconv.ParseFloat(query.Get("changed"), 64)
		if err != nil || share < 0 || share > 1 {
			return nil, fmt.Errorf("%w: changed=%q is no share from 0 to 1", errBadRequest, query.Get("changed"))
		}
		return s.expire(share)
	case "streaming":
		s.streaming = query.Get("on") == "true"
		return json.Marshal(map[string]any{"streaming": s.streaming})
	case "sent":
		at := make(map[string]int64, len(s.sent))
		for _, each := range s.sent {
			at[s.objects[each.object].Key] = each.at
		}
		return json.Marshal(at)
	case "versions":
		versions := make(map[string]string, len(s.objects))
		for i := range s.objects {
			versions[s.objects[i].Key] = s.objects[i].JSON.Version()
		}
		return json.Marshal(versions)
	case "stats":
		return json.Marshal(s.stats())
	default:
		return nil, fmt.Errorf("%w: there is no %s", errBadRequest, path)
	}
}

func (s *server) burst(count int, rate float64) ([]byte, error) {
	if err := s.awaitWatch(); err != nil {
		return nil, err
	}
	s.sent = s.sent[:0]
	last, begun := len(s.objects)-1, time.Now()
	for i := range count {
		if rate > 0 {
			due := begun.Add(time.Duration(float64(i) / rate * float64(time.Second)))
			if wait := time.Until(due); wait > 0 {
				if err := s.watch.chunks.flush(); err != nil {
					return nil, err
				}
				time.Sleep(wait)
			}
		}
		number := s.cursor
		if i == count-1 {
			number = last
		} else {
			s.cursor = (s.cursor + 1) % last
		}
		s.change(number)
		s.event(s.watch, "MODIFIED", &s.objects[number])
	}
	err := s.watch.chunks.flush()
	if err != nil {
		return nil, err
	}
	return json.Marshal(map[string]any{
		"events": count, "version": s.version, "first": begun.UnixNano(), "written": time.Now().UnixNano(), "last_key": s.objects[last].Key,
	})
}

// awaitWatch returns when somebody watches: after a list in pages that is a moment later. The mutex is held before and
// after, not meanwhile.
func (s *server) awaitWatch() error {
	for deadline := time.Now().Add(10 * time.Second); s.watch == nil; {
		if time.Now().After(deadline) {
			return fmt.Errorf("%w: nobody watches", errBadRequest)
		}
		s.mutex.Unlock()
		time.Sleep(2 * time.Millisecond)
		s.mutex.Lock()
	}
	return nil
}

func (s *server) expire(share float64) ([]byte, error) {
	if err := s.awaitWatch(); err != nil {
		return nil, err
	}
	s.sent = s.sent[:0]
	last := len(s.objects) - 1
	for range int(share * float64(last)) {
		s.change(s.cursor)
		s.cursor = (s.cursor + 7) % last // spread: unchanged ones between
	}
	s.change(last)
	s.oldest = s.version
	begun := time.Now()
	if err := s.expired(s.watch); err != nil {
		return nil, err
	}
	return json.Marshal(map[string]any{"changed": len(s.sent), "version": s.version, "first": begun.UnixNano(), "last_key": s.objects[last].Key})
}

func (s *server) stats() map[string]any {
	total, binary := 0, 0
	sizes := make([]int, len(s.objects))
	for i := range s.objects {
		sizes[i] = len(s.objects[i].JSON.Bytes)
		total += sizes[i]
		binary += len(s.objects[i].Protobuf.Bytes)
	}
	slices.Sort(sizes)
	owners := map[string]bool{}
	for i := range s.objects {
		owners[s.objects[i].Owner] = true
	}
	return map[string]any{
		"corpus": s.kind.Name, "path": s.kind.Path, "objects": len(s.objects), "version": s.version,
		"workloads": len(owners), "compression": s.compression(),
		"bytes": total / len(s.objects), "bytes_protobuf": binary / len(s.objects), "smallest": sizes[0],
		"largest": sizes[len(sizes)-1], "last_key": s.objects[len(s.objects)-1].Key, "lists": s.lists, "pages": s.pages,
		"watches": s.watches, "watching": s.watch != nil,
	}
}

// compression is how many times smaller zlib makes the objects, one after the other: what is alike in them is in its
// window if they are neighbours only, as in all that looks at a few objects at a time.
func (s *server) compression() float64 {
	const enough = 16 << 20
	packed, whole := &counter{}, 0
	writer := zlib.NewWriter(packed)
	for i := range s.objects {
		if whole > enough {
			break
		}
		written, _ := writer.Write(s.objects[i].JSON.Bytes)
		whole += written
	}
	if err := writer.Close(); err != nil {
		return 0
	}
	return float64(whole) / float64(packed.bytes)
}

type counter struct{ bytes int }

func (c *counter) Write(data []byte) (int, error) {
	c.bytes += len(data)
	return len(data), nil
}
