// Command millrace is the server and its tools: one file per command.
//
// Standard output is what was asked for; everything else goes to standard error.
// Exit codes: 0 ok, 1 failed, 2 wrong usage. Every flag --x-y can be given as
// MILLRACE_X_Y.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/millracedb/millrace/cmd/internal/client"
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// untilSignal gives a context that ends with the first SIGINT or SIGTERM. The
// shell does without: there SIGINT ends a statement only.
func untilSignal(ctx context.Context) (context.Context, context.CancelFunc) {
	return signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
}

// The exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// usageError is an error of how the command was called.
type usageError struct{ error }

// run is the whole program; it gives the exit code.
func run(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errOut)
	err := root.ExecuteContext(ctx)
	var usage usageError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &usage):
		fmt.Fprintf(errOut, "millrace: %v\nSee 'millrace --help'.\n", err)
		return exitUsage
	}
	fmt.Fprintf(errOut, "millrace: %v\n", explain(err))
	return exitFailed
}

// explain shows a server's refusal as psql does.
func explain(err error) error {
	var refused *pgconn.PgError
	if !errors.As(err, &refused) {
		return err
	}
	var b strings.Builder
	client.WriteError(&b, refused, "")
	return errors.New(strings.TrimSuffix(b.String(), "\n"))
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "millrace",
		Short: "A SQL streaming database in one binary",
		Long: `Millrace is a streaming database: SQL over streams and tables, with results that
are always up to date. It speaks PostgreSQL's protocol.

Every flag --x-y can also be given as the environment variable MILLRACE_X_Y.
Exit codes: 0 ok, 1 failed, 2 wrong usage.`,
		SilenceErrors: true, SilenceUsage: true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: false},
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error {
		return usageError{errors.New(parserName.ReplaceAllString(err.Error(), ""))}
	})
	root.AddCommand(newStartCommand(), newSQLCommand(), newStatusCommand(), newGenCommand(),
		newBenchCommand(), newLogCommand(), newVersionCommand())
	for _, c := range allCommands(root) {
		finish(c)
	}
	return root
}

// parserName is what Go's number parsers put before their reason.
var parserName = regexp.MustCompile(`strconv\.Parse\w+: parsing "[^"]*": `)

// allCommands lists a command and all below it.
func allCommands(c *cobra.Command) []*cobra.Command {
	all := []*cobra.Command{c}
	for _, sub := range c.Commands() {
		all = append(all, allCommands(sub)...)
	}
	return all
}

// finish gives a command what all have: flags from the environment, and usage
// errors that are known as such.
func finish(c *cobra.Command) {
	if check := c.Args; check != nil {
		c.Args = func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, args); err != nil {
				return usageError{err}
			}
			return nil
		}
	}
	if !c.Runnable() {
		c.Args = cobra.ArbitraryArgs
		c.RunE = func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageError{fmt.Errorf("%s has no command %q", cmd.CommandPath(), args[0])}
			}
			return cmd.Help()
		}
	}
	c.PreRunE = func(cmd *cobra.Command, _ []string) error { return flagsFromEnvironment(cmd.Flags()) }
}

// envName is the variable that stands for a flag.
func envName(flag string) string {
	return "MILLRACE_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// flagsFromEnvironment sets the flags that were not given.
func flagsFromEnvironment(flags *pflag.FlagSet) error {
	var errs []error
	flags.VisitAll(func(f *pflag.Flag) {
		v, ok := os.LookupEnv(envName(f.Name))
		if !ok || f.Changed || f.Name == "help" {
			return
		}
		if err := flags.Set(f.Name, v); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", envName(f.Name), err))
		}
	})
	if len(errs) > 0 {
		return usageError{errors.Join(errs...)}
	}
	return nil
}
