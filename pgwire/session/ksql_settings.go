package session

import (
	"strings"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// ksqlPrefix begins the names of ksqlDB's own settings.
const ksqlPrefix = "ksql."

// ksqlSettings are those of ksqlDB's settings that have a meaning here, for the
// statements after SET in the same session.
var ksqlSettings = []string{
	"ksql.functions.collect_list.limit", "ksql.functions.collect_set.limit",
	"ksql.persistence.default.format.value", "ksql.streams.auto.offset.reset",
	substitution,
}

// substitution is the setting that says whether ${name} stands for a variable.
const substitution = "ksql.variable.substitution.enable"

// substitutes tells whether ${name} stands for a variable.
func (g *settings) substitutes() bool { return lower(g.custom[substitution]) != "false" }

// withoutEffect is what a client is told about a setting of ksqlDB that is kept and does
// nothing; nil for all others.
func withoutEffect(name string) *Notice {
	if !strings.HasPrefix(name, ksqlPrefix) {
		return nil
	}
	for _, n := range ksqlSettings {
		if n == name {
			return nil
		}
	}
	out := &Notice{Severity: "NOTICE", Code: sqlerr.SuccessfulCompletion,
		Message: "setting \"" + name + "\" has no effect here"}
	if near := catalog.Nearest(name, ksqlSettings); near != "" {
		out.Hint = "Did you mean \"" + near + "\"?"
	}
	return out
}
