package pcs

import (
	"hacluster/internal/pcs/acl"
	"hacluster/internal/pcs/tag"
)

var aclUserTree = &Node{
	Sub: map[string]*Node{
		"create": verb(acl.UserCreate),
		"delete": verb(acl.UserDelete),
		"remove": gens("-ABC", acl.UserDelete),
	},
}

var aclTree = &Node{
	Default: "config", Default09: "show",
	Sub: map[string]*Node{
		"config":  gens("-ABC", acl.Config),
		"show":    verb(acl.Show),
		"enable":  verb(acl.Enable),
		"disable": verb(acl.Disable),
		"role": {Sub: map[string]*Node{
			"create":   verb(acl.RoleCreate),
			"delete":   verb(acl.RoleDelete),
			"remove":   gens("-ABC", acl.RoleDelete),
			"assign":   verb(acl.RoleAssign),
			"unassign": verb(acl.RoleUnassign),
		}},
		"user":   aclUserTree,
		"target": {Gens: "9---", Sub: aclUserTree.Sub},
		"group": {Sub: map[string]*Node{
			"create": verb(acl.GroupCreate),
			"delete": verb(acl.GroupDelete),
			"remove": gens("-ABC", acl.GroupDelete),
		}},
		"permission": {Sub: map[string]*Node{
			"add":    verb(acl.PermissionAdd),
			"delete": verb(acl.PermissionDelete),
			"remove": gens("-ABC", acl.PermissionDelete),
		}},
	},
}

var tagTree = &Node{
	Gens:    "-ABC",
	Default: "config",
	Sub: map[string]*Node{
		"config": verb(tag.Config),
		"list":   verb(tag.List),
		"create": verb(tag.Create),
		"update": verb(tag.Update),
		"remove": verb(tag.Remove),
		"delete": verb(tag.Remove),
	},
}
