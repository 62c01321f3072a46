package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// TestCommandReference keeps docs/reference/commands.md in step with the commands.
func TestCommandReference(t *testing.T) {
	var b strings.Builder
	b.WriteString("# Commands\n\nStandard output is what was asked for; everything else goes to " +
		"standard error.\nExit codes: 0 ok, 1 failed, 2 wrong usage. Every flag `--x-y` can be " +
		"given as the\nenvironment variable `MILLRACE_X_Y`.\n")
	for _, c := range allCommands(newRoot())[1:] {
		writeCommand(&b, c)
	}
	path := filepath.Join("..", "..", "docs", "reference", "commands.md")
	if *rewrite {
		if err := os.WriteFile(path, []byte(b.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != b.String() {
		t.Errorf("%s is not up to date: run 'make docs' and read the diff", path)
	}
}

func writeCommand(b *strings.Builder, c *cobra.Command) {
	fmt.Fprintf(b, "\n## %s\n\n%s.\n\n%s\n\n", c.CommandPath(), c.Short, c.Long)
	fmt.Fprintf(b, "```\n%s\n```\n", c.Example)
	rows := ""
	c.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		name := "--" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", " + name
		}
		def := f.DefValue
		switch def {
		case "", "[]", "false":
			def = ""
		default:
			def = "`" + def + "`"
		}
		rows += fmt.Sprintf("| `%s` | %s | %s |\n", name, f.Usage, def)
	})
	if rows != "" {
		fmt.Fprintf(b, "\n| flag | meaning | default |\n|---|---|---|\n%s", rows)
	}
}
