package rule

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"hacluster/internal/pcs/pattern"
)

// The language of rules that pcs 0.9 and 0.10 read: infix operators with binding powers.
//
//	40  and or
//	50  eq ne lt gt lte gte, in_range … to
//	60  defined not_defined
//	70  string integer version date-spec duration

// tree is a parsed expression. id is an operator, or literal.
type tree struct {
	id    string
	value string
	kids  []*tree
	parts []dateValue // of date-spec and duration
}

type dateValue struct{ name, value string }

const (
	literal = "{literal}"
	end     = "{end}"
)

var (
	comparisons   = []string{"eq", "ne", "lt", "gt", "lte", "gte"}
	ranges        = []string{"eq", "ne", "lt", "gt", "lte", "gte", "in_range"}
	prefixes      = []string{"defined", "not_defined"}
	booleans      = []string{"and", "or"}
	dateItems     = []string{"hours", "monthdays", "weekdays", "yeardays", "months", "weeks", "years", "weekyears", "moon"}
	newerTypes    = []string{"string", "integer", "number", "version"}
	newIntegerRE  = pattern.Late(`^[-+]?\d+$`)
	numberRE      = pattern.Late(`^[-+]?(\d+|(\d*\.\d+)|(\d+\.\d*))([eE][+-]?\d+)?$`)
	integerRE     = pattern.Late(`^-?\d+$`)
	versionRE     = pattern.Late(`^\d+(\.\d+)*$`)
	datePartRE    = pattern.Late(`^(\d+)(-(\d+))?$`)
	datePartLimit = map[string][2]int{
		"hours": {0, 23}, "monthdays": {0, 31}, "weekdays": {1, 7}, "yeardays": {1, 366}, "months": {1, 12},
		"weeks": {1, 53}, "weekyears": {1, 53}, "moon": {0, 7},
	}
)

// errEnd is a rule that ends too early.
var errEnd = errors.New("unexpected end of rule")

// errShape is a rule whose parts do not fit, without more words.
var errShape = errors.New("")

func power(id string) int {
	switch {
	case slices.Contains(booleans, id):
		return 40
	case slices.Contains(ranges, id):
		return 50
	case slices.Contains(prefixes, id):
		return 60
	case slices.Contains(newerTypes, id), id == "date-spec", id == "duration":
		return 70
	}
	return 0
}

func (p *parser) isSymbol(word string) bool {
	if word == "number" && !p.newer {
		return false
	}
	return power(word) > 0 || word == "(" || word == ")" || word == "to"
}

func isType(id string) bool {
	return slices.Contains(newerTypes, id) || id == "date-spec" || id == "duration"
}

type parser struct {
	symbols []*tree
	at      int
	isDate  func(string) bool
	depth   int
	// newer is the language of 0.11: numbers, no more dates in the oldest form.
	newer bool
	// deprecated is told of what goes away.
	deprecated func(option, kind string)
}

// label is how a symbol is called in a complaint.
func (t *tree) label() string {
	switch t.id {
	case literal:
		return t.value
	case end:
		return "end"
	}
	return t.id
}

func (p *parser) parse(words []string) (*tree, error) {
	words = joinDates(parentheses(words), p.newer)
	if !p.newer {
		words = legacyDates(words)
	}
	for _, w := range words {
		t := &tree{id: literal, value: w}
		if p.isSymbol(w) && (len(p.symbols) == 0 || !isType(p.symbols[len(p.symbols)-1].id)) {
			t = &tree{id: w}
		}
		p.symbols = append(p.symbols, t)
	}
	p.symbols = append(p.symbols, &tree{id: end})
	p.at = 0
	t, err := p.expression(0)
	if err != nil {
		return nil, err
	}
	if s := p.symbols[p.at]; s.id != end {
		return nil, fmt.Errorf("unexpected '%s'", s.label())
	}
	if t.id == literal || t.id == end || isType(t.id) && t.id != "date-spec" {
		return nil, fmt.Errorf("missing one of '%s'", strings.Join(append(append(slices.Clone(ranges), prefixes...), "date-spec"), "', '"))
	}
	return t, nil
}

func (p *parser) advance(expected string) error {
	cur := p.symbols[p.at]
	if expected != "" && cur.id != expected {
		if cur.id == end {
			return fmt.Errorf("missing '%s'", expected)
		}
		return fmt.Errorf("expecting '%s', got '%s'", expected, cur.label())
	}
	if p.at++; p.at >= len(p.symbols) {
		p.at = len(p.symbols) - 1
		return errEnd
	}
	return nil
}

func (p *parser) expression(right int) (*tree, error) {
	if p.depth++; p.depth > 200 {
		return nil, errors.New("too deep")
	}
	defer func() { p.depth-- }()
	symbol := p.symbols[p.at]
	if err := p.advance(""); err != nil {
		return nil, err
	}
	left, err := p.prefix(symbol)
	if err != nil {
		return nil, err
	}
	for right < power(p.symbols[p.at].id) {
		symbol = p.symbols[p.at]
		if err := p.advance(""); err != nil {
			return nil, err
		}
		if left, err = p.infix(symbol, left); err != nil {
			return nil, err
		}
	}
	return left, nil
}

// prefix is a symbol at the beginning of an expression.
func (p *parser) prefix(s *tree) (*tree, error) {
	switch {
	case s.id == literal || s.id == end:
		return s, nil
	case s.id == "(":
		t, err := p.expression(0)
		if err != nil {
			return nil, err
		}
		return t, p.advance(")")
	case slices.Contains(prefixes, s.id):
		t, err := p.expression(60)
		if err != nil {
			return nil, err
		}
		if t.id != literal {
			return nil, fmt.Errorf("unexpected '%s' after '%s'", t.label(), s.id)
		}
		s.kids = append(s.kids, t)
		return s, nil
	case slices.Contains(newerTypes, s.id):
		t, err := p.expression(70)
		if err != nil {
			return nil, err
		}
		integer := integerRE
		if p.newer {
			integer = newIntegerRE
		}
		if s.id == "integer" && !integer().MatchString(t.value) || s.id == "version" && !versionRE().MatchString(t.value) || s.id == "number" && !numberRE().MatchString(t.value) {
			return nil, fmt.Errorf("invalid %s value '%s'", s.id, t.value)
		}
		s.kids = append(s.kids, t)
		return s, nil
	case s.id == "date-spec" || s.id == "duration":
		t, err := p.expression(70)
		if err != nil {
			return nil, err
		}
		if s.parts, err = p.dateParts(t.value, s.id); err != nil {
			return nil, err
		}
		s.kids = append(s.kids, t)
		return s, nil
	}
	return nil, fmt.Errorf("unexpected '%s'", s.label())
}

// infix is a symbol behind an expression.
func (p *parser) infix(s, left *tree) (*tree, error) {
	before := func(ok bool) error {
		if !ok {
			return fmt.Errorf("unexpected '%s' before '%s'", left.label(), s.id)
		}
		return nil
	}
	operand := func(t *tree) bool {
		return slices.Contains(ranges, t.id) || slices.Contains(prefixes, t.id) || t.id == "date-spec" || slices.Contains(booleans, t.id)
	}
	switch {
	case slices.Contains(booleans, s.id), slices.Contains(comparisons, s.id):
		boolean := slices.Contains(booleans, s.id)
		if err := before(boolean && operand(left) || !boolean && left.id == literal); err != nil {
			return nil, err
		}
		right, err := p.expression(power(s.id))
		if err != nil {
			return nil, err
		}
		if boolean && !operand(right) || !boolean && right.id != literal && !slices.Contains(newerTypes, right.id) {
			return nil, fmt.Errorf("unexpected '%s' after '%s'", right.label(), s.id)
		}
		s.kids = []*tree{left, right}
		return s, nil
	case s.id == "in_range":
		if err := before(left.id == literal && left.value == "date"); err != nil {
			return nil, err
		}
		from, err := p.expression(50)
		if err != nil {
			return nil, err
		}
		if from.id != literal {
			return nil, fmt.Errorf("unexpected '%s' after '%s'", from.label(), s.id)
		}
		if err := p.advance("to"); err != nil {
			return nil, err
		}
		to, err := p.expression(50)
		if err != nil {
			return nil, err
		}
		if to.id != literal && to.id != "duration" {
			return nil, fmt.Errorf("unexpected '%s' after 'in_range ... to'", to.label())
		}
		for _, t := range []*tree{from, to} {
			if t.id == literal && !p.isDate(t.value) {
				return nil, fmt.Errorf("invalid date '%s' in 'in_range ... to'", t.value)
			}
		}
		s.kids = []*tree{left, from, to}
		return s, nil
	}
	return nil, fmt.Errorf("unexpected '%s' after '%s'", s.label(), left.label())
}

func acceptsDatePart(word string) bool {
	name, _, _ := strings.Cut(word, "=")
	return slices.Contains(dateItems, name)
}

var goingParts = map[string][]string{"date-spec": {"moon"}, "duration": {"monthdays", "weekdays", "weekyears", "yearsdays", "moon"}}

func (p *parser) dateParts(text, keyword string) ([]dateValue, error) {
	var out []dateValue
	for _, part := range strings.Fields(text) {
		if !acceptsDatePart(part) {
			return nil, fmt.Errorf("unexpected '%s' in %s", part, keyword)
		}
		name, value, ok := strings.Cut(part, "=")
		if !ok {
			return nil, fmt.Errorf("missing =value after '%s' in %s", part, keyword)
		}
		if value == "" {
			return nil, fmt.Errorf("missing value after '%s' in %s", part, keyword)
		}
		if i := slices.IndexFunc(out, func(d dateValue) bool { return d.name == name }); i >= 0 {
			out[i].value = value
			continue
		}
		out = append(out, dateValue{name, value})
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("missing one of '%s=' in %s", strings.Join(dateItems, "=', '"), keyword)
	}
	for _, d := range out {
		ok := keyword == "duration" && isDigits(d.value) || keyword == "date-spec" && validDatePart(d.name, d.value)
		if !ok {
			return nil, fmt.Errorf("invalid %s '%s' in '%s'", d.name, d.value, keyword)
		}
		if p.deprecated != nil && slices.Contains(goingParts[keyword], d.name) {
			p.deprecated(d.name, keyword)
		}
	}
	return out, nil
}

func isDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

func validDatePart(name, value string) bool {
	m := datePartRE().FindStringSubmatch(value)
	if m == nil {
		return false
	}
	since, err := strconv.Atoi(m[1])
	if err != nil {
		return false
	}
	if l, ok := datePartLimit[name]; ok && (since < l[0] || since > l[1]) {
		return false
	}
	if m[3] != "" {
		until, err := strconv.Atoi(m[3])
		return err == nil && since < until
	}
	return true
}

// parentheses takes parentheses apart from the words that they stand at.
func parentheses(words []string) []string {
	var out []string
	for _, w := range words {
		if !strings.ContainsAny(w, "()") {
			out = append(out, w)
			continue
		}
		part := ""
		for _, r := range w {
			if r == '(' || r == ')' {
				if part != "" {
					out = append(out, part)
					part = ""
				}
				out = append(out, string(r))
			} else {
				part += string(r)
			}
		}
		if part != "" {
			out = append(out, part)
		}
	}
	return out
}

// joinDates joins the words of date-spec and duration to one.
func joinDates(words []string, newer bool) []string {
	var out, parts []string
	flush := func() {
		if len(parts) > 0 {
			out = append(out, parts[0])
			if len(parts) > 1 {
				out = append(out, strings.Join(parts[1:], " "))
			}
		}
		parts = nil
	}
	for _, w := range words {
		switch {
		case parts != nil && acceptsDatePart(w):
			parts = append(parts, w)
		case !newer && parts != nil && w == "operation=date_spec" && parts[0] == "date-spec":
		case parts != nil:
			flush()
			out = append(out, w)
		case w == "date-spec" || w == "duration":
			parts = []string{w}
		default:
			out = append(out, w)
		}
	}
	flush()
	return out
}

// legacyDates turns the oldest form of dates (date start=… gt) into the newer.
func legacyDates(words []string) []string {
	var out, parts []string
	start, stop := "", ""
	for _, w := range words {
		if parts == nil {
			if w == "date" {
				parts = []string{w}
			} else {
				out = append(out, w)
			}
			continue
		}
		parts = append(parts, w)
		if v, ok := strings.CutPrefix(w, "start="); ok {
			start = v
			continue
		}
		if v, ok := strings.CutPrefix(w, "end="); ok {
			stop = v
			continue
		}
		switch {
		case w == "gt" && start != "" && stop == "":
			out = append(out, "date", "gt", start)
		case w == "lt" && start == "" && stop != "":
			out = append(out, "date", "lt", stop)
		case w == "in_range" && start != "" && stop != "":
			out = append(out, "date", "in_range", start, "to", stop)
		default:
			out = append(out, parts...)
		}
		parts, start, stop = nil, "", ""
	}
	return append(out, parts...)
}
