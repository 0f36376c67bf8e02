package lab_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"hacluster/internal/dialect"
	"hacluster/internal/pcs/usage"
)

var pcsVerbs = flag.Bool("pcs-verbs", false, "play every scene of testdata/pcs on hosts (some minutes more)")

var pcsShow = flag.Bool("pcs-show", false, "log what the hosts of scenes answer")

// A scene is a file of testdata/pcs: what is typed on the hosts of one lab, and what has to come of it. A line is
//
//	hosts N            how many hosts there are; the first such line says so
//	always             the scene is played without -pcs-verbs, too
//	needs PATH         the scene is played only where the machine has this file
//	program PATH       this program is taken from the folder that HACLUSTER_ORIGINALS names, where it is there
//	provided COMMAND   the scene is played only where this succeeds on the first host
//	dialect 0.9        this is what the cluster was set up with, on all hosts; from here on
//	lab pause 3        what happens to a host: pause, resume, kill, start, cut, heal
//	1# command         a line for the shell of the first host, as root
//	1? command         the same, again and again until all that follows holds
//
//	long, short        what follows is played with -pcs-verbs only; always
//	only theirs        what follows is played with the original pcs only; ours, both
//
// and below a command, with a tab before it, what follows from it: parts of the output in their order, with an
// exclamation mark before them what must not be in it, and after an arrow the exit code where it is not 0.
type scene struct {
	hosts   int
	always  bool
	needs   []string
	program []string
	provide []string
	actions []action
}

type action struct {
	line  int
	kind  byte // '#', '?', 'd' for dialect, 'l' for lab
	host  string
	text  string
	minor int // the dialect that a command is read in
	long  bool
	only  string // theirs, ours, or "" for both
	code  int
	want  []string
	not   []string
}

var (
	typedLine = regexp.MustCompile(`^(\d)([#?]) (.*)$`)
	setting   = regexp.MustCompile(`PCS_COMPAT=0\.(\d+)`)
)

func readScene(text string) (scene, error) {
	var s scene
	minor, long, only := 11, false, ""
	for i, line := range strings.Split(text, "\n") {
		bad := func() error { return fmt.Errorf("line %d: %q", i+1, line) }
		last := len(s.actions) - 1
		switch m := typedLine.FindStringSubmatch(line); {
		case line == "" || line[0] == '#':
		case line[0] == '\t':
			if last < 0 || s.actions[last].host == "" {
				return s, bad()
			}
			a, part := &s.actions[last], strings.TrimPrefix(line, "\t")
			if code, is := strings.CutPrefix(part, "-> "); is {
				n, err := strconv.Atoi(code)
				if err != nil {
					return s, bad()
				}
				a.code = n
			} else if no, is := strings.CutPrefix(part, "! "); is {
				a.not = append(a.not, no)
			} else {
				a.want = append(a.want, part)
			}
		case m != nil:
			a := action{line: i + 1, kind: m[2][0], host: m[1], text: m[3], minor: minor, long: long, only: only}
			if own := setting.FindStringSubmatch(m[3]); own != nil {
				a.minor, _ = strconv.Atoi(own[1])
			}
			s.actions = append(s.actions, a)
		default:
			word, rest, _ := strings.Cut(line, " ")
			switch word {
			case "hosts":
				n, err := strconv.Atoi(rest)
				if err != nil {
					return s, bad()
				}
				s.hosts = n
			case "always":
				s.always = true
			case "needs":
				s.needs = append(s.needs, rest)
			case "long", "short":
				long = word == "long"
			case "only":
				if only = rest; rest == "both" {
					only = ""
				}
			case "program":
				s.program = append(s.program, rest)
			case "provided":
				s.provide = append(s.provide, rest)
			case "dialect":
				v, err := dialect.Parse(rest)
				if err != nil {
					return s, bad()
				}
				minor = v[1]
				s.actions = append(s.actions, action{line: i + 1, kind: 'd', text: rest})
			case "lab":
				s.actions = append(s.actions, action{line: i + 1, kind: 'l', text: rest})
			default:
				return s, bad()
			}
		}
	}
	if s.hosts == 0 {
		return s, fmt.Errorf("no line says how many hosts")
	}
	return s, nil
}

func scenes(t *testing.T) map[string]scene {
	t.Helper()
	files, err := filepath.Glob("testdata/pcs/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	out := map[string]scene{}
	for _, f := range files {
		out[strings.TrimSuffix(filepath.Base(f), ".txt")] = sceneIn(t, f)
	}
	return out
}

func sceneIn(t *testing.T, file string) scene {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s, err := readScene(string(text))
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return s
}

// sceneLimit is how long one command, and what is awaited, may take on a machine with much to do.
const sceneLimit = 150 * time.Second

// play does what the scene says.
func (b *bench) play(s scene) {
	b.t.Helper()
	for _, a := range s.actions {
		switch a.kind {
		case 'd':
			for h := 1; h <= s.hosts; h++ {
				b.do(strconv.Itoa(h), "sh", "-c", "echo "+a.text+" > /etc/hacluster/dialect")
			}
		case 'l':
			w := strings.Fields(a.text)
			b.clusterd(append([]string{"lab", w[0], "--name", b.name}, w[1:]...)...)
		default:
			a.play(b.t, "", b.try)
		}
	}
}

// play types a command, and again where it awaits something; setting is a line for the shell before it.
func (a action) play(t *testing.T, setting string, try func(host string, argv ...string) (int, string)) {
	t.Helper()
	for begin := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		one := time.Now()
		code, out := try(a.host, "sh", "-c", setting+a.text)
		wrong := a.judge(code, out)
		if *pcsShow && (a.kind == '#' || wrong == "") {
			t.Logf("%s# %s\n%s-> %d (%s)", a.host, a.text, out, code, time.Since(one).Round(time.Millisecond))
		}
		if took := time.Since(one); took > sceneLimit {
			wrong += fmt.Sprintf("it took %s\n", took)
		}
		if wrong == "" {
			return
		}
		if a.kind == '#' {
			t.Errorf("line %d: node%s# %s\n%s%s", a.line, a.host, a.text, wrong, out)
			return
		}
		if time.Since(begin) > sceneLimit {
			t.Fatalf("line %d: node%s# %s\n%s%s", a.line, a.host, a.text, wrong, out)
		}
	}
}

// judge says what is wrong with an answer.
func (a action) judge(code int, out string) string {
	wrong := ""
	if code != a.code {
		wrong += fmt.Sprintf("exit code %d, want %d\n", code, a.code)
	}
	rest := out
	for _, w := range a.want {
		_, after, found := strings.Cut(rest, w)
		if !found {
			wrong += fmt.Sprintf("%q is missing, or not in its place\n", w)
			continue
		}
		rest = after
	}
	for _, n := range a.not {
		if strings.Contains(out, n) {
			wrong += fmt.Sprintf("%q is there\n", n)
		}
	}
	return wrong
}

// TestPcsOnHosts plays the scenes on hosts with real daemons.
func TestPcsOnHosts(t *testing.T) {
	t.Parallel()
	all := scenes(t)
	names := make([]string, 0, len(all))
	for n := range all {
		names = append(names, n)
	}
	slices.Sort(names)
	for _, n := range names {
		t.Run(n, func(t *testing.T) {
			s := all[n]
			if !s.always && !*pcsVerbs {
				t.Skip("only with -pcs-verbs")
			}
			for _, p := range s.needs {
				if _, err := os.Stat(p); err != nil {
					t.Skip(p + " is not on this machine")
				}
			}
			t.Parallel()
			b := up(t, "--hosts", strconv.Itoa(s.hosts))
			for h := 1; h <= s.hosts; h++ {
				b.do(strconv.Itoa(h), "sh", "-c", fmt.Sprintf("echo 0.11 > /etc/hacluster/dialect; systemctl start pcsd; echo hacluster:secret | chpasswd; ip addr add 10.9.0.%d/24 dev eth0", h))
			}
			for _, p := range s.program {
				b.replace(s.hosts, p)
			}
			for _, p := range s.provide {
				if code, out := b.try("1", "sh", "-c", p); code != 0 {
					t.Skipf("on the host, exit code %d: %s\n%s", code, p, out)
				}
			}
			b.play(s)
		})
	}
}

// replace gives the hosts a program that the machine has not, or has too old, out of the folder HACLUSTER_ORIGINALS.
func (b *bench) replace(hosts int, at string) {
	b.t.Helper()
	folder := os.Getenv("HACLUSTER_ORIGINALS")
	if folder == "" {
		return
	}
	text, err := os.ReadFile(filepath.Join(folder, filepath.Base(at)))
	if err != nil {
		return
	}
	for h := 1; h <= hosts; h++ {
		b.feed(strconv.Itoa(h), bytes.NewReader(text), "sh", "-c", "cat > "+at+".new && chmod 755 "+at+".new && mv "+at+".new "+at)
	}
}

var placeholder = regexp.MustCompile(`<[^>]*>`)

var callOfPcs = regexp.MustCompile(`(?:^|[\s"'/;&|(])pcs ([^;&|"'<>()]*)`)

// call is a command line of pcs that a scene types.
type call struct {
	minor int
	words []string // options too
}

// takes tells whether a call is of the form: its generation, its first words, and what else it cannot be without.
func (c call) takes(f usage.Form, all []usage.Form) bool {
	var plain []string
	for _, w := range c.words {
		if !strings.HasPrefix(w, "-") {
			plain = append(plain, w)
		}
	}
	begins := func(f usage.Form) int {
		w := append([]string{f.Section}, f.Words()...)
		if len(plain) < len(w) || !slices.Equal(plain[:len(w)], w) || !f.In(c.minor) {
			return 0
		}
		return len(w)
	}
	n := begins(f)
	if n == 0 || slices.ContainsFunc(all, func(o usage.Form) bool { return begins(o) > n }) {
		return false
	}
	depth := 0
	for _, w := range strings.Fields(placeholder.ReplaceAllString(f.Syntax, "<>"))[n-1:] {
		top := depth == 0 && !strings.HasPrefix(w, "[") && !strings.HasPrefix(w, "(")
		depth += strings.Count(w, "[") + strings.Count(w, "(") - strings.Count(w, "]") - strings.Count(w, ")")
		name, _, value := strings.Cut(w, "=")
		if !top || strings.HasPrefix(w, "<") || strings.HasSuffix(w, ">") && !value || strings.ContainsAny(name, "|<>.") {
			continue
		}
		if !slices.ContainsFunc(c.words, func(word string) bool {
			return word == w || value && strings.HasPrefix(word, name+"=") || strings.HasPrefix(w, "--") && word == name
		}) {
			return false
		}
	}
	return true
}

// TestEveryLiveFormIsPlayed holds the forms of all verbs that reach beyond a document against the scenes: each has to be
// typed in one, in a generation that has it.
func TestEveryLiveFormIsPlayed(t *testing.T) {
	var calls []call
	for _, s := range scenes(t) {
		for _, a := range s.actions {
			for _, m := range callOfPcs.FindAllStringSubmatch(a.text, -1) {
				calls = append(calls, call{a.minor, strings.Fields(m[1])})
			}
		}
	}
	all := usage.Forms()
	played, live := 0, 0
	for _, f := range all {
		if !strings.ContainsAny(f.On, "LP") {
			continue
		}
		live++
		if slices.ContainsFunc(calls, func(c call) bool { return c.takes(f, all) }) {
			played++
			continue
		}
		t.Errorf("no scene types pcs %s %s (%s)", f.Section, f.Syntax, f.Generations())
	}
	t.Logf("%d of %d live forms are played", played, live)
}
