package system

import (
	"strings"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/sql/types"
)

// Privileges of a class of objects, in the order and with the letters of
// aclitem.
type privilegeSet []struct {
	letter byte
	name   string
}

var (
	relationPrivileges = privilegeSet{{'a', "INSERT"}, {'r', "SELECT"}, {'w', "UPDATE"},
		{'d', "DELETE"}, {'D', "TRUNCATE"}, {'x', "REFERENCES"}, {'t', "TRIGGER"}}
	schemaPrivileges   = privilegeSet{{'U', "USAGE"}, {'C', "CREATE"}}
	databasePrivileges = privilegeSet{{'C', "CREATE"}, {'T', "TEMPORARY"}, {'c', "CONNECT"}}
	functionPrivileges = privilegeSet{{'X', "EXECUTE"}}
)

// acl gives the aclitem[] of an object, NULL if nothing was ever granted.
func (w *world) acl(oid catalog.OID, owner string, set privilegeSet) types.Datum {
	grants := w.s.GrantsOn(oid)
	if len(grants) == 0 {
		return null
	}
	all := ""
	for _, p := range set {
		all += string(rune(p.letter))
	}
	items := []string{aclItem(owner, all, owner)}
	var grantees []string
	letters := map[string]string{}
	for _, p := range set {
		for _, g := range grants {
			if !strings.EqualFold(g.Privilege, p.name) {
				continue
			}
			if _, seen := letters[g.Role]; !seen {
				grantees = append(grantees, g.Role)
			}
			letters[g.Role] += string(rune(p.letter))
			if g.Option {
				letters[g.Role] += "*"
			}
		}
	}
	for _, role := range grantees {
		items = append(items, aclItem(role, letters[role], owner))
	}
	return aclArray(items)
}

func aclItem(role, letters, grantor string) string {
	if role == "public" {
		role = ""
	}
	return catalogIdent(role) + "=" + letters + "/" + catalogIdent(grantor)
}

// catalogIdent quotes a role in an aclitem, where key words need no quotes.
func catalogIdent(name string) string {
	for i := range len(name) {
		c := name[i]
		if c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
		}
	}
	return name
}
