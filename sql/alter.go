package sql

type (
	// Alter is ALTER of a stream, table, view or other relation by a list of actions.
	Alter struct {
		Extent
		Kind     ObjectKind
		IfExists bool
		Only     bool
		Name     Name
		Args     []*TypeName // of a function: nil = no list given
		Actions  []AlterAction
	}

	// Rename is ALTER ... RENAME, of the object, one of its columns, a constraint, or a label
	// or attribute of a type.
	Rename struct {
		Extent
		Kind     ObjectKind
		IfExists bool
		Name     Name
		Args     []*TypeName // of a function: nil = no list given
		Part     ObjectKind  // NoObject: the object itself; ObjColumn; ObjConstraint
		Old      string      // the part's name; "" for the object itself
		New      string
	}

	// AlterEnum is ALTER TYPE ... ADD VALUE or RENAME VALUE.
	AlterEnum struct {
		Extent
		Name        Name
		IfNotExists bool
		Rename      string // the old label of RENAME VALUE, else ""
		Label       string
		Neighbour   string // BEFORE or AFTER this label; "" = at the end
		Before      bool
	}

	// AlterSequence is ALTER SEQUENCE.
	AlterSequence struct {
		Extent
		Name     Name
		IfExists bool
		Options  SequenceOptions
	}

	// AlterRole is ALTER ROLE or USER with options, or SET of a setting.
	AlterRole struct {
		Extent
		Name    string
		Options []Option
		Set     *SetVar   // ALTER ROLE r SET x = y
		Reset   *ResetVar // ALTER ROLE r RESET x
	}

	// AlterSystem is ALTER SYSTEM SET name = value, ksqlDB's ALTER SYSTEM 'name' = 'value',
	// or RESET where Value is nil.
	AlterSystem struct {
		Extent
		Name  string // "all" for RESET ALL
		Value Expr
	}
)

// AlterAction is one action of Alter.
type AlterAction interface{ alterAction() }

type (
	// AddColumn is ADD [COLUMN].
	AddColumn struct {
		IfNotExists bool
		Column      *ColumnDef
	}

	// DropColumn is DROP [COLUMN].
	DropColumn struct {
		Loc
		Name     string
		IfExists bool
		Cascade  bool
	}

	// AlterColumnType is ALTER [COLUMN] c TYPE t [COLLATE n] [USING x].
	AlterColumnType struct {
		Loc
		Name    string
		Type    *TypeName
		Collate Name
		Using   Expr
	}

	// SetColumnDefault is ALTER c SET DEFAULT x, or DROP DEFAULT where X is nil. Name is ""
	// for a domain.
	SetColumnDefault struct {
		Loc
		Name string
		X    Expr
	}

	// SetColumnNotNull is ALTER c SET NOT NULL or DROP NOT NULL. Name is "" for a domain.
	SetColumnNotNull struct {
		Loc
		Name    string
		NotNull bool
	}

	// RestartIdentity is ALTER c RESTART [WITH n].
	RestartIdentity struct {
		Loc
		Name string
		With Expr // nil: the start value
	}

	// AddIdentity is ALTER c ADD GENERATED ... AS IDENTITY.
	AddIdentity struct {
		Loc
		Name      string
		Generated *Generated
	}

	// SetIdentity is ALTER c SET GENERATED ..., or SET or RESTART of what its sequence does.
	SetIdentity struct {
		Loc
		Name      string
		Generated bool          // SET GENERATED was written,
		Kind      GeneratedKind // with this
		Options   SequenceOptions
	}

	// DropExpression is ALTER c DROP EXPRESSION: a generated column becomes a plain one.
	DropExpression struct {
		Loc
		Name     string
		IfExists bool
	}

	// DropIdentity is ALTER c DROP IDENTITY.
	DropIdentity struct {
		Loc
		Name     string
		IfExists bool
	}

	// ValidateConstraint is VALIDATE CONSTRAINT.
	ValidateConstraint struct {
		Loc
		Name string
	}

	// AlterConstraint is ALTER CONSTRAINT c [NOT] DEFERRABLE ...
	AlterConstraint struct {
		Loc
		Name     string
		Deferred Deferral
	}

	// AlterNothing is an action that asks for what does not exist here and changes no
	// result: SET STATISTICS, SET STORAGE, CLUSTER ON... Words are the action as it is
	// printed.
	AlterNothing struct {
		Loc
		Words string
	}

	// AddConstraint is ADD CONSTRAINT.
	AddConstraint struct{ Constraint *Constraint }

	// DropConstraint is DROP CONSTRAINT.
	DropConstraint struct {
		Loc
		Name     string
		IfExists bool
		Cascade  bool
	}

	// AddWatermark is ADD WATERMARK FOR c AS x.
	AddWatermark struct{ Watermark *Watermark }

	// SetOptions is SET (name = value, ...) or SET name = value.
	SetOptions struct{ Options []Option }

	// ResetOptions is RESET (name, ...).
	ResetOptions struct{ Names []string }

	// SetOwner is OWNER TO role.
	SetOwner struct{ Role string }

	// SetSchema is SET SCHEMA name.
	SetSchema struct{ Schema string }
)

func (*AddColumn) alterAction()          {}
func (*DropColumn) alterAction()         {}
func (*AlterColumnType) alterAction()    {}
func (*SetColumnDefault) alterAction()   {}
func (*SetColumnNotNull) alterAction()   {}
func (*RestartIdentity) alterAction()    {}
func (*DropIdentity) alterAction()       {}
func (*AddIdentity) alterAction()        {}
func (*SetIdentity) alterAction()        {}
func (*DropExpression) alterAction()     {}
func (*AlterConstraint) alterAction()    {}
func (*ValidateConstraint) alterAction() {}
func (*AlterNothing) alterAction()       {}
func (*AddConstraint) alterAction()      {}
func (*DropConstraint) alterAction()     {}
func (*AddWatermark) alterAction()       {}
func (*SetOptions) alterAction()         {}
func (*ResetOptions) alterAction()       {}
func (*SetOwner) alterAction()           {}
func (*SetSchema) alterAction()          {}
