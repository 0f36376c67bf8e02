package screen

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/beevik/etree"

	"hacluster/engine/status"
)

// nodeHistory is what a node recorded, as far as it is shown.
type nodeHistory struct {
	node *status.Node
	list []resourceHistory
}

type resourceHistory struct {
	r     *status.Resource
	id    string
	fails int
	last  int64
	ops   []*etree.Element
}

// histories are the histories of the nodes that are online, in the order of the
// status section.
func (v *view) histories() (list []nodeHistory) {
	if v.c.StatusXML == nil {
		return nil
	}
	full := v.Sections.has(Operations)
	for _, st := range v.c.StatusXML.SelectElements("node_state") {
		id := st.SelectAttrValue("id", "")
		i := slices.IndexFunc(v.c.Nodes, func(n *status.Node) bool { return n.ID == id })
		if i < 0 || !v.c.Nodes[i].Online || !v.nodes.hasFold(v.c.Nodes[i].Name) {
			continue
		}
		h := nodeHistory{node: v.c.Nodes[i]}
		for e := range status.HistoryIn(st) {
			id := e.SelectAttrValue("id", "")
			r := v.c.Find(id)
			if r == nil || v.historyFiltered(r) {
				continue
			}
			rh := resourceHistory{r: r, id: id}
			rh.fails, rh.last = v.c.FailCount(h.node, r, 0, nil)
			if full {
				if rh.ops = v.shownOps(e); len(rh.ops) == 0 {
					continue
				}
				rh.id = shownID(r)
			} else if rh.fails <= 0 {
				continue
			}
			h.list = append(h.list, rh)
		}
		list = append(list, h)
	}
	return list
}

func (v *view) historyFiltered(r *status.Resource) bool {
	// A group that is filtered with what is in it would let all members pass, so they are asked singly.
	if whole := r.Top(false); whole.Kind == status.Group {
		return !v.only.has(shownID(r)) && !v.only.has(shownID(whole))
	}
	return v.filtered(r, v.only, true)
}

func (v *view) shownOps(e *etree.Element) (ops []*etree.Element) {
	for _, op := range e.SelectElements("lrm_rsc_op") {
		task := op.SelectAttrValue("operation", "")
		if task == "notify" || task == "monitor" && once(op) && rcOf(op) == 7 {
			continue
		}
		ops = append(ops, op)
	}
	status.MergeSort(ops, v.c.Newer)
	return ops
}

// atLeast0 is a number of an operation that counts as 0 where it is missing, below 0 or none.
func atLeast0(op *etree.Element, name string) int64 {
	n, _ := status.ParseInt(op.SelectAttrValue(name, ""))
	return min(max(n, 0), math.MaxInt32)
}

// rcOf is the exit code of an operation; one that has none yet counts as 0.
func rcOf(op *etree.Element) int64 { return atLeast0(op, "rc-code") }

// once tells whether an operation does not recur, by the letter of its interval.
func once(op *etree.Element) bool { return op.SelectAttrValue("interval", "0") == "0" }

// taskOf is what an operation did; looking for a resource is a probe.
func taskOf(op *etree.Element) string {
	task := given(op, "operation")
	if strings.EqualFold(task, "monitor") && once(op) {
		return "probe"
	}
	return task
}

// given is an attribute as the original prints it, where it is missing, too.
func given(op *etree.Element, name string) string { return op.SelectAttrValue(name, "(null)") }

// historyKey is the key of an operation.
func historyKey(op *etree.Element) string {
	if k := op.SelectAttr("operation_key"); k != nil {
		return k.Value
	}
	return op.SelectAttrValue("id", "")
}

// splitKey takes the resource, task and interval out of RSC_TASK_INTERVAL.
func splitKey(key string) (rsc, task string, interval uint32, ok bool) {
	i := strings.LastIndexByte(key, '_')
	if i <= 0 {
		return "", "", 0, false
	}
	ms, err := strconv.ParseUint(key[i+1:], 10, 32)
	if err != nil {
		return "", "", 0, false
	}
	rest := key[:i]
	for _, t := range []string{"migrate_to", "migrate_from"} {
		if r, found := strings.CutSuffix(rest, "_"+t); found && r != "" {
			return r, t, uint32(ms), true
		}
	}
	j := strings.LastIndexByte(rest, '_')
	if j <= 0 {
		return "", "", 0, false
	}
	rsc, task = rest[:j], rest[j+1:]
	if task == "notify" {
		for _, t := range []string{"_post", "_pre", "_confirmed-post", "_confirmed-pre"} {
			if r, found := strings.CutSuffix(rsc, t); found {
				return r, t[1:] + "_notify", uint32(ms), true
			}
		}
	}
	return rsc, task, uint32(ms), true
}

// failures are the failed operations that are shown.
func (v *view) failures() (list []status.FailedOp) {
	for _, f := range v.c.Failures {
		if !v.nodes.hasFold(f.Node.Name) || maskedFailure(f.XML) {
			continue
		}
		rsc, _, _, ok := splitKey(historyKey(f.XML))
		if !ok || !v.only.has(rsc) {
			continue
		}
		list = append(list, f)
	}
	return list
}

// maskedFailure tells whether an operation is a probe that only found that the
// agent cannot run there.
func maskedFailure(op *etree.Element) bool {
	if op.SelectAttrValue("operation", "") != "monitor" || atLeast0(op, "interval") != 0 {
		return false
	}
	rc, _ := status.ParseInt(op.SelectAttrValue("rc-code", "0"))
	st, _ := status.ParseInt(op.SelectAttrValue("op-status", "-2"))
	return rc == 2 || rc == 5 || st == 7
}

var exitTexts = map[int64]string{
	0: "OK", 1: "Error occurred", 2: "Invalid parameter", 3: "Unimplemented", 4: "Insufficient privileges", 5: "Not installed",
	6: "Not configured", 7: "Not running", 8: "Promoted", 9: "Failed in promoted role", 64: "Incorrect usage", 65: "Invalid data given",
	66: "Input file not available", 67: "User does not exist", 68: "Host does not exist", 69: "Necessary service unavailable",
	70: "Internal software bug", 71: "Operating system error occurred", 72: "System file not available", 73: "Cannot create output file",
	74: "I/O error occurred", 75: "Temporary failure, try again", 76: "Protocol violated", 77: "Insufficient privileges", 78: "Invalid configuration",
	100: "Fatal error occurred, will not respawn", 101: "System panic required", 102: "Not connected",
	103: "Update was older than existing configuration", 104: "Digest mismatch", 105: "No such object", 106: "Quorum required",
	107: "Operation not safe", 108: "Requested item already exists", 109: "Multiple items match request", 110: "Requested item has expired",
	111: "Requested item is not yet in effect", 112: "Could not determine status", 113: "Not applicable under current conditions",
	114: "DC is not yet elected", 124: "Timeout occurred", 190: "Service is active but might fail soon", 191: "Service is promoted but might fail soon",
	193: "No exit status available", 255: "Error occurred",
}

// ExitText says what an exit code means.
func ExitText(code int64) string {
	if t, ok := exitTexts[code]; ok {
		return t
	}
	if code > 128 && code < 255 {
		return "Interrupted by signal"
	}
	return "Unknown exit status"
}

var statusTexts = map[int64]string{
	-1: "Pending", 0: "Done", 1: "Cancelled", 2: "Timed out", 3: "Unsupported", 4: "Error", 5: "Hard error", 6: "Fatal error", 7: "Not installed",
	8: "Internal communication failure", 9: "Cannot execute now", 10: "No fence device", 11: "CIB secrets unavailable",
}

func statusText(st int64) string {
	if t, ok := statusTexts[st]; ok {
		return t
	}
	return "Unrecognized status (bug?)"
}

// zoned is a time with its zone.
func zoned(t time.Time) string { return t.Format("2006-01-02 15:04:05Z07:00") }

// micro is a time to the microsecond, with its zone.
func micro(t time.Time) string { return t.Format("2006-01-02 15:04:05.000000Z07:00") }

// ban is a constraint that keeps a resource from a node.
type ban struct {
	*status.Location
	node  *status.Node
	score int
}

// changedAt is when an operation's result last changed, "" if that is not known.
func changedAt(op *etree.Element) string {
	if t, ok := status.ParseInt(op.SelectAttrValue("last-rc-change", "")); ok && t > 0 {
		return stamp(time.Unix(t, 0))
	}
	return ""
}

func (v *view) bans() (list []ban) {
	for _, l := range slices.Backward(v.c.Locations) {
		// what the health of nodes forbids is no constraint of the configuration
		if l.ID == v.c.Options.HealthStrategy || !strings.HasPrefix(l.ID, v.BanPrefix) {
			continue
		}
		if !v.only.has(shownID(l.Resource)) && !v.only.has(shownID(l.Resource.Top(false))) {
			continue
		}
		for _, n := range l.Nodes {
			if n.Score < 0 {
				list = append(list, ban{l, n.Node, n.Score})
			}
		}
	}
	return list
}

// ticketOrder are the tickets in the order in which they are shown.
func (v *view) ticketOrder() (list []*status.Ticket) {
	keys := make([]string, len(v.c.Tickets))
	for i, t := range v.c.Tickets {
		keys[i] = t.ID
	}
	for _, i := range status.HashOrder(keys) {
		list = append(list, v.c.Tickets[i])
	}
	return list
}
