package session

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/cib/patch"
	"hacluster/cib/schema"
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
	if v := root.SelectAttr("validate-with"); v != nil && !ok && v.Value == "none" {
		// A CIB that is held against no schema has no version that could be raised.
		return nil, report.Items{report.Errorf("unable to get cib, the attribute 'validate-with' of the element 'cib' has an invalid value: '%s'", v.Value)}
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

// Cluster is the running cluster, or the error that there is none.
func (s *Session) Cluster() (live.Cluster, error) {
	if s.World.Cluster == nil {
		return nil, live.ErrNotRunning
	}
	return s.World.Cluster, nil
}
