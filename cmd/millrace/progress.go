package main

import (
	"io"
	"os"

	"github.com/cheggaaa/pb/v3"
)

// progress shows how far a long work is, if a person looks at standard error.
type progress struct{ bar *pb.ProgressBar }

// newProgress begins to show a work of total steps.
func newProgress(errOut io.Writer, total int64, unit string) *progress {
	f, ok := errOut.(*os.File)
	if !ok || !isTerminal(errOut) {
		return &progress{}
	}
	bar := pb.New64(total).SetWriter(f)
	bar.SetTemplateString(`{{counters . }} ` + unit + ` {{bar . }} {{percent . }} ` +
		`{{speed . "%s/s" }} {{rtime . "%s left"}}`)
	return &progress{bar.Start()}
}

func (p *progress) add(n int64) {
	if p.bar != nil {
		p.bar.Add64(n)
	}
}

func (p *progress) end() {
	if p.bar != nil {
		p.bar.Finish()
	}
}
