// Package acl is `pcs acl`: users, groups, and the roles that say what they may read and write in the CIB.
package acl

import (
	"slices"
	"strings"

	"github.com/beevik/etree"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/check"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/property"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
)

// permission is a line of a role: read, write or deny; what is meant by xpath or id.
type permission struct{ kind, scope, value string }

// attribute is where the CIB keeps what a permission is about, by the word that users type.
var attribute = map[string]string{"xpath": "xpath", "id": "reference"}

func parsePermissions(args []string) ([]permission, error) {
	if len(args)%3 != 0 {
		return nil, argv.Usage()
	}
	var out []permission
	for p := range slices.Chunk(args, 3) {
		kind, scope := strings.ToLower(p[0]), strings.ToLower(p[1])
		if !slices.Contains([]string{"read", "write", "deny"}, kind) || attribute[scope] == "" {
			return nil, argv.Usage()
		}
		out = append(out, permission{kind, scope, p[2]})
	}
	return out, nil
}

// open reads the CIB and gives its section of ACLs.
func open(s *session.Session) (root, acls *etree.Element, err error) {
	if s.Legacy() {
		root, err = s.CIBAtLeast([3]int{2, 0, 0})
	} else {
		root, err = s.CIB()
	}
	if err != nil {
		return nil, nil, err
	}
	acls, err = s.OptionalSection(root, "acls")
	return root, acls, err
}

// switchTo makes the verb that turns ACLs on or off.
func switchTo(value string) session.Verb {
	return func(s *session.Session, args []string) error {
		if s.Legacy() {
			return property.Set09(s, []string{"enable-acl=" + value})
		}
		if err := s.Opts.Only("-f"); err != nil {
			return err
		}
		if len(args) > 0 {
			return argv.Usage()
		}
		return property.Set(s, []string{"enable-acl=" + value})
	}
}

// Enable is `acl enable`, Disable `acl disable`.
var (
	Enable  = switchTo("true")
	Disable = switchTo("false")
)

// unknownIDs tells of permissions for ids that nothing has.
func unknownIDs(root *etree.Element, permissions []permission) []report.Item {
	var items []report.Item
	for _, p := range permissions {
		if p.scope == "id" && !doc.IDExists(root, p.value) {
			items = append(items, report.Errorf("id '%s' does not exist", p.value))
		}
	}
	return items
}

// roleID tells what speaks against an id for a new role, and takes it.
func roleID(s *session.Session, ids *doc.IDs, id string) []report.Item {
	items := check.IDs(id, "ACL role")
	if len(items) == 0 && len(ids.Book(id)) > 0 {
		items = append(items, s.Style.IDInUse(id))
	}
	return items
}

// refuse ends a command with what was found about a new role and its permissions: all of it since
// 0.11, before that the permissions first.
func refuse(s *session.Session, role, permissions []report.Item) error {
	if s.Minor() >= 11 {
		return s.Check(append(role, permissions...)...)
	}
	if len(permissions) > 0 {
		return report.Items(permissions)
	}
	if len(role) > 0 {
		return report.Items(role[:1])
	}
	return nil
}

func addPermissions(role *etree.Element, permissions []permission, ids *doc.IDs) {
	for _, p := range permissions {
		el := doc.New("acl_permission", "id", ids.Allocate(doc.ID(role)+"-"+p.kind), "kind", p.kind, attribute[p.scope], p.value)
		role.AddChild(el)
	}
}

// RoleCreate is `acl role create`.
func RoleCreate(s *session.Session, args []string) error {
	if err := s.Only("-f"); err != nil {
		return err
	}
	if len(args) == 0 {
		return argv.Usage()
	}
	id, rest := args[0], args[1:]
	description := ""
	if len(rest) > 0 {
		if d, ok := strings.CutPrefix(rest[0], "description="); ok && d != "" {
			description, rest = d, rest[1:]
		}
	}
	permissions, err := parsePermissions(rest)
	if err != nil {
		return err
	}
	root, acls, err := open(s)
	if err != nil {
		return err
	}
	ids := doc.NewIDs(root)
	if err := refuse(s, roleID(s, ids, id), unknownIDs(root, permissions)); err != nil {
		return err
	}
	role := doc.Append(acls, "acl_role", "id", id)
	if description != "" {
		doc.Set(role, "description", description)
	}
	addPermissions(role, permissions, ids)
	return s.Push(root)
}

// PermissionAdd is `acl permission add`; the role is made where it is missing.
func PermissionAdd(s *session.Session, args []string) error {
	if err := s.Only("-f"); err != nil {
		return err
	}
	if len(args) < 4 {
		return argv.Usage()
	}
	permissions, err := parsePermissions(args[1:])
	if err != nil {
		return err
	}
	root, acls, err := open(s)
	if err != nil {
		return err
	}
	ids := doc.NewIDs(root)
	unknown := unknownIDs(root, permissions)
	role, bad := s.Find(acls, args[0], []string{"acl_role"})
	var items []report.Item
	if role == nil {
		if bad[0].Code != session.IDNotFound {
			if s.Minor() < 11 && len(unknown) > 0 {
				return report.Items(unknown)
			}
			return report.Items(bad)
		}
		items = roleID(s, ids, args[0])
	}
	if err := refuse(s, items, unknown); err != nil {
		return err
	}
	if role == nil {
		role = doc.Append(acls, "acl_role", "id", args[0])
	}
	addPermissions(role, permissions, ids)
	return s.Push(root)
}

// remove makes the verb that drops an element by its id.
func remove(tag string) session.Verb {
	return func(s *session.Session, args []string) error {
		if err := s.Only("-f"); err != nil {
			return err
		}
		if len(args) != 1 {
			return argv.Usage()
		}
		root, acls, err := open(s)
		if err != nil {
			return err
		}
		el, bad := s.Find(acls, args[0], []string{tag})
		if el == nil {
			return report.Items(bad)
		}
		doc.Remove(el)
		return s.Push(root)
	}
}

// UserDelete is `acl user delete`, GroupDelete `acl group delete`, PermissionDelete `acl permission delete`.
var (
	UserDelete       = remove("acl_target")
	GroupDelete      = remove("acl_group")
	PermissionDelete = remove("acl_permission")
)

// autodelete tells whether users and groups are to go with their last role.
func autodelete(s *session.Session) bool {
	if !s.Opts.Has("--autodelete") {
		return false
	}
	if s.Minor() >= 12 {
		s.Deprecated("Flag '--autodelete' is deprecated and might be removed in a future release.")
	}
	return true
}

// RoleDelete is `acl role delete`: the role goes, and with it every reference to it.
func RoleDelete(s *session.Session, args []string) error {
	if err := s.Only("-f", "--autodelete"); err != nil {
		return err
	}
	if len(args) != 1 {
		return argv.Usage()
	}
	// 0.9 needs no option to that when a role is deleted, only when it is taken from somebody
	dropEmpty := autodelete(s) || s.Legacy()
	root, acls, err := open(s)
	if err != nil {
		return err
	}
	role, bad := s.Find(acls, args[0], []string{"acl_role"})
	if role == nil {
		return report.Items(bad)
	}
	doc.Remove(role)
	for _, ref := range doc.All(acls, "role") {
		if doc.ID(ref) != args[0] {
			continue
		}
		holder := ref.Parent()
		doc.Remove(ref)
		if dropEmpty && len(doc.All(holder, "role")) == 0 {
			doc.Remove(holder)
		}
	}
	return s.Push(root)
}

// UserCreate is `acl user create`.
func UserCreate(s *session.Session, args []string) error {
	return create(s, args, "acl_target", func(acls *etree.Element, id string) []report.Item {
		// users are no ids of the CIB: they may be called as something else is
		for _, u := range doc.Children(acls, "acl_target") {
			if doc.ID(u) == id {
				return []report.Item{s.Style.IDInUse(id)}
			}
		}
		return nil
	})
}

// GroupCreate is `acl group create`.
func GroupCreate(s *session.Session, args []string) error {
	return create(s, args, "acl_group", func(acls *etree.Element, id string) []report.Item {
		if items := check.IDs(id, "ACL group"); len(items) > 0 {
			return items[:1]
		}
		if doc.IDExists(acls, id) {
			return []report.Item{s.Style.IDInUse(id)}
		}
		return nil
	})
}

func create(s *session.Session, args []string, tag string, against func(acls *etree.Element, id string) []report.Item) error {
	if err := s.Only("-f"); err != nil {
		return err
	}
	if len(args) == 0 {
		return argv.Usage()
	}
	root, acls, err := open(s)
	if err != nil {
		return err
	}
	if items := against(acls, args[0]); len(items) > 0 {
		return report.Items(items)
	}
	el := doc.Append(acls, tag, "id", args[0])
	var items report.Items
	for _, role := range args[1:] {
		items = append(items, assign(s, acls, el, role)...)
	}
	if len(items) > 0 {
		return items
	}
	return s.Push(root)
}

// assign gives a role to a user or group.
func assign(s *session.Session, acls, to *etree.Element, role string) []report.Item {
	if el, bad := s.Find(acls, role, []string{"acl_role"}); el == nil {
		return bad
	}
	for _, r := range doc.Children(to, "role") {
		if doc.ID(r) == role {
			already := "Role '%s' is already assigned to '%s'"
			if s.Legacy() {
				already = "Role '%s' is already asigned to '%s'"
			}
			return []report.Item{report.Errorf(already, role, doc.ID(to))}
		}
	}
	doc.Append(to, "role", "id", role)
	return nil
}

// holder reads ROLE [WORD] [user|group] ID; kind is "" when neither was said.
func holder(s *session.Session, args []string, word string) (role, kind, id string, err error) {
	switch {
	case len(args) == 2:
		role, id = args[0], args[1]
	case len(args) == 3 && args[1] == word:
		role, id = args[0], args[2]
	case len(args) == 3 && (args[1] == "user" || args[1] == "group"):
		return args[0], args[1], args[2], nil
	case len(args) == 4 && args[1] == word && (args[2] == "user" || args[2] == "group"):
		return args[0], args[2], args[3], nil
	default:
		return "", "", "", argv.Usage()
	}
	if s.Minor() >= 12 {
		s.Deprecated("Assigning / unassigning a role to a user / group without specifying 'user' or 'group' keyword is deprecated and might be removed in a future release.")
	}
	return role, "", id, nil
}

// findHolder finds a user, a group, or what of both has the id, users first.
func findHolder(s *session.Session, acls *etree.Element, kind, id string) (*etree.Element, []report.Item) {
	switch kind {
	case "user":
		return s.Find(acls, id, []string{"acl_target"})
	case "group":
		return s.Find(acls, id, []string{"acl_group"})
	}
	user, bad := s.Find(acls, id, []string{"acl_target"})
	if user != nil || bad[0].Code != session.IDNotFound {
		return user, bad
	}
	return s.Find(acls, id, []string{"acl_group"}, "acl_group", "acl_target")
}

// RoleAssign is `acl role assign`.
func RoleAssign(s *session.Session, args []string) error {
	if err := s.Only("-f"); err != nil {
		return err
	}
	role, kind, id, err := holder(s, args, "to")
	if err != nil {
		return err
	}
	root, acls, err := open(s)
	if err != nil {
		return err
	}
	el, bad := findHolder(s, acls, kind, id)
	if el == nil {
		return report.Items(bad)
	}
	if bad := assign(s, acls, el, role); len(bad) > 0 {
		return report.Items(bad)
	}
	return s.Push(root)
}

// RoleUnassign is `acl role unassign`.
func RoleUnassign(s *session.Session, args []string) error {
	if err := s.Only("-f", "--autodelete"); err != nil {
		return err
	}
	dropEmpty := autodelete(s)
	role, kind, id, err := holder(s, args, "from")
	if err != nil {
		return err
	}
	root, acls, err := open(s)
	if err != nil {
		return err
	}
	el, bad := findHolder(s, acls, kind, id)
	if el == nil {
		return report.Items(bad)
	}
	found := false
	for _, r := range doc.Children(el, "role") {
		if doc.ID(r) == role {
			doc.Remove(r)
			found = true
		}
	}
	if !found {
		return report.Items{report.Errorf("Role '%s' is not assigned to '%s'", role, doc.ID(el))}
	}
	if dropEmpty && len(doc.Children(el, "role")) == 0 {
		doc.Remove(el)
	}
	return s.Push(root)
}
