package session

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/cib/patch"
	"hacluster/cib/schema"
	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/live"
	"hacluster/internal/pcs/report"
)

// cibState is the CIB as it was read last.
type cibState struct {
	text []byte
	// held: text is a file's CIB with its schema raised, which the file gets when the command succeeds.
	held bool
}

// emptyCIB is what -f begins with when the file does not exist.
const emptyCIB = `<cib admin_epoch="0" epoch="1" num_updates="1" validate-with="pacemaker-%s"><configuration><crm_config/><nodes/><resources/><constraints/></configuration><status/></cib>`

// EmptyCIB is a CIB without anything in it.
func (s *Session) EmptyCIB() []byte {
	schema := "3.1"
	if s.Legacy() {
		schema = "1.2"
	}
	root, _ := doc.Parse([]byte(strings.Replace(emptyCIB, "%s", schema, 1)))
	return append([]byte(`<?xml version="1.0" encoding="UTF-8"?>`+"\n"), doc.Format(root)...)
}

// readCIB gives the text of the CIB that the verb works on.
func (s *Session) readCIB() ([]byte, error) {
	if s.cib.held {
		return s.cib.text, nil
	}
	if file, ok := s.File(); ok {
		data, err := os.ReadFile(file)
		if errors.Is(err, os.ErrNotExist) {
			data = s.EmptyCIB()
			if err := os.WriteFile(file, data, 0o644); err != nil {
				return nil, report.Fatalf("Unable to write to file: '%s': '%s'", file, Reason(err))
			}
			return data, nil
		}
		if err != nil {
			return nil, report.Fatalf("Unable to read file: '%s': '%s'", file, Reason(err))
		}
		return data, nil
	}
	if s.World.Cluster == nil {
		return nil, s.noCIB("Could not connect to the CIB: Transport endpoint is not connected")
	}
	data, err := s.World.Cluster.Query(s.Ctx)
	if errors.Is(err, live.ErrNotRunning) {
		return nil, s.noCIB("Could not connect to the CIB: Transport endpoint is not connected")
	}
	if err != nil {
		return nil, s.noCIB(err.Error())
	}
	return data, nil
}

func (s *Session) noCIB(reason string) error {
	if s.Legacy() {
		return report.Fatal("unable to get cib")
	}
	return report.Fatal("unable to get cib")
}

// LibCIB is CIB for commands whose original tells why the CIB cannot be had.
func (s *Session) LibCIB() (*etree.Element, error) { return s.CIB() }

// CIB reads the CIB as a tree that the verb may edit and Push.
func (s *Session) CIB() (*etree.Element, error) {
	data, err := s.readCIB()
	if err != nil {
		return nil, err
	}
	s.cib.text = data
	root, err := s.cib.parse()
	if err != nil || root.Tag != "cib" || !s.Live() && len(invalid(root)) > 0 {
		return nil, report.Fatal("unable to get cib")
	}
	return root, nil
}

// parse is the CIB as a tree. A missing status is added, as Pacemaker does to a file.
func (c cibState) parse() (*etree.Element, error) {
	root, err := doc.Parse(c.text)
	if err == nil && root.Tag == "cib" && doc.Child(root, "status") == nil {
		root.CreateElement("status")
	}
	return root, err
}

// invalid gives what a CIB violates in the schema that it declares. The running cluster
// refuses such a document itself; one in a file is held against the schema here.
func invalid(root *etree.Element) []schema.Problem {
	return schema.Validate(root, doc.Attr(root, "validate-with"))
}

// Push stores an edited CIB. Nothing is written when nothing changed.
func (s *Session) Push(root *etree.Element) error { return s.push(root, false) }

// PushStep is Push for a step after which the command can yet fail: a file gets the change when
// the command has succeeded.
func (s *Session) PushStep(root *etree.Element) error { return s.push(root, true) }

func (s *Session) push(root *etree.Element, hold bool) error {
	old, err := s.cib.parse()
	if err != nil {
		return err
	}
	s.warnOfFullPush(old)
	if patch.Same(old, root) {
		return nil
	}
	if file, ok := s.File(); ok {
		bump(old, root)
		if problems := invalid(root); len(problems) > 0 {
			return refused(problems)
		}
		text := doc.Format(root)
		if bytes.HasPrefix(s.cib.text, []byte("<?xml")) {
			text = append([]byte(`<?xml version="1.0" encoding="UTF-8"?>`+"\n"), text...)
		}
		if hold {
			s.cib = cibState{text: text, held: true}
			return nil
		}
		return s.writeCIB(file, text)
	}
	if s.World.Cluster == nil {
		return s.noCIB("")
	}
	if err := s.World.Cluster.Replace(s.Ctx, doc.Format(doc.Configuration(root))); err != nil {
		return notTaken(err.Error())
	}
	s.cib.text = doc.Format(root)
	return nil
}

// writeCIB writes the file that the verb works on.
func (s *Session) writeCIB(file string, text []byte) error {
	if err := writeInPlace(file, text); err != nil {
		return report.Fatalf("Unable to write to file: '%s': '%s'", file, Reason(err))
	}
	s.cib = cibState{text: text}
	return nil
}

// Settle writes what waited for the command to succeed.
func (s *Session) Settle() error {
	file, ok := s.File()
	if !ok || !s.cib.held {
		return nil
	}
	return s.writeCIB(file, s.cib.text)
}

// refused is the answer to an edit that would leave a CIB that its schema does not allow:
// Pacemaker's words, and below them what is wrong.
func refused(problems []schema.Problem) error {
	text := "cibadmin: CIB API call failed: " + cib.SchemaValidation.String() + "\n"
	for _, p := range problems[:min(len(problems), 3)] {
		text += "\n" + p.Text
	}
	return notTaken(text)
}

// ErrNotTaken is an edit that the cluster, or the schema, does not take.
var ErrNotTaken = errors.New("the edit is not taken")

func notTaken(why string) error {
	return errors.Join(ErrNotTaken, report.Fatal("Unable to update cib\n"+why))
}

// bump counts the version on as Pacemaker does for a change that it did not number itself.
func bump(old, root *etree.Element) {
	oc, nc := doc.Child(old, "configuration"), doc.Child(root, "configuration")
	if oc != nil && nc != nil && patch.Same(oc, nc) && doc.Attr(old, "validate-with") == doc.Attr(root, "validate-with") {
		n, _ := strconv.Atoi(doc.Attr(old, "num_updates"))
		doc.Set(root, "num_updates", strconv.Itoa(n+1))
		return
	}
	n, _ := strconv.Atoi(doc.Attr(old, "epoch"))
	doc.Set(root, "epoch", strconv.Itoa(n+1))
	doc.Set(root, "num_updates", "0")
}

// writeInPlace writes a file and keeps its mode and owner.
func writeInPlace(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	if _, err := f.Write(data); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// Edit reads the CIB, lets f change it and stores it.
func (s *Session) Edit(f func(root *etree.Element) error) error {
	root, err := s.CIB()
	if err != nil {
		return err
	}
	if err := f(root); err != nil {
		return err
	}
	return s.Push(root)
}

// Reason is why a file could not be used, without the path.
func Reason(err error) string {
	var pe *os.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	text := err.Error()
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// Errno is why a file could not be used, the way that Python tells it.
func Errno(err error, path string) string {
	if n := syscall.Errno(0); errors.As(err, &n) {
		return fmt.Sprintf("[Errno %d] %s: '%s'", int(n), Reason(err), path)
	}
	return Reason(err)
}

// Seconds reads a time as pcs does: 10, 10s, 2m, 2min, 1h, 1hr.
func Seconds(text string) (int, bool) {
	if n, ok := argv.PythonInt(text); ok {
		return int(n), n >= 0
	}
	for _, u := range []struct {
		suffix string
		factor int
	}{{"s", 1}, {"sec", 1}, {"m", 60}, {"min", 60}, {"h", 3600}, {"hr", 3600}} {
		if rest, ok := strings.CutSuffix(text, u.suffix); ok {
			if n, ok := digits(rest); ok {
				return n * u.factor, true
			}
		}
	}
	return 0, false
}

func digits(text string) (int, bool) {
	if text == "" {
		return 0, false
	}
	for _, r := range text {
		if r < '0' || r > '9' {
			return 0, false
		}
	}
	n, err := strconv.Atoi(text)
	return n, err == nil
}

// WaitPlan is what --wait asks for.
type WaitPlan struct {
	Given   bool
	Timeout time.Duration // 0: the default
	seconds int
}

// WaitSeconds is a plan to wait so long at most; 0 is as long as it takes.
func WaitSeconds(n int) WaitPlan {
	return WaitPlan{Given: true, seconds: n, Timeout: time.Duration(n) * time.Second}
}

// waitFades warns of --wait where 0.12 would have another command wait: with resources, and remote and guest nodes.
func (s *Session) waitFades() {
	if s.Minor() < 12 || len(s.Command) == 0 || !slices.Contains([]string{"resource", "stonith", "cluster"}, s.Command[0]) || slices.Contains(s.Command, "cib-push") {
		return
	}
	s.Deprecated("Using '--wait' is deprecated. Instead, use the 'pcs status wait' command to wait for the cluster to settle into stable state. Use the 'pcs status query resource' commands to verify that the resource is in the expected state after the wait.")
}

// PlanWait checks --wait before anything is done: it needs the running cluster and a time.
func (s *Session) PlanWait() (WaitPlan, error) {
	v, given := s.Opts.Wait()
	if !given {
		return WaitPlan{}, nil
	}
	s.waitFades()
	p := WaitPlan{Given: true}
	notLive := report.Items{report.Errorf("Cannot use '-f' together with '--wait'")}
	if !s.Live() && s.Legacy() {
		return p, notLive // 0.9 asks for this first
	}
	if v != nil {
		n, ok := Seconds(*v)
		if !ok {
			return p, report.Items{report.Errorf("'%s' is not a valid number of seconds to wait", *v)}
		}
		p.seconds, p.Timeout = n, time.Duration(n)*time.Second
	}
	if !s.Live() {
		return p, notLive
	}
	return p, nil
}

// PlanWait09 is PlanWait in the words of 0.9's older verbs.
func (s *Session) PlanWait09() (WaitPlan, error) {
	v, given := s.Opts.Wait()
	if !given {
		return WaitPlan{}, nil
	}
	if !s.Live() {
		return WaitPlan{}, report.Fatal("Cannot use '-f' together with '--wait'")
	}
	p := WaitPlan{Given: true}
	if v != nil {
		n, ok := Seconds(*v)
		if !ok {
			return p, report.Fatalf("%s is not a valid number of seconds to wait", *v)
		}
		p.seconds, p.Timeout = n, time.Duration(n)*time.Second
	}
	return p, nil
}

// Idle waits until the cluster has nothing left to do, when the plan says so.
func (s *Session) Idle(p WaitPlan) error {
	if !p.Given || !s.Live() {
		return nil
	}
	if s.Minor() >= 11 {
		text := "Waiting for the cluster to apply configuration changes"
		if p.seconds > 0 {
			text += " (timeout: " + strconv.Itoa(p.seconds) + " " + report.Plural(p.seconds, "second", "seconds") + ")"
		}
		s.Out.Info(text + "...")
	}
	err := live.ErrNotRunning
	if s.World.Cluster != nil {
		err = s.World.Cluster.Wait(s.Ctx, p.Timeout)
	}
	if errors.Is(err, live.ErrNotRunning) && s.Minor() >= 10 {
		return report.Items{report.Errorf("crm_resource: Could not connect to the CIB: Transport endpoint is not connected\nError performing operation: Not connected")}
	}
	if errors.Is(err, live.ErrTimeout) {
		return report.Items{report.Errorf("waiting timeout\n\n%s", strings.TrimSpace(err.Error()))}
	}
	if err != nil {
		return report.Items{report.Errorf("%s", err)}
	}
	return nil
}

// ReadAll reads standard input to its end.
func (s *Session) ReadAll() ([]byte, error) { return io.ReadAll(s.Env.Stdin) }

// CIBAtLeast reads the CIB, its schema raised to the newest where it is older than need.
func (s *Session) CIBAtLeast(need [3]int) (*etree.Element, error) {
	return s.cibAtLeast(need, "CIB has been upgraded to the latest schema version.", func() error { return s.raise(true) })
}

// OldCIBAtLeast is CIBAtLeast for commands that did not change since 0.9: their words are
// others, and a file keeps its raised schema when the command fails later on.
func (s *Session) OldCIBAtLeast(need [3]int) (*etree.Element, error) {
	return s.cibAtLeast(need, "Cluster CIB has been upgraded to latest version", s.UpgradeCIB)
}

func (s *Session) cibAtLeast(need [3]int, done string, raise func() error) (*etree.Element, error) {
	root, err := s.CIB()
	if err != nil {
		return nil, err
	}
	have, ok := doc.SchemaVersion(root)
	if need == [3]int{} || ok && doc.AtLeast(have, need) {
		return root, nil
	}
	if root, err = s.upgrade(need, raise); err == nil {
		s.Out.Info(done)
	}
	return root, err
}

// upgrade raises the schema of the CIB that the verb works on.
func (s *Session) upgrade(need [3]int, raise func() error) (*etree.Element, error) {
	if s.Live() && s.World.Cluster == nil {
		return nil, s.noCIB("")
	}
	if err := raise(); err != nil && cib.CodeOf(err) != cib.SchemaUnchanged {
		return nil, report.Fatalf("unable to upgrade cluster: %s", err)
	}
	root, err := s.CIB()
	if err != nil {
		return nil, err
	}
	have, _ := doc.SchemaVersion(root)
	if !doc.AtLeast(have, need) {
		text := func(v [3]int) string {
			if v[2] != 0 || s.Legacy() {
				return strconv.Itoa(v[0]) + "." + strconv.Itoa(v[1]) + "." + strconv.Itoa(v[2])
			}
			return strconv.Itoa(v[0]) + "." + strconv.Itoa(v[1])
		}
		return nil, report.Items{report.Errorf("Unable to upgrade CIB to required schema version %s or higher. Current version is %s. Newer version of pacemaker is needed.", text(need), text(have))}
	}
	return root, nil
}

func parseCIB(data []byte) (*etree.Element, error) { return doc.Parse(data) }
