package planner

import (
	"slices"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// alterEnum plans ALTER TYPE ... ADD VALUE and RENAME VALUE.
func (b *builder) alterEnum(s *sql.AlterEnum) (*plan.Plan, error) {
	old := b.userTypeNamed(s.Name)
	if old == nil {
		return nil, sqlerr.New(sqlerr.UndefinedObject, "type \"%s\" does not exist", s.Name.Last())
	}
	if old.Labels == nil {
		return nil, sqlerr.New(sqlerr.WrongObjectType, "\"%s\" is not an enum", old.Name)
	}
	t := *old
	t.Labels = slices.Clone(old.Labels)
	if s.Rename != "" {
		i := slices.Index(t.Labels, s.Rename)
		if i < 0 {
			return nil, sqlerr.New(sqlerr.InvalidParameterValue,
				"\"%s\" is not an existing enum label", s.Rename)
		}
		return nil, sqlerr.Unsupported("RENAME VALUE", "Rows hold the label itself: add the new "+
			"label and UPDATE the rows.")
	}
	if slices.Contains(t.Labels, s.Label) {
		if s.IfNotExists {
			b.notice("enum label \"%s\" already exists, skipping", s.Label)
			return &plan.Plan{Tag: "ALTER TYPE"}, nil
		}
		return nil, sqlerr.New(sqlerr.DuplicateObject, "enum label \"%s\" already exists", s.Label)
	}
	at := len(t.Labels)
	if s.Neighbour != "" {
		if at = slices.Index(t.Labels, s.Neighbour); at < 0 {
			return nil, sqlerr.New(sqlerr.InvalidParameterValue,
				"\"%s\" is not an existing enum label", s.Neighbour)
		}
		if !s.Before {
			at++
		}
	}
	place, ok := labelPlace(t.Order, at)
	if !ok {
		return nil, sqlerr.New(sqlerr.ProgramLimitExceeded,
			"there is no room between the neighbours of enum label \"%s\"", s.Label).
			WithHint("Make another type, with the labels in the order that you want.")
	}
	t.Order = slices.Insert(slices.Clone(t.Order), at, place)
	t.Labels = slices.Insert(t.Labels, at, s.Label)
	return command("ALTER TYPE", &catalog.CreateType{Type: t, OrReplace: true}), nil
}

// labelPlace gives the place of a label before the at-th one: halfway between its
// neighbours. ok is false when numbers are not fine enough.
func labelPlace(order []float64, at int) (place float64, ok bool) {
	switch {
	case len(order) == 0:
		return 1, true
	case at == len(order):
		return order[at-1] + 1, true
	case at == 0:
		return order[0] - 1, true
	}
	place = (order[at-1] + order[at]) / 2
	return place, order[at-1] < place && place < order[at]
}

// alterSequence plans ALTER SEQUENCE.
func (b *builder) alterSequence(s *sql.AlterSequence) (*plan.Plan, error) {
	rel, err := b.altered(sql.ObjSequence, s.Name, s.IfExists, s.Pos())
	if err != nil || rel == nil {
		return &plan.Plan{Tag: "ALTER SEQUENCE"}, err
	}
	next, err := b.changedSequence(rel, &s.Options)
	if err != nil {
		return nil, err
	}
	if err := noSequenceName(&s.Options, s.Pos()); err != nil {
		return nil, err
	}
	if err := b.ownedBy(next.Relation.Sequence, rel.Schema, s.Options.OwnedBy, s.Pos()); err != nil {
		return nil, err
	}
	return command("ALTER SEQUENCE", next), nil
}
