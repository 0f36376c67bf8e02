package rule

import (
	"time"

	"github.com/beevik/etree"

	crule "hacluster/cib/rule"
	"hacluster/internal/pcs/doc"
)

// EvalAt tells the status of the rules below root at a time. A rule can be told of that has
// exactly one date in it; one given as a specification needs years and no phase of the moon.
func EvalAt(root *etree.Element, now time.Time) Eval {
	return func(id string) Status {
		for _, r := range doc.All(root, "rule") {
			if doc.ID(r) == id {
				return statusOf(r, now)
			}
		}
		return Unknown
	}
}

func statusOf(r *etree.Element, now time.Time) Status {
	dates := doc.All(r, "date_expression")
	if len(dates) != 1 {
		return Unknown
	}
	d := dates[0]
	if doc.Attr(d, "operation") == "date_spec" {
		spec := doc.Child(d, "date_spec")
		if spec == nil || !doc.Has(spec, "years") || doc.Has(spec, "moon") {
			return Unknown
		}
	}
	switch crule.Date(d, &crule.Input{Now: now}) {
	case crule.Pass:
		return InEffect
	case crule.BeforeRange:
		return NotYet
	case crule.AfterRange:
		return Expired
	}
	return Unknown
}
