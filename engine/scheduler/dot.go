package scheduler

import (
	"strconv"
	"strings"

	"hacluster/engine/status"
)

// Dot draws the plan in the language of Graphviz. all adds the actions that
// are not needed; ids adds the numbers of actions.
func (r *Result) Dot(all, ids bool) []byte {
	if all && r.optional != nil {
		r.optional()
		r.optional = nil
	}
	b := make([]byte, 0, 128*len(r.Actions)+64)
	b = append(b, " digraph \"g\" {\n"...)
	drawn := make([]bool, len(r.Actions)+1)
	names := make([]string, len(r.Actions)+1)
	for i := len(r.Actions) - 1; i >= 0; i-- {
		a := r.Actions[i]
		names[a.ID] = dotName(a, ids)
		style, color, font := "dashed", "red", "black"
		if a.Has(status.Pseudo) {
			font = "orange"
		}
		switch {
		case a.Has(status.InGraph):
			style, color = "bold", "green"
		case a.Resource != nil && !a.Resource.Has(status.Managed):
			font = "purple"
			if !all {
				continue
			}
		case a.Has(status.Optional):
			color = "blue"
			if !all {
				continue
			}
		}
		drawn[a.ID] = true
		b = append(b, '"')
		b = append(b, names[a.ID]...)
		b = append(b, `" [ style=`...)
		b = append(b, style...)
		b = append(b, ` color="`...)
		b = append(b, color...)
		b = append(b, `" fontcolor="`...)
		b = append(b, font...)
		b = append(b, "\"]\n"...)
	}
	for i := len(r.Actions) - 1; i >= 0; i-- {
		a := r.Actions[i]
		for _, w := range a.Before {
			style, show := "dashed", all
			switch {
			case w.Written:
				style, show = "bold", true
			case w.Kinds == 0:
				continue
			case drawn[w.Action.ID] && drawn[a.ID] && w.Kinds != status.Load:
				show = true
			}
			if !show {
				continue
			}
			b = append(b, '"')
			b = append(b, names[w.Action.ID]...)
			b = append(b, `" -> "`...)
			b = append(b, names[a.ID]...)
			b = append(b, `" [ style = `...)
			b = append(b, style...)
			b = append(b, "]\n"...)
		}
	}
	return append(b, "}\n"...)
}

// dotName is an action's name in a drawing.
func dotName(a *Action, ids bool) string {
	var b strings.Builder
	node := "<none>"
	switch {
	case a.Node != nil:
		node = a.Node.Name
	case a.Has(status.Pseudo):
		node = ""
	}
	cancel := ""
	if a.Cancels != "" {
		cancel = "Cancel "
	}
	switch {
	case a.Resource != nil && a.Resource.HistoryID != "":
		key := ""
		id := a.Resource.HistoryID
		if a.Task == "notify" || a.Task == "notified" {
			key = id + "_" + a.Meta.Value("notify_key_type") + "_notify_" + a.Meta.Value("notify_key_operation") + "_0"
		} else {
			task := a.Task
			if a.Cancels != "" {
				task = a.Cancels
			}
			ms, _ := status.ParseInt(a.Meta.Value("interval"))
			key = status.OpKey(id, task, uint32(ms))
		}
		b.WriteString(cancel + key)
		if node != "" {
			b.WriteString(" " + node)
		}
	case a.Task == "stonith":
		b.WriteString("stonith '" + a.Meta.Value("stonith_action") + "' " + node)
	case a.Resource != nil && node != "":
		b.WriteString(cancel + a.KeyText() + " " + node)
	case a.Resource == nil && node != "":
		b.WriteString(a.Task + " " + node)
	case a.Resource != nil:
		b.WriteString(a.KeyText())
	default:
		b.WriteString(a.Key)
	}
	if ids {
		b.WriteString(" (" + strconv.Itoa(a.ID) + ")")
	}
	return b.String()
}
