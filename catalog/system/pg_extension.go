package system

import "github.com/millracedb/millrace/catalog"

// extension is a row of pg_extension: PL/pgSQL, as in every PostgreSQL, and Millrace
// itself, so that pg_dump leaves out the schema that every server has. OIDs below 16384 say
// that they are built in. https://www.postgresql.org/docs/15/catalog-pg-extension.html
type extension struct {
	oid                   catalog.OID
	name, schema, comment string
}

const oidPgExtension catalog.OID = 3079

var (
	plpgsqlExtension = extension{13800, "plpgsql", "pg_catalog", "PL/pgSQL procedural language"}
	ownExtension     = extension{13801, "millrace", catalog.MillraceSchema, "Millrace's own views"}
	extensions       = []extension{plpgsqlExtension, ownExtension}
)

func pgExtension(s *scan) error {
	w := s.world()
	out := s.columns("oid extname extowner extnamespace extrelocatable extversion")
	for _, e := range extensions {
		err := out.write(oidDatum(e.oid), text(e.name), oidDatum(w.roleOID(catalog.Superuser)),
			oidDatum(w.schemaOID(e.schema)), boolean(false), text("1.0"))
		if err != nil {
			return err
		}
	}
	return nil
}

// extensionMembers has the edges of Millrace's schema and its views.
func (s *scan) extensionMembers(edge dependency) error {
	err := edge(oidPgNamespace, s.world().schemaOID(catalog.MillraceSchema), oidPgExtension,
		ownExtension.oid, 0, 'e')
	if err != nil {
		return err
	}
	for _, r := range s.g.relations() {
		if r.Schema != catalog.MillraceSchema {
			continue
		}
		if err := edge(oidPgClass, r.OID, oidPgExtension, ownExtension.oid, 0, 'e'); err != nil {
			return err
		}
	}
	return nil
}
