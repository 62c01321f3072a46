package docgen

import (
	"bufio"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// TestSettingsReference writes down the settings that a session has.
func TestSettingsReference(t *testing.T) {
	p := newPlayer(t)
	c, err := p.connect(t.Context(), "millrace", "millrace")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	r, err := c.Query(t.Context(), `SELECT category, name, vartype, boot_val, coalesce(unit, ''),
  coalesce(array_to_string(enumvals, ', '), ''), context, short_desc FROM pg_settings
  ORDER BY category <> 'Millrace', category, lower(name)`)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("# Settings\n\n`SET name = value` changes a setting for the session, `ALTER ROLE ... " +
		"SET` for a role,\n`SHOW name` shows it; `millrace.settings` and `pg_settings` have them all. " +
		"Settings without effect are\nthere because clients set them. Flags of the server are in the " +
		"[commands](commands.md).\n")
	category := ""
	for _, row := range r.Rows {
		v := make([]string, len(row))
		for i, f := range row {
			if f != nil {
				v[i] = *f
			}
		}
		if v[0] != category {
			category = v[0]
			fmt.Fprintf(&b, "\n## %s\n\n| setting | type | default | meaning |\n|---|---|---|---|\n", category)
		}
		kind := v[2]
		if v[5] != "" {
			kind = v[5]
		}
		if v[4] != "" {
			kind += " (" + v[4] + ")"
		}
		fixed := ""
		if v[6] == "internal" || v[6] == "postmaster" {
			fixed = " Cannot be set."
		}
		fmt.Fprintf(&b, "| `%s` | %s | `%s` | %s%s |\n", v[1], cell(kind), v[3], cell(v[7]), fixed)
	}
	keep(t, "docs/reference/settings.md", b.String())
}

// TestMetricsReference writes down what /metrics has on a node with some work.
func TestMetricsReference(t *testing.T) {
	p := newPlayer(t)
	c, err := p.connect(t.Context(), "millrace", "millrace")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if err := c.Exec(t.Context(), `CREATE STREAM s (a int);
CREATE MATERIALIZED VIEW v AS SELECT count(*) AS n FROM s;
INSERT INTO s VALUES (1)`); err != nil {
		t.Fatal(err)
	}
	resp, err := http.Get("http://" + p.node.HTTPAddr() + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	help, kind, labels := map[string]string{}, map[string]string{}, map[string]string{}
	for s := bufio.NewScanner(resp.Body); s.Scan(); {
		f := strings.SplitN(s.Text(), " ", 4)
		switch {
		case strings.HasPrefix(s.Text(), "# HELP "):
			help[f[2]] = f[3]
		case strings.HasPrefix(s.Text(), "# TYPE "):
			kind[f[2]] = f[3]
		default:
			addLabels(labels, f[0])
		}
	}
	var b strings.Builder
	b.WriteString("# Metrics\n\n`GET /metrics` gives these in Prometheus' text format, beside those of " +
		"the Go runtime and the process\n(`go_*`, `process_*`).\n\n| metric | type | labels | meaning |\n" +
		"|---|---|---|---|\n")
	var names []string
	for n := range kind {
		if strings.HasPrefix(n, "millrace_") {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	for _, n := range names {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", n, kind[n], labels[n], cell(help[n]))
	}
	keep(t, "docs/reference/metrics.md", b.String())
}

// addLabels notes the names of the labels of a sample.
func addLabels(labels map[string]string, sample string) {
	name, list, found := strings.Cut(strings.TrimSuffix(sample, "}"), "{")
	if !found {
		return
	}
	for _, suffix := range []string{"_bucket", "_sum", "_count"} {
		name = strings.TrimSuffix(name, suffix)
	}
	var words []string
	for part := range strings.SplitSeq(list, `",`) {
		if l, _, ok := strings.Cut(part, "="); ok && l != "le" {
			words = append(words, l)
		}
	}
	if s := strings.Join(words, ", "); labels[name] == "" {
		labels[name] = s
	}
}
