package session

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/beevik/etree"

	"hacluster/internal/pcs/doc"
)

// diffVerbs are the words of the verbs that 0.9 had moved to its library, whose changes were pushed as
// differences; the others replaced the configuration without a word.
var diffVerbs = [][]string{
	{"acl", "group"},
	{"acl", "permission"},
	{"acl", "role"},
	{"acl", "target"},
	{"acl", "user"},
	{"alert"},
	{"cluster", "maintenance"},
	{"cluster", "node", "add-guest"},
	{"cluster", "node", "add-remote"},
	{"cluster", "node", "remove-guest"},
	{"cluster", "standby"},
	{"cluster", "unmaintenance"},
	{"cluster", "unstandby"},
	{"constraint", "colocation", "set"},
	{"constraint", "order", "set"},
	{"constraint", "ticket"},
	{"node", "maintenance"},
	{"node", "standby"},
	{"node", "unmaintenance"},
	{"node", "unstandby"},
	{"resource", "bundle"},
	{"resource", "create"},
	{"resource", "defaults"},
	{"resource", "disable"},
	{"resource", "enable"},
	{"resource", "manage"},
	{"resource", "op", "defaults"},
	{"resource", "unmanage"},
	{"stonith", "create"},
	{"stonith", "disable"},
	{"stonith", "enable"},
	{"stonith", "level"},
}

// TakesDiffs tells whether a Pacemaker of a CRM feature set (of a CIB, "3.0.14") takes differences: from 3.0.9 on.
func TakesDiffs(set string) bool {
	f := strings.Split(set, ".")
	for i, least := range []int{3, 0, 9} {
		n := 0
		if i < len(f) {
			n, _ = strconv.Atoi(f[i])
		}
		if n != least {
			return n > least
		}
	}
	return true
}

// warnOfFullPush tells, as 0.9 does since 0.9.163, that a CIB of a Pacemaker that takes no differences is replaced as a whole.
func (s *Session) warnOfFullPush(old *etree.Element) {
	if !s.Legacy() || !s.Since(9, 163) {
		return
	}
	at := func(words []string) bool {
		return len(s.Command) >= len(words) && slices.Equal(s.Command[:len(words)], words)
	}
	set := cmp.Or(doc.Attr(old, "crm_feature_set"), "0.0.0")
	if TakesDiffs(set) || !slices.ContainsFunc(diffVerbs, at) {
		return
	}
	s.Out.Warn("Replacing the whole CIB instead of applying a diff, a race condition may happen if the CIB is pushed more than once simultaneously. " +
		"To fix this, upgrade pacemaker to get crm_feature_set at least 3.0.9, current is " + set + ".")
}
