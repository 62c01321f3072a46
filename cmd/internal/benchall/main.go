// Command benchall runs all benchmarks of a built binary, each against a server
// process of its own with a fresh data directory, and appends their numbers as one
// JSON line to a history.
//
// It judges nothing. Invariant: a line of the history is complete: a benchmark that
// fails ends the run without one.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	osexec "os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/millracedb/millrace/cmd/internal/process"
)

func main() {
	binary := flag.String("binary", "bin/millrace", "the program")
	history := flag.String("history", "docs/bench/history.ndjson", "the file to append to")
	flag.Parse()
	if err := run(*binary, *history); err != nil {
		fmt.Fprintf(os.Stderr, "benchall: %v\n", err)
		os.Exit(1)
	}
}

// benchmarks are the measured command lines; the name stands before the numbers.
var benchmarks = []struct {
	name string
	args []string
}{
	{"ingest", []string{"ingest"}},
	{"insert", []string{"insert"}},
	{"insert64", []string{"insert", "--clients", "64"}},
	{"read", []string{"read"}},
	{"nexmark", []string{"nexmark"}},
	{"latency", []string{"latency"}},
	{"point", []string{"point"}},
}

// line is one line of the history.
type line struct {
	Time    string             `json:"time"`
	Commit  string             `json:"commit"`
	Machine machine            `json:"machine"`
	Numbers map[string]float64 `json:"numbers"`
}

type machine struct {
	CPU        string `json:"cpu"`
	Processors int    `json:"processors"`
	System     string `json:"system"`
	Go         string `json:"go"`
}

func run(binary, history string) error {
	binary, err := filepath.Abs(binary)
	if err != nil {
		return err
	}
	l := line{
		Time: time.Now().UTC().Format(time.RFC3339), Commit: commit(),
		Machine: machine{cpu(), runtime.NumCPU(), runtime.GOOS + "/" + runtime.GOARCH,
			runtime.Version()},
		Numbers: map[string]float64{},
	}
	for _, b := range benchmarks {
		numbers, err := measure(binary, b.args)
		if err != nil {
			return fmt.Errorf("%s: %w", b.name, err)
		}
		for k, v := range numbers {
			l.Numbers[b.name+"."+k] = v
		}
		fmt.Printf("%-9s %v\n", b.name, numbers)
	}
	if err := idle(binary, l.Numbers); err != nil {
		return fmt.Errorf("idle: %w", err)
	}
	return appendLine(history, l)
}

// measure runs one benchmark in a process of its own.
func measure(binary string, args []string) (map[string]float64, error) {
	cmd := osexec.Command(binary, append(append([]string{"bench"}, args...), "--json")...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	var result struct {
		Numbers map[string]float64 `json:"numbers"`
	}
	if err := json.Unmarshal(out, &result); err != nil {
		return nil, fmt.Errorf("%w in %q", err, out)
	}
	return result.Numbers, nil
}

// idleSeconds is how long an idle server is watched.
const idleSeconds = 10

// idle measures what a fresh server needs while nobody talks to it.
func idle(binary string, numbers map[string]float64) (err error) {
	dir, err := os.MkdirTemp("", "millrace-idle-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	s, err := process.Start(binary, filepath.Join(dir, "data"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	before, _, err := usage(s.PID())
	if err != nil {
		return err
	}
	select {
	case <-time.After(idleSeconds * time.Second):
	case <-s.Exited():
		return errors.New("the server ended by itself")
	}
	after, memory, err := usage(s.PID())
	if err != nil {
		return err
	}
	numbers["idle.cpu_percent"] = (after - before).Seconds() / idleSeconds * 100
	numbers["idle.memory_mb"] = float64(memory) / 1e6
	numbers["idle.start_ms"] = float64(s.Started.Microseconds()) / 1000
	fmt.Printf("idle      %.2f %% of a processor, %.1f MB, started in %v\n",
		numbers["idle.cpu_percent"], numbers["idle.memory_mb"], s.Started)
	return nil
}

// usage reads from /proc how much time and memory a process has used.
func usage(pid int) (cpu time.Duration, memory int64, err error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, 0, err
	}
	// The second field is the name in brackets, which may have spaces.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	const user, system, resident, ticksPerSecond = 11, 12, 21, 100
	if len(fields) <= resident {
		return 0, 0, fmt.Errorf("/proc/%d/stat is too short", pid)
	}
	var n [3]int64
	for i, f := range []int{user, system, resident} {
		if n[i], err = strconv.ParseInt(fields[f], 10, 64); err != nil {
			return 0, 0, err
		}
	}
	cpu = time.Duration(n[0]+n[1]) * time.Second / ticksPerSecond
	return cpu, n[2] * int64(os.Getpagesize()), nil
}

func commit() string {
	out, err := osexec.Command("git", "rev-parse", "--short=12", "HEAD").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}

func cpu() string {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown"
	}
	for l := range strings.Lines(string(info)) {
		if k, v, ok := strings.Cut(l, ":"); ok && strings.TrimSpace(k) == "model name" {
			return strings.TrimSpace(v)
		}
	}
	return "unknown"
}

func appendLine(name string, l line) error {
	b, err := json.Marshal(l)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(append(b, '\n'))
	return errors.Join(err, f.Close())
}
