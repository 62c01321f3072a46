// Package failpointoff takes the variables GO_FAILPOINTS and GO_FAILPOINTS_HTTP out of the
// environment before anybody reads them. It has no API; sql/parse imports it.
//
// TiDB's parser links github.com/pingcap/failpoint, whose init opens an HTTP server, or ends
// the process, as those variables say. A database must not open a port that its own
// configuration does not name.
//
// Invariant: this package is initialised before failpoint. Go initialises, of the packages
// whose imports are ready, the one with the lowest import path; this one is ready as soon as
// syscall is, and "github.com/millracedb" is below "github.com/pingcap".
package failpointoff

import "syscall"

func init() {
	for _, name := range []string{"GO_FAILPOINTS", "GO_FAILPOINTS_HTTP"} {
		// Unsetenv fails only for a name that is empty or has an equals sign.
		_ = syscall.Unsetenv(name)
	}
}
