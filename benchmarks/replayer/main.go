// The replayer serves made-up objects as a real API server does, from bytes that were made before anybody asked: lists in
// pages, streaming lists, watches. What it does beside that is commanded below /control, see control.go.
package main

import (
	"flag"
	"fmt"
	"net"
	"os"
	"runtime/debug"
	"sort"
	"strings"

	"kinform.dev/benchmarks/corpus"
)

func main() {
	name := flag.String("corpus", "pods", "what to serve: "+strings.Join(names(), ", "))
	count := flag.Int("count", 20_000, "how many objects")
	seed := flag.Uint64("seed", 1, "the same seed makes the same bytes")
	address := flag.String("address", "127.0.0.1:0", "where to listen")
	protobuf := flag.Bool("protobuf", false, "serve protobuf, too, to those who accept it")
	show := flag.Bool("print", false, "write the objects to standard output, one a line, and end")
	flag.Parse()
	if err := run(*name, *count, *seed, *address, *protobuf, *show); err != nil {
		fmt.Fprintln(os.Stderr, "replayer:", err)
		os.Exit(1)
	}
}

func names() []string {
	found := make([]string, 0, len(corpus.Kinds))
	for name := range corpus.Kinds {
		found = append(found, name)
	}
	sort.Strings(found)
	return found
}

func run(name string, count int, seed uint64, address string, protobuf, show bool) error {
	kind, there := corpus.Kinds[name]
	if !there {
		return fmt.Errorf("there is no corpus %q; there are %s", name, strings.Join(names(), ", "))
	}
	if count < 2 {
		return fmt.Errorf("-count is 2 or more, not %d: the last object marks ends", count)
	}
	objects, err := corpus.New(kind, count, seed, protobuf && kind.Protobuf)
	if err != nil {
		return err
	}
	if show {
		for _, object := range objects {
			if _, err := os.Stdout.Write(append(object.JSON.Bytes, '\n')); err != nil {
				return err
			}
		}
		return nil
	}
	debug.FreeOSMemory()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr())
	// Whoever started this holds its standard input: when they are gone, so is this.
	go func() {
		_, _ = os.Stdin.Read(make([]byte, 1))
		os.Exit(0)
	}()
	served := &server{kind: kind, objects: objects, streaming: true, version: corpus.FirstVersion + count}
	return served.serve(listener)
}
