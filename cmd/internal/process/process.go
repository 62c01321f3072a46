// Package process runs the millrace binary as a process of its own, for the
// quickstart, the benchmarks and the tests that kill it.
//
// It does not look inside: all it knows is the ready line. Invariant: a Server
// that was started is either running or has been waited for.
package process

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	osexec "os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Server is a running process.
type Server struct {
	SQL, HTTP, Cluster string // addresses, from the ready line
	// Started is how long it took from the start of the process to the ready line.
	Started time.Duration

	cmd    *osexec.Cmd
	stderr *tail
	exited chan struct{}
	err    error // of Wait; after exited
}

// readyWait is how long a process may take to become ready.
const readyWait = 60 * time.Second

// Start runs `binary start` on free ports of the loopback with a data directory,
// and returns when it is ready.
func Start(binary, data string, args ...string) (*Server, error) {
	all := append([]string{"start", "--data", data, "--listen", "127.0.0.1:0",
		"--http", "127.0.0.1:0", "--cluster", "127.0.0.1:0"}, args...)
	s := &Server{cmd: osexec.Command(binary, all...), stderr: &tail{}, exited: make(chan struct{})}
	s.cmd.Stderr = s.stderr
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	begin := time.Now()
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", binary, err)
	}
	ready := make(chan string, 1)
	go s.watch(out, ready)
	timer := time.NewTimer(readyWait)
	defer timer.Stop()
	select {
	case line := <-ready:
		s.Started = time.Since(begin)
		return s, s.parse(line)
	case <-s.exited:
		return nil, fmt.Errorf("the server ended before it was ready: %w\n%s", s.err, s.stderr)
	case <-timer.C:
		_ = s.Kill()
		return nil, fmt.Errorf("the server was not ready after %v\n%s", readyWait, s.stderr)
	}
}

// watch reads the output to its end and then waits for the process.
func (s *Server) watch(out io.Reader, ready chan<- string) {
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "ready ") {
			ready <- lines.Text()
		}
	}
	s.err = s.cmd.Wait()
	close(s.exited)
}

func (s *Server) parse(line string) error {
	for _, f := range strings.Fields(line)[1:] {
		key, value, _ := strings.Cut(f, "=")
		switch key {
		case "sql":
			s.SQL = value
		case "http":
			s.HTTP = value
		case "cluster":
			s.Cluster = value
		}
	}
	if s.SQL == "" || s.HTTP == "" || s.Cluster == "" {
		return errors.Join(fmt.Errorf("the ready line lacks an address: %q", line), s.Kill())
	}
	return nil
}

// URL is where clients connect.
func (s *Server) URL() string {
	return "postgres://millrace@" + s.SQL + "/millrace?sslmode=disable"
}

// PID is the process's number.
func (s *Server) PID() int { return s.cmd.Process.Pid }

// Stop asks the process to stop with SIGTERM and gives its outcome: nil for exit
// code 0.
func (s *Server) Stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	timer := time.NewTimer(readyWait)
	defer timer.Stop()
	select {
	case <-s.exited:
	case <-timer.C:
		_ = s.Kill()
		return fmt.Errorf("the server did not stop within %v\n%s", readyWait, s.stderr)
	}
	if s.err != nil {
		return fmt.Errorf("the server ended with %w\n%s", s.err, s.stderr)
	}
	return nil
}

// Kill ends the process at once, with SIGKILL, and waits for its end.
func (s *Server) Kill() error {
	err := s.cmd.Process.Kill()
	<-s.exited
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}

// Exited is closed when the process has ended.
func (s *Server) Exited() <-chan struct{} { return s.exited }

// Log gives the end of what the process wrote to standard error.
func (s *Server) Log() string { return s.stderr.String() }

// tail keeps the last bytes written to it.
type tail struct {
	mu  sync.Mutex
	buf []byte // guarded by mu
}

// tailBytes is what tail keeps at least: some screens of a stack trace.
const tailBytes = 16 << 10

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, p...)
	if len(t.buf) > 2*tailBytes {
		t.buf = append(t.buf[:0], t.buf[len(t.buf)-tailBytes:]...)
	}
	return len(p), nil
}

// String implements fmt.Stringer.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.buf)
}
