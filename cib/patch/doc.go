// Package patch tells two states of a CIB apart and leads from one to the other.
//
// A patch is an XML element, diff format 2: deletions first, then creations,
// changed attributes and moves in the order of the new document. Diff makes it,
// Apply carries it out on a copy.
//
//	p := patch.Diff(a, b, patch.Versions)   // nil: no difference
//	res, err := patch.Apply(a, p, patch.CheckVersion)
package patch
