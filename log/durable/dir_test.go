package durable

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

func TestDirectoriesSurviveAPowerCut(t *testing.T) {
	for _, dir := range []string{"a", "a/b/c", "/x/y"} {
		fs := vfs.NewCrashableMem()
		if err := MkdirAll(fs, dir); err != nil {
			t.Fatal(err)
		}
		after := fs.CrashClone(vfs.CrashCloneCfg{})
		if _, err := after.Stat(dir); err != nil {
			t.Errorf("%s is gone: %v", dir, err)
		}
	}
	fs := vfs.NewCrashableMem()
	if err := fs.MkdirAll("a/b", 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := fs.CrashClone(vfs.CrashCloneCfg{}).Stat("a/b"); err == nil {
		t.Error("the check finds a directory that was never synced")
	}
}
