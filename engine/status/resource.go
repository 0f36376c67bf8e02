package status

// Has tells whether all the given flags are set.
func (r *Resource) Has(f ResourceFlags) bool { return r.Flags&f == f }

// Set sets flags.
func (r *Resource) Set(f ResourceFlags) { r.Flags |= f }

// Clear clears flags.
func (r *Resource) Clear(f ResourceFlags) { r.Flags &^= f }

// SetAll sets flags on the resource and everything in it.
func (r *Resource) SetAll(f ResourceFlags) {
	r.Flags |= f
	for _, k := range r.Children {
		k.SetAll(f)
	}
}

// ClearAll clears flags on the resource and everything in it.
func (r *Resource) ClearAll(f ResourceFlags) {
	r.Flags &^= f
	for _, k := range r.Children {
		k.ClearAll(f)
	}
}

// Top is the outermost resource that r is part of; a bundle counts only if
// asked for.
func (r *Resource) Top(bundle bool) *Resource {
	for r.Parent != nil && (bundle || r.Parent.Kind != Bundle) {
		r = r.Parent
	}
	return r
}

// IsClone tells whether the resource is a clone.
func (r *Resource) IsClone() bool { return r != nil && r.Kind == Clone }

// IsRemoteNode tells whether the resource connects to any remote node.
func (r *Resource) IsRemoteNode() bool { return r.Has(RemoteConnection) }

// Bundled tells whether the resource is a bundle or part of one.
func (r *Resource) Bundled() bool {
	for p := r; p != nil; p = p.Parent {
		if p.Kind == Bundle {
			return true
		}
	}
	return false
}

// XMLID is the id of the configured element, without instance number.
func (r *Resource) XMLID() string { return get(r.XML, "id") }

// ShownID is the id as people see it: without the number of an instance that
// is not told apart.
func (r *Resource) ShownID() string {
	if r.Has(Unique) {
		return r.ID
	}
	return BaseName(r.ID)
}

// BaseName takes an instance number off an id.
func BaseName(id string) string {
	i := len(id) - 1
	for i > 0 && digit(id[i]) {
		i--
	}
	if i > 0 && i < len(id)-1 && id[i] == ':' {
		return id[:i]
	}
	return id
}

// TextAgent is the agent as text shows it: only agents of class ocf have a provider, whatever a
// history says.
func (r *Resource) TextAgent() string {
	if r.Class != "ocf" {
		return r.Class + ":" + r.Type
	}
	return r.Agent()
}

// Agent is class[:provider]:type.
func (r *Resource) Agent() string {
	if r.Provider != "" {
		return r.Class + ":" + r.Provider + ":" + r.Type
	}
	return r.Class + ":" + r.Type
}

// ShownRole is the role that a primitive is told in: an instance of a promotable clone that runs is unpromoted, though a
// monitor that finds it running leaves it Started.
func (r *Resource) ShownRole() Role {
	if r.Role == RoleStarted && r.Top(false).Has(Promotable) {
		return RoleUnpromoted
	}
	return r.Role
}
