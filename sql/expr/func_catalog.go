package expr

import (
	"strings"

	"github.com/millracedb/millrace/sql/types"
)

// catalogRows are the catalog's functions that give rows, with their columns. The
// session answers with an array of them.
var catalogRows = []struct {
	sig, doc, cols string
}{
	{"pg_get_keywords() record", "the key words of SQL, and where they may be names",
		"word text, catcode char, barelabel bool, catdesc text, baredesc text"},
	{"aclexplode(aclitem[]) record", "one row per privilege that a list of privileges grants",
		"grantor oid, grantee oid, privilege_type text, is_grantable bool"},
	{"pg_options_to_table(text[]) record", "the options name=value as rows",
		"option_name text, option_value text"},
	{"pg_timezone_names() record", "the time zones",
		"name text, abbrev text, utc_offset interval, is_dst bool"},
	{"pg_timezone_abbrevs() record", "the abbreviations of time zones",
		"abbrev text, utc_offset interval, is_dst bool"},
	{"pg_sequence_parameters(oid) record", "how a sequence was declared",
		"start_value int8, minimum_value int8, maximum_value int8, increment int8, " +
			"cycle_option bool, cache_size int8, data_type oid"},
	{"pg_identify_object(oid, oid, int4) record", "kind, schema, name and identity of an object",
		"type text, schema text, name text, identity text"},
}

// defineCatalogRows defines catalogRows.
func defineCatalogRows(r *registry) {
	for _, c := range catalogRows {
		name := c.sig[:strings.IndexByte(c.sig, '(')]
		cols := signatureColumns(c.cols)
		f := r.fn(c.sig, describeRows(name, cols), c.doc, "").ofSession()
		f.RetCols, f.Ret = cols, types.Type{Kind: types.Record, Fields: cols}
	}
}

// signatureColumns reads "name type, name type".
func signatureColumns(s string) []types.Field {
	var out []types.Field
	for _, c := range strings.Split(s, ", ") {
		name, t, _ := strings.Cut(c, " ")
		out = append(out, types.Field{Name: name, Type: signatureType(t)})
	}
	return out
}

func describeRows(name string, cols []types.Field,
) func(*Env, []types.Datum, func([]types.Datum) error) error {
	row := types.Type{Kind: types.Record, Fields: cols}
	return func(env *Env, a []types.Datum, emit func([]types.Datum) error) error {
		if env.Session == nil {
			return errNoSession(name)
		}
		for _, d := range a {
			if d.Null {
				return nil
			}
		}
		d, ok, err := env.Session.Describe(name, a)
		if err != nil || !ok || d.Null {
			return err
		}
		for _, r := range d.Array(row).Elems {
			if err := emit(r.Fields(row)); err != nil {
				return err
			}
		}
		return nil
	}
}

// noCatalog are functions about what Millrace has not, with the answer that
// PostgreSQL gives where it is not in use.
const noCatalog = `
pg_column_compression(any) text
pg_get_replica_identity_index(regclass) regclass
pg_get_statisticsobjdef_expressions(oid) text[]
pg_indexam_progress_phasename(oid, int8) text
`

// defineNoCatalog defines noCatalog, and the ages of transaction numbers, which never
// wrap here.
func defineNoCatalog(r *registry) {
	for _, sig := range strings.Split(strings.TrimSpace(noCatalog), "\n") {
		name := sig[:strings.IndexByte(sig, '(')]
		args := strings.Replace(strings.Replace(sig[len(name):strings.IndexByte(sig, ')')+1],
			"any", "1", 1), "regclass", "1259", 1)
		args = strings.NewReplacer("oid", "1", "int8", "1").Replace(args)
		r.fn(sig, func([]types.Datum) (types.Datum, error) { return types.NullDatum, nil },
			"NULL: there is no such thing here", name+args).stable()
	}
	r.fn("age(xid) int4", func([]types.Datum) (types.Datum, error) { return types.IntDatum(0), nil },
		"age of a transaction number; 0, since they never run out", "").ofSession()
	r.fn("pg_encoding_max_length(int4) int4", func(a []types.Datum) (types.Datum, error) {
		if n := a[0].I; n >= 0 && n < int64(len(encodingLengths)) {
			return types.IntDatum(int64(encodingLengths[n])), nil
		}
		return types.NullDatum, nil
	}, "most bytes that a character takes in an encoding", "pg_encoding_max_length(6)")
	r.fn("getpgusername() name", session("getpgusername", textResult(Session.User)),
		"name of the user", "").ofSession()
}

// encodingLengths are the bytes of the longest character, by PostgreSQL's number of the
// encoding.
var encodingLengths = [...]byte{1, 3, 3, 3, 4, 3, 4, 4, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
	1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 4, 3, 4, 3}
