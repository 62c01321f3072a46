package parse

import (
	"net"
	"os"
	"os/exec"
	"testing"
)

// TestFailpointsAreOff starts this test binary again with the variables that the failpoint
// library obeys. One would open an HTTP server, the other would end the process.
func TestFailpointsAreOff(t *testing.T) {
	if addr := os.Getenv("PARSE_TEST_FAILPOINT"); addr != "" {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			conn.Close()
			t.Fatalf("something listens on %s", addr)
		}
		return
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	cmd := exec.Command(os.Args[0], "-test.run=^TestFailpointsAreOff$")
	cmd.Env = append(os.Environ(), "GO_FAILPOINTS_HTTP="+addr, "GO_FAILPOINTS=nonsense",
		"PARSE_TEST_FAILPOINT="+addr)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}
