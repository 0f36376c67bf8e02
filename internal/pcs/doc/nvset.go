package doc

import (
	"sort"

	"github.com/beevik/etree"

	"hacluster/internal/pcs/argv"
)

// SetPair sets a pair in a set, removes it when the value is empty. A new pair's id is SET-NAME.
func SetPair(set *etree.Element, name, value string, ids *IDs) {
	for _, nv := range Children(set, "nvpair") {
		if Attr(nv, "name") == name {
			if value == "" {
				set.RemoveChild(nv)
			} else {
				Set(nv, "value", value)
			}
			return
		}
	}
	if value != "" {
		Append(set, "nvpair", "id", ids.Sub(set, name), "name", name, "value", value)
	}
}

// SetPairs is SetPair for all, by name.
func SetPairs(set *etree.Element, pairs argv.Pairs, ids *IDs) {
	for _, p := range pairs.Sorted() {
		SetPair(set, p.Name, p.Value, ids)
	}
}

// SetFirst sets a pair and keeps only the first of several of its name; without a value none of them stays. A new
// pair's id holds the first 20 characters of the name.
func SetFirst(set *etree.Element, name, value string, ids *IDs) {
	var found []*etree.Element
	for _, nv := range Children(set, "nvpair") {
		if Attr(nv, "name") == name {
			found = append(found, nv)
		}
	}
	if len(found) == 0 {
		if value != "" {
			short := []rune(name)
			Append(set, "nvpair", "id", ids.Sub(set, string(short[:min(len(short), 20)])), "name", name, "value", value)
		}
		return
	}
	if value != "" {
		Set(found[0], "value", value)
		found = found[1:]
	}
	for _, nv := range found {
		Remove(nv)
	}
}

// ArrangeFirstSet changes pairs of the first set of a kind, which is made as first child where it is
// missing and something is to be stored.
func ArrangeFirstSet(el *etree.Element, tag string, pairs argv.Pairs, ids *IDs, newID string) {
	if len(pairs) == 0 {
		return
	}
	set := Child(el, tag)
	fresh := set == nil
	if fresh {
		if newID == "" {
			newID = ids.Sub(el, tag)
		}
		set = New(tag, "id", newID)
	}
	SetPairs(set, pairs, ids)
	if fresh && Useful(set) {
		InsertAt(el, set, 0)
	}
}

// AppendSet makes a new set of pairs at the end of el; without pairs only when enforce is set.
func AppendSet(el *etree.Element, tag string, pairs argv.Pairs, ids *IDs, enforce bool) {
	set := New(tag, "id", ids.Sub(el, tag))
	for _, p := range pairs.Sorted() {
		Append(set, "nvpair", "id", ids.Sub(set, p.Name), "name", p.Name, "value", p.Value)
	}
	if enforce || Useful(set) {
		el.AddChild(set)
	}
}

// PairsOf are the pairs of a set.
func PairsOf(set *etree.Element) argv.Pairs {
	var out argv.Pairs
	for _, nv := range Children(set, "nvpair") {
		out = append(out, argv.Pair{Name: Attr(nv, "name"), Value: Attr(nv, "value")})
	}
	return out
}

// FirstSet are the pairs of el's first set of a kind.
func FirstSet(el *etree.Element, tag string) argv.Pairs { return PairsOf(Child(el, tag)) }

// Value is the value of a name in any of el's sets of a kind; ok is false without.
func Value(el *etree.Element, tag, name string) (string, bool) {
	for _, set := range Children(el, tag) {
		for _, nv := range Children(set, "nvpair") {
			if Attr(nv, "name") == name {
				return Attr(nv, "value"), true
			}
		}
	}
	return "", false
}

// DeepValue is Value for sets anywhere below el, as 0.9 looks.
func DeepValue(el *etree.Element, tag, name string) (string, bool) {
	for _, set := range All(el, tag) {
		for _, nv := range All(set, "nvpair") {
			if Attr(nv, "name") == name {
				return Attr(nv, "value"), true
			}
		}
	}
	return "", false
}

// UpdateSet09 changes pairs of el's first set of a kind in the order given, as 0.9 does: a
// missing set is made at the end of el, ids are SET-NAME even when taken.
func UpdateSet09(el *etree.Element, tag string, pairs argv.Pairs, id string) {
	if len(pairs) == 0 {
		return
	}
	set := Child(el, tag)
	if set == nil {
		removing := true
		for _, p := range pairs {
			removing = removing && p.Value == ""
		}
		if removing {
			return
		}
		set = Append(el, tag, "id", UniqueID(el, id))
	}
	for _, p := range pairs {
		UpdatePair09(set, p.Name, p.Value, ID(set)+"-")
	}
}

// UpdatePair09 sets a pair, removes it when the value is empty.
func UpdatePair09(set *etree.Element, name, value, prefix string) {
	for _, nv := range All(set, "nvpair") {
		if Attr(nv, "name") == name {
			if value == "" {
				Remove(nv)
			} else {
				Set(nv, "value", value)
			}
			return
		}
	}
	if value != "" {
		Append(set, "nvpair", "id", prefix+name, "name", name, "value", value)
	}
}

// SortedNames are a set's names and values as a map would hold them: the last of a name, by name.
func SortedNames(pairs argv.Pairs) argv.Pairs {
	var out argv.Pairs
	for _, p := range pairs {
		out = out.With(p.Name, p.Value)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out
}
