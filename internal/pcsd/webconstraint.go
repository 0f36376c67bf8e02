package pcsd

import (
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// field is a value of a form whose name has keys in brackets: config[KEY]=VALUE, resources[KEY][]=VALUE.
type field struct{ key, value string }

// nested are the fields of a form below a name, by key: numbers first, in their order.
func nested(form url.Values, name string) []field {
	var out []field
	for k, values := range form {
		rest, is := strings.CutPrefix(k, name+"[")
		key, tail, closed := strings.Cut(rest, "]")
		if !is || !closed || tail != "" && tail != "[]" && !strings.HasPrefix(tail, "[") {
			continue
		}
		for _, v := range values {
			out = append(out, field{key, v})
		}
	}
	slices.SortStableFunc(out, func(a, b field) int {
		x, errX := strconv.Atoi(a.key)
		y, errY := strconv.Atoi(b.key)
		switch {
		case errX == nil && errY == nil:
			return x - y
		case errX == nil:
			return -1
		case errY == nil:
			return 1
		}
		return strings.Compare(a.key, b.key)
	})
	return out
}

// added tells how the creation of a constraint went.
func (c *webCall) added(words ...string) answer {
	if res := c.pcs(c.force(), words...); res.Code != 0 {
		return plainBad("Error adding constraint: " + strings.Join(linesOf(res.Stderr), " "))
	}
	return ok("Successfully added constraint")
}

func (c *webCall) addConstraint() answer {
	id, other, score := c.value("res_id"), c.value("target_res_id"), c.value("score")
	kind := c.value("c_type")
	if a := missing(c.request, map[string]string{
		"loc": "res_id node_id", "ord": "res_id target_res_id res_action target_action", "col": "res_id target_res_id", "ticket": "ticket res_id",
	}[kind]); a != nil {
		return *a
	}
	switch kind {
	case "loc":
		node := c.value("node_id")
		if node == "" {
			return plainBad("Error adding constraint: Bad node")
		}
		if score != "" {
			node += "=" + score
		}
		return c.added("constraint", "location", id, "prefers", node)
	case "ord":
		words := []string{c.value("res_action"), id, "then", c.value("target_action"), other}
		if c.value("order") == "before" {
			words = []string{c.value("target_action"), other, "then", c.value("res_action"), id}
		}
		if score != "" {
			words = append(words, "score="+score)
		}
		return c.added(append(append([]string{"constraint", "order"}, words...), "symmetrical")...)
	case "col":
		switch apart := c.value("colocation_type") == "apart"; {
		case apart && score == "":
			score = "-INFINITY"
		case apart && score[0] != '-':
			score = "-" + score
		case score == "":
			score = "INFINITY"
		}
		return c.added("constraint", "colocation", "add", id, "with", other, score)
	case "ticket":
		words := []string{"constraint", "ticket", "add", c.value("ticket")}
		if c.has("role") {
			words = append(words, c.value("role"))
		}
		return c.added(append(append(words, id), lossPolicy(c.value("loss-policy"))...)...)
	}
	return plainBad("Unknown constraint type: " + kind)
}

func lossPolicy(value string) []string {
	if strings.TrimSpace(value) == "" {
		return nil
	}
	return []string{"loss-policy=" + value}
}

var scoreWord = regexp.MustCompile(`^[+-]?(INFINITY|[0-9]+)$`)

func (c *webCall) addRule() answer {
	if c.value("c_type") != "loc" {
		return plainBad("Unknown constraint type: " + c.value("c_type"))
	}
	if a := missing(c.request, "res_id rule"); a != nil {
		return *a
	}
	rule, closed := shellWords(c.value("rule"))
	if !closed {
		return plainBad("Error adding constraint: Unmatched quote in the rule")
	}
	words := []string{"constraint", "location", c.value("res_id"), "rule"}
	if score := c.value("score"); scoreWord.MatchString(strings.ToUpper(score)) {
		words = append(words, "score="+strings.ToUpper(score))
	} else if score != "" {
		words = append(words, "score-attribute="+score)
	}
	return c.added(append(words, rule...)...)
}

// shellWords divides a text as a shell does, quotes and backslashes understood; false is a quote that is not closed.
func shellWords(text string) (words []string, closed bool) {
	var word strings.Builder
	var quote rune
	begun, escaped := false, false
	for _, c := range text {
		switch {
		case escaped:
			if quote == '"' && !strings.ContainsRune("$`\"\\\n", c) {
				word.WriteByte('\\')
			}
			word.WriteRune(c)
			escaped = false
		case c == '\\' && quote != '\'':
			escaped, begun = true, true
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote, begun = c, true
		case quote == 0 && strings.ContainsRune(" \t\r\n", c):
			if begun {
				words = append(words, word.String())
			}
			word.Reset()
			begun = false
		default:
			word.WriteRune(c)
			begun = true
		}
	}
	if begun {
		words = append(words, word.String())
	}
	return words, quote == 0
}

func (c *webCall) addSet() answer {
	kind, known := map[string]string{"ord": "order", "col": "colocation", "ticket": "ticket"}[c.value("c_type")]
	if !known {
		return plainBad("Unknown constraint type: " + c.value("c_type"))
	}
	words := []string{"constraint", kind}
	var options []string
	if kind == "ticket" {
		ticket, loss := "", ""
		for _, o := range nested(c.form, "options") {
			switch o.key {
			case "ticket":
				ticket = o.value
			case "loss-policy":
				loss = o.value
			}
		}
		if ticket == "" {
			return plainBad("Error adding constraint ticket: option ticket missing")
		}
		options = append([]string{"setoptions", "ticket=" + ticket}, lossPolicy(loss)...)
	}
	last := ""
	for i, f := range nested(c.form, "resources") {
		if i == 0 || f.key != last {
			words, last = append(words, "set"), f.key
		}
		words = append(words, f.value)
	}
	if last == "" {
		return plainBad("Required parameters missing: 'resources'")
	}
	return c.added(append(words, options...)...)
}

func (c *webCall) removeConstraint() answer {
	id := c.value("constraint_id")
	switch {
	case !c.has("constraint_id"):
		return plainBad("Bad Constraint Options")
	case c.pcs(nil, "constraint", "remove", id).Code != 0:
		return plainBad("Error removing constraint: " + id)
	}
	return ok("Constraint " + id + " removed")
}

func (c *webCall) removeRule() answer {
	id := c.value("rule_id")
	switch {
	case !c.has("rule_id"):
		return plainBad("Bad Constraint Rule Options")
	case c.pcs(nil, "constraint", "rule", "remove", id).Code != 0:
		return plainBad("Error removing constraint rule: " + id)
	}
	return ok("Constraint rule " + id + " removed")
}
