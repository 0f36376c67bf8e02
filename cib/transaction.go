package cib

import (
	"slices"
	"strconv"

	"github.com/beevik/etree"
)

// commit carries the cib_command elements of a transaction out, all or none.
func (e *edit) commit(data *etree.Element) error {
	root := e.root // Apply copies it
	for i, cmd := range data.SelectElements("cib_command") {
		sub := Request{
			Op: Op(cmd.SelectAttrValue("cib_op", "")), Section: cmd.SelectAttrValue("cib_section", ""),
			User: e.req.User, Now: e.req.Now,
		}
		if opts, err := strconv.ParseUint(cmd.SelectAttrValue("cib_callopt", "0"), 10, 32); err == nil {
			sub.SetOptions(Options(opts))
		}
		if cd := cmd.SelectElement("cib_calldata"); cd != nil {
			if c := cd.ChildElements(); len(c) > 0 {
				sub.Data = c[0]
			}
		}
		if !slices.Contains([]Op{Create, Modify, Replace, Delete, Erase, Bump, Patch, Upgrade}, sub.Op) {
			return fail(NotSupported, "operation %q in a transaction", string(sub.Op))
		}
		res, err := Apply(root, sub)
		if err != nil {
			return fail(CodeOf(err), "operation %d of the transaction: %v", i+1, err)
		}
		root = res.Root
	}
	// Each step was held against the user's permissions.
	e.guard = nil
	e.become(root)
	return nil
}
