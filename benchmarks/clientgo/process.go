package main

import (
	"os"
	"strconv"
	"strings"
	"syscall"
)

// readMemory is contenders/process.py: bytes that are resident, and their high-water mark.
func readMemory() map[string]int {
	rollup, status := sizes("smaps_rollup"), sizes("status")
	return map[string]int{"rss": rollup["Rss"], "pss": rollup["Pss"], "peak": max(rollup["Rss"], status["VmHWM"])}
}

func resetPeak() bool { return os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) == nil }

func cpuSeconds() float64 {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return 0
	}
	seconds := func(of syscall.Timeval) float64 { return float64(of.Sec) + float64(of.Usec)/1e6 }
	return seconds(used.Utime) + seconds(used.Stime)
}

func sizes(name string) map[string]int {
	found := map[string]int{}
	raw, err := os.ReadFile("/proc/self/" + name)
	if err != nil {
		return found
	}
	for line := range strings.Lines(string(raw)) {
		field, rest, _ := strings.Cut(line, ":")
		if words := strings.Fields(rest); len(words) == 2 && words[1] == "kB" {
			if size, err := strconv.Atoi(words[0]); err == nil {
				found[field] = size * 1024
			}
		}
	}
	return found
}
