package cib

import (
	"errors"
	"strings"

	"github.com/beevik/etree"

	"hacluster/cib/schema"
	"hacluster/cib/upgrade"
)

// upgrade raises the schema as far as the request allows, which may rewrite the
// configuration. A document that is there already counts as updated.
func (e *edit) upgrade() error {
	res, err := upgrade.Upgrade(e.root, e.req.MaxSchema)
	e.messages = res.Messages
	if err != nil {
		var u *upgrade.Error
		if errors.As(err, &u) {
			return fail(Code(u.Code), "%s", u.Detail)
		}
		return fail(TransformFailed, "%v", err)
	}
	if !res.Changed {
		e.changed = true
		return nil
	}
	v := VersionOf(e.root)
	v.AdminEpoch++
	v.Epoch, v.NumUpdates = 1, 1
	v.Set(res.Root)
	config := res.Rewritten
	e.become(res.Root)
	e.changed, e.config = true, config
	return nil
}

// validate holds a new document against the schema that it declares.
func validate(root *etree.Element) error {
	problems := schema.Validate(root, root.SelectAttrValue("validate-with", ""))
	if len(problems) == 0 {
		return nil
	}
	texts := make([]string, 0, 3)
	for _, p := range problems[:min(len(problems), cap(texts))] {
		texts = append(texts, p.Text)
	}
	return fail(SchemaValidation, "%s", strings.Join(texts, "\n"))
}
