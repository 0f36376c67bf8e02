package cluster

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/cib/patch"
	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/pattern"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
)

// scopes are the parts of a CIB that can be shown and pushed by themselves.
func scopes(s *session.Session) []string {
	if s.Legacy() {
		return []string{"configuration", "nodes", "resources", "constraints", "crm_config", "rsc_defaults", "op_defaults", "status"}
	}
	return []string{"acls", "alerts", "configuration", "constraints", "crm_config", "fencing-topology", "nodes", "op_defaults", "resources", "rsc_defaults", "tags"}
}

// cibWords reads [FILE] [scope=SCOPE | --config] and, for pushing, [diff-against=FILE].
func cibWords(s *session.Session, args []string, push bool) (file, scope, against string, err error) {
	if len(args) > 2 {
		return "", "", "", argv.Usage()
	}
	config := s.Opts.Has("--config")
	for _, a := range args {
		name, value, ok := strings.Cut(a, "=")
		switch {
		case !ok:
			file = a
		case name == "scope" && config && push:
			return "", "", "", report.Fatal("Cannot use both scope and --config")
		case name == "scope" && !config:
			if !slices.Contains(scopes(s), value) {
				return "", "", "", report.Fatalf("invalid CIB scope '%s'", value)
			}
			scope = value
		case name == "diff-against" && push:
			against = value
		default:
			return "", "", "", argv.Usage()
		}
	}
	if config {
		scope = "configuration"
	}
	return file, scope, against, nil
}

// CIB is `cluster cib`: it shows the CIB or saves it to a file.
func CIB(s *session.Session, args []string) error {
	if err := s.Only("--config", "-f"); err != nil {
		return err
	}
	file, scope, _, err := cibWords(s, args, false)
	if err != nil {
		return err
	}
	text, err := cibText(s, scope)
	if err != nil {
		return err
	}
	if file == "" {
		s.Out.Print(strings.TrimRight(text, "\n"))
		return nil
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		return report.Fatalf("Unable to write to file '%s', %s", file, session.Reason(err))
	}
	return nil
}

func cibText(s *session.Session, scope string) (string, error) {
	root, err := s.CIB()
	if err != nil {
		return "", err
	}
	if doc.Is(root, "cib") && cib.Section(root, "status") == nil {
		root.CreateElement("status")
	}
	el := root
	if scope != "" {
		if el = cib.Section(root, scope); el == nil {
			return "", report.Fatalf("unable to get cib, scope '%s' not present in cib", scope)
		}
	}
	return string(doc.Format(el)), nil
}

// CIBPush is `cluster cib-push`.
func CIBPush(s *session.Session, args []string) error {
	if err := s.Only("--wait", "--config", "-f"); err != nil {
		return err
	}
	if len(args) > 2 {
		return argv.Usage()
	}
	var plan session.WaitPlan
	var err error
	// since 0.10, only a time to wait makes it look whether there is a cluster to wait for
	if v, _ := s.Opts.Wait(); s.Live() || s.Legacy() || v != nil {
		if plan, err = s.PlanWait09(); err != nil {
			return err
		}
	}
	file, scope, against, err := cibWords(s, args, true)
	if err != nil {
		return err
	}
	if against != "" && scope != "" {
		return report.Fatal("Cannot use both scope and diff-against")
	}
	if file == "" {
		return argv.Usage()
	}
	fresh, err := readCIBFile(file)
	if err != nil {
		return report.Fatalf("unable to parse new cib: %s", err)
	}
	if scope != "" && !doc.Is(fresh, scope) && len(doc.All(fresh, scope)) == 0 {
		return report.Fatalf("unable to push cib, scope '%s' not present in new cib", scope)
	}
	if against != "" {
		done, err := pushDiff(s, fresh, against)
		if done || err != nil {
			return err
		}
	} else {
		section := fresh
		if scope != "" && !doc.Is(fresh, scope) {
			section = doc.All(fresh, scope)[0]
		}
		if err := s.ReplaceCIB(section, scope); err != nil {
			if e := cib.CodeOf(err); e == cib.OldData && !s.Legacy() {
				return report.Fatal("Unable to push to the CIB because pushed configuration is older than existing one. If you are sure you want to push this configuration, try to use --config to replace only configuration part instead of whole CIB. Otherwise get current configuration by running command 'pcs cluster cib' and update that.")
			}
			return report.Fatalf("unable to push cib\n%s", err)
		}
	}
	s.Out.Info("CIB updated")
	return s.Idle(plan)
}

func readCIBFile(path string) (*etree.Element, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, errors.New(session.Errno(err, path))
	}
	root, err := doc.Parse(data)
	if err != nil {
		return nil, errors.New(session.ExpatReason(data, err))
	}
	return root, nil
}

var featureSet = pattern.Late(`^\d+\.\d+(\.\d+)?$`)

// pushDiff applies what changed from the CIB in the file against to fresh; done is true when nothing did.
func pushDiff(s *session.Session, fresh *etree.Element, against string) (done bool, err error) {
	old, err := readCIBFile(against)
	switch {
	case err != nil && s.Legacy():
		return true, report.Fatalf("unable to parse original cib: %s", err)
	case err != nil: // what crm_diff says, which ends a line
		return true, report.Fatal("unable to diff the CIBs:\ncrm_diff: Failed to parse original XML\n")
	}
	if s.Legacy() {
		bad := func(why string) error {
			return report.Fatalf("unable to diff against original cib '%s': %s", against, why)
		}
		set := doc.Attr(old, "crm_feature_set")
		switch {
		case !doc.Is(old, "cib"):
			return true, bad("there is not exactly one 'cib' element")
		case set == "":
			return true, bad("the 'cib' element is missing 'crm_feature_set' value")
		case !featureSet().MatchString(set):
			return true, bad("the attribute 'crm_feature_set' of the element 'cib' has an invalid value: '" + set + "'")
		case !session.TakesDiffs(set):
			return true, bad("the 'crm_feature_set' version is '" + set + "' but at least version '3.0.9' is required")
		}
	}
	diff := patch.Diff(old, fresh, patch.NoVersions)
	if diff == nil {
		s.Out.Info("The new CIB is the same as the original CIB, nothing to push.")
		return true, nil
	}
	if err := s.PatchCIB(diff); err != nil {
		return true, report.Fatalf("unable to push cib\n%s", err)
	}
	return false, nil
}

// Edit is `cluster edit`: the CIB in the user's editor.
func Edit(s *session.Session, args []string) error {
	if err := s.Only("--config", "--wait", "-f"); err != nil {
		return err
	}
	editor := s.Env.Getenv("EDITOR")
	if editor == "" {
		return report.Fatal("$EDITOR environment variable is not set")
	}
	if len(args) > 1 || len(args) == 1 && !strings.Contains(args[0], "=") {
		return argv.Usage()
	}
	_, scope, _, err := cibWords(s, args, false)
	if err != nil {
		return err
	}
	before, err := cibText(s, scope)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "pcs-cib-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "cib.pcs")
	if err := os.WriteFile(file, []byte(before), 0o600); err != nil {
		return err
	}
	cmd := exec.CommandContext(s.Ctx, editor, file)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = s.Env.Stdin, s.Env.Stdout, s.Env.Stderr
	if err := cmd.Run(); err != nil {
		if _, ended := err.(*exec.ExitError); !ended {
			return report.Fatalf("unable to open file with $EDITOR: %s", editor)
		}
	}
	after, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if string(after) == before {
		s.Out.Info("CIB not updated, no changes detected")
		return nil
	}
	return CIBPush(s, append([]string{file}, args...))
}

// CIBUpgrade is `cluster cib-upgrade`.
func CIBUpgrade(s *session.Session, args []string) error {
	if err := s.Only("-f"); err != nil {
		return err
	}
	if len(args) > 0 && !s.Legacy() {
		return argv.Usage()
	}
	err := s.UpgradeCIB()
	switch {
	case err == nil, cib.CodeOf(err) == cib.SchemaUnchanged: // nothing to do is as good
		s.Out.Info("Cluster CIB has been upgraded to latest version")
	default:
		return report.Fatalf("unable to upgrade cluster: %s", err)
	}
	return nil
}

// Verify is `cluster verify`: crm_verify over the CIB, and whether fencing levels name what exists.
func Verify(s *session.Session, args []string) error {
	if err := s.Only("-f", "--full"); err != nil {
		return err
	}
	if len(args) > 1 {
		return argv.Usage()
	}
	file, given := s.File()
	if len(args) == 1 {
		switch {
		case !given:
			s.SetFile(args[0])
		case absolute(args[0]) == absolute(file):
			s.Out.Warn("File '" + absolute(file) + "' specified twice")
		default:
			return report.Fatalf("Ambiguous cib filename specification: '%s' vs  -f '%s'", args[0], file)
		}
	}
	return verify(s)
}

func absolute(path string) string {
	if a, err := filepath.Abs(path); err == nil {
		return a
	}
	return path
}
