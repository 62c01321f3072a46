package expr

import (
	"strings"

	"github.com/millracedb/millrace/sql/types"
)

// ksqlForms are the arguments that ksqlDB's scalar functions take, one letter for
// each, the forms separated by blanks; "-" is none, and a star after the last one
// stands for any number of it:
//
//	N a number  L an INT or BIGINT  I an INT  S a text  B bytes  b a BOOLEAN
//	d a DATE  t a TIME  p a TIMESTAMP  A an array  M a map  T anything
//
// In ksqlDB's dialect their names have no other forms.
var ksqlForms = map[string]string{
	"abs": "N", "acos": "N", "array_concat": "AA", "array_contains": "AT", "array_distinct": "A",
	"array_except": "AA", "array_intersect": "AA", "array_join": "A AS", "array_length": "A",
	"array_max": "A", "array_min": "A", "array_remove": "AT", "array_sort": "A AS",
	"array_union": "AA", "asin": "N", "as_map": "AA", "as_value": "T", "atan": "N", "atan2": "NN",
	"bigint_from_bytes": "B BS", "cbrt": "N", "ceil": "N", "chr": "I S", "concat": "S* B*",
	"concat_ws": "SS* BB*", "convert_tz": "pSS", "cos": "N", "cosh": "N", "cot": "N",
	"dateadd": "SId", "datesub": "SId", "datetostring": "IS", "degrees": "N",
	"double_from_bytes": "B BS", "elt": "IS*", "encode": "SSS", "entries": "Mb", "exp": "N",
	"extractjsonfield": "SS", "field": "SS*", "floor": "N", "format_date": "dS",
	"format_time": "tS", "format_timestamp": "pS pSS", "from_bytes": "BS", "from_days": "I",
	"from_unixtime": "L", "generate_series": "LL LLI", "geo_distance": "NNNN NNNNS",
	"initcap": "S", "instr": "SS SSI SSII", "int_from_bytes": "B BS", "is_json_string": "S",
	"json_array_contains": "ST", "json_array_length": "S", "json_concat": "S*", "json_items": "S",
	"json_keys": "S", "json_records": "S", "lcase": "S", "len": "S B", "ln": "N", "log": "N NN",
	"lpad": "SIS BIB", "map_keys": "M", "map_union": "MM", "map_values": "M", "mask": "S SSSSS",
	"mask_keep_left": "SI SISSSS", "mask_keep_right": "SI SISSSS", "mask_left": "SI SISSSS",
	"mask_right": "SI SISSSS", "md5": "S", "parse_date": "SS", "parse_time": "SS",
	"parse_timestamp": "SS SSS", "pi": "-", "power": "NN", "radians": "N", "random": "-",
	"regexp_extract": "SS SSI", "regexp_extract_all": "SS SSI", "regexp_replace": "SSS",
	"regexp_split_to_array": "SS", "replace": "SSS", "round": "N NI", "rpad": "SIS BIB", "sign": "N",
	"sin": "N", "sinh": "N", "slice": "AII", "split": "SS BB", "split_to_map": "SSS", "sqrt": "N",
	"stringtodate": "SS", "stringtotimestamp": "SS SSS", "substring": "SI SII BI BII", "tan": "N",
	"tanh": "N", "timeadd": "SIt", "timestampadd": "SIp", "timestampsub": "SIp",
	"timestamptostring": "LS LSS", "timesub": "SIt", "to_bytes": "SS", "to_json_string": "T",
	"trim": "S", "trunc": "N NI", "ucase": "S", "unix_date": "- d", "unix_timestamp": "- p",
	"url_decode_param": "S", "url_encode_param": "S", "url_extract_fragment": "S",
	"url_extract_host": "S", "url_extract_parameter": "SS", "url_extract_path": "S",
	"url_extract_port": "S", "url_extract_protocol": "S", "url_extract_query": "S", "uuid": "- B",
}

// checkForms refuses arguments that no form of one of ksqlDB's functions takes.
func (c *checker) checkForms(name string, args []Expr, pos int) error {
	forms, known := ksqlForms[name]
	if !c.ksql || !known {
		return nil
	}
	for _, x := range args {
		if _, ok := ksqlKind(x.Type()); !ok && x.Type().Kind != types.Unknown {
			return nil // PostgreSQL's
		}
	}
	for _, form := range strings.Fields(forms) {
		if takesForm(form, args) {
			return nil
		}
	}
	return errNoFunction(name, typesOf(args), pos).WithHint("It takes %s.", describeForms(name, forms))
}

// takesForm tells whether the arguments are those of a form.
func takesForm(form string, args []Expr) bool {
	form = strings.TrimPrefix(form, "-")
	if rest, many := strings.CutSuffix(form, "*"); many {
		if len(args) < len(rest)-1 {
			return false
		}
		form = rest[:len(rest)-1] + strings.Repeat(rest[len(rest)-1:], len(args)-len(rest)+1)
	}
	if len(form) != len(args) {
		return false
	}
	for i, x := range args {
		if !takesArgument(form[i], x) {
			return false
		}
	}
	return true
}

// takesArgument tells whether an argument may stand for a letter: as it is, or
// after the conversions that ksqlDB makes unasked.
func takesArgument(letter byte, x Expr) bool {
	t := x.Type()
	k, _ := ksqlKind(t)
	if t.Kind == types.Unknown {
		lit, ok := x.(*Const)
		if !ok || lit.D.Null {
			return true
		}
		k = types.Text
	}
	switch letter {
	case 'T':
		return true
	case 'N':
		return k == types.Int4 || k == types.Int8 || k == types.Numeric || k == types.Float8
	case 'L':
		return k == types.Int4 || k == types.Int8
	case 'I':
		return k == types.Int4
	case 'S':
		return k == types.Text
	case 'b':
		return k == types.Bool
	case 'A':
		return k == types.Array
	case 'M':
		return k == types.Map
	case 'B':
		return k == types.Bytea || k == types.Text
	case 'd':
		return k == types.Date || k == types.Text
	case 't':
		return k == types.Time || k == types.Text
	}
	return k == types.Timestamp || k == types.Text
}

// formNames are the words for the letters.
var formNames = map[byte]string{'N': "number", 'L': "BIGINT", 'I': "INT", 'S': "STRING", 'B': "BYTES",
	'b': "BOOLEAN", 'd': "DATE", 't': "TIME", 'p': "TIMESTAMP", 'A': "ARRAY", 'M': "MAP", 'T': "any type"}

// describeForms writes the forms of a function for a hint.
func describeForms(name, forms string) string {
	var out []string
	for _, form := range strings.Fields(forms) {
		var words []string
		for i := range len(form) {
			switch form[i] {
			case '-':
			case '*':
				words[len(words)-1] += "..."
			default:
				words = append(words, formNames[form[i]])
			}
		}
		if unitCalls[name] {
			words[0] = "unit"
		}
		out = append(out, "("+strings.Join(words, ", ")+")")
	}
	return strings.Join(out, " or ")
}
