package types

import (
	"archive/zip"
	_ "embed"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"
)

// zoneArchive holds the IANA time zone database as compiled for the Go
// distribution (lib/time/zoneinfo.zip; the data are in the public domain). We
// never use the machine's own, which would let replicas disagree about times.
//
//go:embed zoneinfo.zip
var zoneArchive string

// zoneEntry is a zone of the archive, loaded when it is first asked for.
type zoneEntry struct {
	name string
	load func() *time.Location
}

// zoneIndex maps lower-case names to zones. It is built once and then constant.
var zoneIndex = sync.OnceValue(func() map[string]zoneEntry {
	r, err := zip.NewReader(strings.NewReader(zoneArchive), int64(len(zoneArchive)))
	if err != nil {
		panic(fmt.Sprintf("types: embedded time zones: %v", err))
	}
	index := make(map[string]zoneEntry, len(r.File))
	for _, f := range r.File {
		if strings.HasSuffix(f.Name, "/") || f.Name == "Factory" {
			continue
		}
		index[strings.ToLower(f.Name)] = zoneEntry{f.Name, sync.OnceValue(func() *time.Location {
			return loadZone(f)
		})}
	}
	return index
})

// loadZone reads a zone; the archive is part of the program, so it cannot fail.
func loadZone(f *zip.File) *time.Location {
	if f.Name == "UTC" {
		return time.UTC
	}
	r, err := f.Open()
	if err != nil {
		panic(fmt.Sprintf("types: embedded time zone %s: %v", f.Name, err))
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err == nil {
		var loc *time.Location
		if loc, err = time.LoadLocationFromTZData(f.Name, data); err == nil {
			return loc
		}
	}
	panic(fmt.Sprintf("types: embedded time zone %s: %v", f.Name, err))
}

// findZone gives the zone of an IANA name in any case, or of a POSIX
// specification, or nil.
func findZone(name string) *time.Location {
	if z, ok := zoneIndex()[strings.ToLower(name)]; ok {
		return z.load()
	}
	return posixZone(name)
}

// ZoneOfDatabase finds a zone by its exact name in the zone database.
func ZoneOfDatabase(name string) (*time.Location, bool) {
	if z, ok := zoneIndex()[strings.ToLower(name)]; !ok || z.name != name {
		return nil, false
	}
	loc := findZone(name)
	return loc, loc != nil
}

// ZoneNames gives the names of all zones, sorted without regard to case.
func ZoneNames() []string {
	index := zoneIndex()
	keys := make([]string, 0, len(index))
	for k := range index {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for i, k := range keys {
		keys[i] = index[k].name
	}
	return keys
}
