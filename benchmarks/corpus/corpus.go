// Package corpus makes the objects that the replayer serves, as bytes: JSON as an API server writes it, and protobuf.
//
// Everything follows from the seed: an object's bytes depend on its number, not on how many others there are.
package corpus

import (
	"bytes"
	"encoding/json"
	"fmt"
	"runtime"
	"sync"
)

const (
	// StampAnnotation holds when an object was sent, in nanoseconds since 1970: it makes events differ from what was
	// there before, and tells how long they took to a handler.
	StampAnnotation = "replayer.example.com/sent-at"
	// CustomVersion is the apiVersion of the custom resource.
	CustomVersion = "shop.example.com/v1"

	// Both are patched in place, and so have a fixed width. Marks stand for them until an object's bytes are made.
	versionMark = "7777777777"
	stampMark   = "8888888888888888888"
	firstStamp  = "1700000000000000000"
	// FirstVersion is the lowest resourceVersion: all have ten digits.
	FirstVersion = 1_000_000_000
)

// Kind is a resource whose objects are made.
type Kind struct {
	Name, APIVersion, Kind, Path string
	// Protobuf: whether the API server can send it so.
	Protobuf bool
}

// Kinds are all of them, by the name of the corpus.
var Kinds = map[string]Kind{
	"pods":       {Name: "pods", APIVersion: "v1", Kind: "Pod", Path: "/api/v1/pods", Protobuf: true},
	"pods-small": {Name: "pods-small", APIVersion: "v1", Kind: "Pod", Path: "/api/v1/pods", Protobuf: true},
	"releases":   {Name: "releases", APIVersion: CustomVersion, Kind: "Release", Path: "/apis/shop.example.com/v1/releases"},
}

// Object is one object as bytes, in which the resourceVersion and the stamp can be changed in place.
type Object struct {
	Key            string // namespace/name
	Owner          string // the workload
	JSON, Protobuf Encoded
}

// Encoded is an object in one encoding, and where its changing parts stand.
type Encoded struct {
	Bytes          []byte
	version, stamp int
}

// Set writes the resourceVersion and the stamp, ten and nineteen digits.
func (e *Encoded) Set(version, stamp string) {
	copy(e.Bytes[e.version:e.version+len(versionMark)], version)
	copy(e.Bytes[e.stamp:e.stamp+len(stampMark)], stamp)
}

// Version is the resourceVersion.
func (e *Encoded) Version() string { return string(e.Bytes[e.version : e.version+len(versionMark)]) }

func encoded(raw []byte) (Encoded, error) {
	if bytes.Count(raw, []byte(versionMark)) != 1 || bytes.Count(raw, []byte(stampMark)) != 1 {
		return Encoded{}, fmt.Errorf("the marks do not stand exactly once in %q", raw)
	}
	return Encoded{bytes.Clone(raw), bytes.Index(raw, []byte(versionMark)), bytes.Index(raw, []byte(stampMark))}, nil
}

// New makes so many objects of a kind. In JSON as items of a list: built-ins without kind and apiVersion, custom
// resources with them.
func New(kind Kind, count int, seed uint64, protobuf bool) ([]Object, error) {
	wanted, there := sizes[kind.Name]
	if !there {
		wanted = sizes["pods"]
	}
	workloads := make([]*workload, Workloads)
	for number := range workloads {
		workloads[number] = newWorkload(seed, number, wanted)
	}
	made := make([]Object, count)
	failures := make(chan error, runtime.NumCPU())
	var group sync.WaitGroup
	for worker := range runtime.NumCPU() {
		group.Go(func() {
			for number := worker; number < count; number += runtime.NumCPU() {
				// Deployments differ in size: some have hundreds of pods, most have few.
				d := newDice(seed, uint64(number)|1<<40)
				owner := workloads[min(d.IntN(Workloads), d.IntN(Workloads))]
				object, err := owner.object(kind, seed, number, wanted, protobuf)
				if err != nil {
					failures <- err
					return
				}
				made[number] = object
			}
		})
	}
	group.Wait()
	select {
	case err := <-failures:
		return nil, err
	default:
		return made, nil
	}
}

func (w *workload) object(kind Kind, seed uint64, number int, wanted size, protobuf bool) (Object, error) {
	made := Object{Owner: w.namespace + "/" + w.name + "-" + w.hash}
	var raw []byte
	var err error
	if kind.Name == "releases" {
		object := w.custom(seed, number)
		metadata := object["metadata"].(map[string]any)
		made.Key = fmt.Sprintf("%s/%s", metadata["namespace"], metadata["name"])
		raw, err = json.Marshal(object)
	} else {
		pod := w.pod(seed, number, wanted)
		made.Key = pod.Namespace + "/" + pod.Name
		if raw, err = json.Marshal(pod); err == nil && protobuf {
			var binary []byte
			if binary, err = pod.Marshal(); err == nil {
				made.Protobuf, err = encoded(binary)
			}
		}
	}
	if err == nil {
		made.JSON, err = encoded(raw)
	}
	if err != nil {
		return made, fmt.Errorf("object %d: %w", number, err)
	}
	made.Set(fmt.Sprint(FirstVersion+number), firstStamp)
	return made, nil
}

// Set writes the resourceVersion and the stamp in both encodings.
func (o *Object) Set(version, stamp string) {
	o.JSON.Set(version, stamp)
	if o.Protobuf.Bytes != nil {
		o.Protobuf.Set(version, stamp)
	}
}
