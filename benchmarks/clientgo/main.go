// client-go's shared informer as a contender of the benchmark: it answers the same commands as those in Python, see
// contenders/serve.py.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"k8s.io/klog/v2"
)

type settings struct {
	URL      string `json:"url"`
	Path     string `json:"path"`
	LastKey  string `json:"last_key"`
	Handler  string `json:"handler"`
	Handlers int    `json:"handlers"`
	// Variant is words out of json, protobuf and drop (managedFields, by a transform).
	Variant string `json:"variant"`
}

type command struct {
	Do       string            `json:"do"`
	Timeout  float64           `json:"timeout"`
	Settle   float64           `json:"settle"`
	Reset    bool              `json:"reset"`
	Record   bool              `json:"record"`
	Version  string            `json:"version"`
	Versions map[string]string `json:"versions"`
}

func main() {
	var wanted settings
	if err := json.Unmarshal([]byte(os.Args[1]), &wanted); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	klog.SetOutput(os.Stderr)
	begin := time.Now()
	bell := &bell{lastKey: wanted.LastKey, handlers: wanted.Handlers}
	follower, err := newFollower(wanted, bell)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	answer(map[string]any{"ready": time.Since(begin).Seconds(), "versions": versions()})
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var asked command
		err := json.Unmarshal(lines.Bytes(), &asked)
		var told map[string]any
		if err == nil {
			told, err = run(asked, follower, bell)
		}
		if err != nil {
			told = map[string]any{"error": err.Error()}
		}
		answer(told)
	}
}

func answer(told map[string]any) {
	raw, err := json.Marshal(told)
	if err != nil {
		raw = []byte(fmt.Sprintf(`{"error":%q}`, err))
	}
	fmt.Println(string(raw))
}

func versions() map[string]string {
	found := map[string]string{}
	if built, ok := debug.ReadBuildInfo(); ok {
		found["go"] = built.GoVersion
		for _, module := range built.Deps {
			if module.Path == "k8s.io/client-go" {
				found["client-go"] = module.Version
			}
		}
	}
	return found
}

var cpuAtArm float64

func run(asked command, follower follower, bell *bell) (map[string]any, error) {
	timeout := time.Duration(asked.Timeout * float64(time.Second))
	switch asked.Do {
	case "sync":
		debug.FreeOSMemory()
		exact := resetPeak()
		before, cpu, begin := readMemory(), cpuSeconds(), time.Now()
		follower.start()
		if err := follower.waitSynced(timeout); err != nil {
			return nil, err
		}
		wall := time.Since(begin).Seconds()
		return map[string]any{
			"wall": wall, "cpu": cpuSeconds() - cpu, "before": before, "exact_peak": exact, "objects": follower.count(),
		}, nil
	case "memory":
		time.Sleep(time.Duration(asked.Settle * float64(time.Second)))
		peak := readMemory()["peak"]
		// A forced collection that gives all it can back to the system: what client-go needs at the least.
		debug.FreeOSMemory()
		found := readMemory()
		found["peak"] = peak
		if asked.Reset {
			resetPeak()
		}
		return map[string]any{"rss": found["rss"], "pss": found["pss"], "peak": found["peak"]}, nil
	case "arm":
		bell.arm(asked.Record)
		cpuAtArm = cpuSeconds()
		return map[string]any{}, nil
	case "wait":
		var at int64
		var err error
		if bell.handlers > 0 && asked.Version == "" {
			at, err = bell.wait(timeout)
		} else {
			at, err = poll(follower, bell.lastKey, asked.Version, timeout)
		}
		if err != nil {
			return nil, err
		}
		return map[string]any{"at": at, "cpu": cpuSeconds() - cpuAtArm, "calls": bell.count()}, nil
	case "received":
		told := map[string]any{}
		for key, at := range bell.times() {
			told[key] = at
		}
		return told, nil
	case "check":
		wrong := []string{}
		for key, version := range asked.Versions {
			if follower.version(key) != version {
				wrong = append(wrong, key)
			}
		}
		return map[string]any{"checked": len(asked.Versions), "wrong": wrong[:min(10, len(wrong))], "objects": follower.count()}, nil
	default:
		return nil, fmt.Errorf("there is no command %q", asked.Do)
	}
}

func poll(follower follower, key, version string, timeout time.Duration) (int64, error) {
	deadline := time.Now().Add(timeout)
	for follower.version(key) != version {
		if time.Now().After(deadline) {
			return 0, fmt.Errorf("the cache did not reach %s within %s", version, timeout)
		}
		time.Sleep(2 * time.Millisecond)
	}
	return time.Now().UnixNano(), nil
}

// bell is contenders/bell.py.
type bell struct {
	lastKey  string
	handlers int

	mutex    sync.Mutex
	calls    int
	missing  int
	received map[string]int64
	at       int64
	rung     chan struct{}
}

func (b *bell) arm(record bool) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.calls, b.missing, b.at, b.rung, b.received = 0, max(1, b.handlers), 0, make(chan struct{}), nil
	if record {
		b.received = map[string]int64{}
	}
}

func (b *bell) seen(key string) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.calls++
	if b.received != nil {
		b.received[key] = time.Now().UnixNano()
	}
	if key == b.lastKey && b.rung != nil {
		if b.missing--; b.missing == 0 {
			b.at = time.Now().UnixNano()
			close(b.rung)
		}
	}
}

func (b *bell) wait(timeout time.Duration) (int64, error) {
	select {
	case <-b.rung:
		return b.at, nil
	case <-time.After(timeout):
		return 0, fmt.Errorf("the last change did not reach the handler within %s, after %d calls", timeout, b.count())
	}
}

func (b *bell) count() int {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.calls
}

func (b *bell) times() map[string]int64 {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.received
}

func has(variant, word string) bool {
	for _, each := range strings.Fields(variant) {
		if each == word {
			return true
		}
	}
	return false
}
