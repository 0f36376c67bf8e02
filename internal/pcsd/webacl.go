package pcsd

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// acl carries a command out that changes permissions. It gives "" or what went wrong, which is otherwise where
// the command says nothing.
func (c *webCall) acl(otherwise string, flags []string, words ...string) string {
	res := c.pcs(flags, append([]string{"acl"}, words...)...)
	switch {
	case res.Code == 0:
		return ""
	case res.Stderr == "":
		return otherwise
	}
	return strings.TrimSpace(strings.Join(linesOf(res.Stderr), "\n"))
}

// done is the answer to a change of permissions; unable takes the place of words about the CIB.
func done(wrong, said, unable string) answer {
	switch {
	case wrong == "":
		return ok(said)
	case unable != "" && strings.Contains(wrong, "cib_replace failed"):
		return plainBad(unable)
	}
	return plainBad(wrong)
}

func (c *webCall) addRole() answer {
	words := []string{"role", "create", c.value("name")}
	if d := c.value("description"); d != "" {
		words = append(words, "description="+d)
	}
	return done(c.acl("Error adding ACL role", nil, words...), "Successfully added ACL role", "Error adding ACL role")
}

func (c *webCall) removeRoles() answer {
	var wrong strings.Builder
	for _, field := range slices.Sorted(maps.Keys(c.form)) {
		if !strings.HasPrefix(field, "role-") {
			continue
		}
		role := c.value(field)
		res := c.pcs([]string{"--autodelete"}, "acl", "role", "delete", role)
		if res.Code == 0 {
			continue
		}
		fmt.Fprintf(&wrong, "Unable to remove role %s", role)
		if !strings.Contains(res.Stderr, "cib_replace failure") {
			wrong.WriteString(": " + strings.TrimSpace(strings.Join(linesOf(res.Stderr), " ")))
		}
		wrong.WriteString("\n")
	}
	return done(wrong.String(), "Successfully removed ACL roles", "")
}

func (c *webCall) addACL() answer {
	wrong := "Error: Unknown adding request"
	switch item, role := c.value("item"), c.value("role_id"); item {
	case "permission":
		wrong = c.acl("Error adding permission", nil, "permission", "add", role, c.value("type"), c.value("xpath_id"), c.value("query_id"))
	case "user", "group":
		name := c.value("usergroup")
		wrong = c.acl("Error adding "+item, nil, item, "create", name, role)
		if strings.EqualFold(wrong, "Error: '"+name+"' already exists") {
			wrong = c.acl("Error adding "+item, nil, "role", "assign", role, item, name)
		}
	}
	return done(wrong, "Successfully added permission to role", "Error adding permission")
}

func (c *webCall) removeACL() answer {
	wrong := "Error: Unknown removal request"
	switch c.value("item") {
	case "permission":
		wrong = c.acl("Error removing permission", nil, "permission", "delete", c.value("acl_perm_id"))
	case "usergroup":
		words := []string{"role", "unassign", c.value("role_id")}
		if kind := c.value("item_type"); kind == "user" || kind == "group" {
			words = append(words, kind)
		}
		wrong = c.acl("Error removing user / group", []string{"--autodelete"}, append(words, c.value("usergroup_id"))...)
	}
	return done(wrong, "Successfully removed permission from role", "")
}
