package upgrade

import (
	"github.com/beevik/etree"
)

// rewriteACLs turns the access control lists of 1.2 and 1.3 into those of 2.0: users
// become targets with roles, and every permission belongs to a role.
func rewriteACLs(root *etree.Element, say func(Message)) error {
	convertACLs(root, say)
	return nil
}

func convertACLs(el *etree.Element, say func(Message)) {
	for _, t := range append([]etree.Token(nil), el.Child...) {
		c, ok := t.(*etree.Element)
		if !ok {
			continue
		}
		switch c.Tag {
		case "role_ref":
			c.Tag = "role"
		case "acl_user":
			if role := convertUser(c); role != nil {
				el.InsertChildAt(c.Index()+1, role)
				convertACLs(role, say)
			}
		case "read", "write", "deny":
			convertPermission(c, say)
			continue
		}
		convertACLs(c, say)
	}
}

// convertUser makes a target of a user. Permissions of its own go to a role of its
// own, which is returned.
func convertUser(user *etree.Element) *etree.Element {
	user.Tag = "acl_target"
	if hasKid(user, "role_ref") {
		return nil
	}
	permissions := user.ChildElements()
	setChildren(user, nil)
	if len(permissions) == 0 {
		return nil
	}
	name := "auto-" + attr(user, "id")
	user.AddChild(element("role", "id", name))
	role := element("acl_role", "id", name)
	for _, p := range permissions {
		role.AddChild(p)
	}
	return role
}

func convertPermission(p *etree.Element, say func(Message)) {
	warn := func(text string) { say(Message{Warning, "ACLs: @attribute " + text}) }
	n := element("acl_permission")
	if has(p, "id") {
		set(n, "id", attr(p, "id"))
	}
	set(n, "kind", p.Tag)
	limited := has(p, "attribute")
	switch {
	case has(p, "ref"):
		set(n, "reference", attr(p, "ref"))
		if limited {
			warn("cannot accompany @ref for upgrade-1.3.xsl purposes, ignoring")
		}
	case has(p, "tag"):
		set(n, "object-type", attr(p, "tag"))
		if limited {
			warn("(with @tag) handling generalized a bit for upgrade-1.3.xsl purposes")
			set(n, "attribute", attr(p, "attribute"))
		}
	case limited:
		warn("(with @xpath) handling generalized a bit for upgrade-1.3.xsl purposes")
		set(n, "xpath", attr(p, "xpath")+"[@"+attr(p, "attribute")+"]")
	case has(p, "xpath"):
		set(n, "xpath", attr(p, "xpath"))
	}
	p.Tag, p.Attr = n.Tag, n.Attr
	setChildren(p, nil)
}
