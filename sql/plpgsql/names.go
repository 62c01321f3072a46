package plpgsql

// Names is what can be seen at a place of a block: a list, the innermost first, of variables
// and of the labels that begin a level.
type Names struct {
	up    *Names
	name  string
	v     *Var // nil: a label
	loop  bool // a label is a loop's
	block bool // a label is a block's own: EXIT can name it
}

// Lookup finds the variable that a name of one to three parts means. used says how many of
// them name it; the next one is a field of it.
func (n *Names) Lookup(parts []string) (v *Var, used int) {
	for level := n; level != nil; {
		at := level
		for ; at.v != nil; at = at.up {
			if at.name == parts[0] && (len(parts) == 1 || at.v.composite()) {
				return at.v, 1
			}
		}
		if len(parts) > 1 && at.name == parts[0] && at.name != "" {
			for x := level; x.v != nil; x = x.up {
				if x.name == parts[1] && (len(parts) == 2 || x.v.composite()) {
					return x.v, 2
				}
			}
		}
		level = at.up
	}
	return nil, 0
}

// composite tells whether a variable may have fields: which type a name means is known only
// when the block runs.
func (v *Var) composite() bool {
	return v.Type.Kind != RefCursor && v.Type.Kind != Implicit
}

// declared tells whether the innermost level has a variable of that name.
func (n *Names) declared(name string) bool {
	for ; n != nil && n.v != nil; n = n.up {
		if n.name == name {
			return true
		}
	}
	return false
}

// label finds the block or loop that a label means.
func (n *Names) label(name string) *Names {
	for ; n != nil; n = n.up {
		if n.v == nil && n.name == name && (n.loop || n.block) {
			return n
		}
	}
	return nil
}

// inLoop tells whether a loop is around.
func (n *Names) inLoop() bool {
	for ; n != nil; n = n.up {
		if n.v == nil && n.loop {
			return true
		}
	}
	return false
}
