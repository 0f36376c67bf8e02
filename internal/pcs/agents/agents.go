// Package agents reads what resource and fence agents say of themselves: which there are,
// their parameters and actions. Where they come from is a Source.
package agents

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"hacluster/internal/pcs/pattern"
)

// Source is where agents come from.
type Source interface {
	// Standards lists the standards that exist ("ocf", "systemd", …); stonith may be among them.
	Standards() []string
	// Providers lists OCF providers.
	Providers() []string
	// List lists the types of a standard and, for ocf, of a provider.
	List(standard, provider string) []string
	// Metadata is an agent's meta-data. The error's text is what Pacemaker says when there is none.
	Metadata(n Name) ([]byte, error)
	// Daemon is the meta-data of a Pacemaker daemon: "pacemaker-fenced", "pacemaker-controld",
	// "pacemaker-schedulerd", "pacemaker-based".
	Daemon(name string) ([]byte, error)
}

// Name names an agent; Provider is "" but for ocf.
type Name struct{ Standard, Provider, Type string }

// String is standard:provider:type.
func (n Name) String() string {
	if n.Provider == "" {
		return n.Standard + ":" + n.Type
	}
	return n.Standard + ":" + n.Provider + ":" + n.Type
}

// Stonith tells whether it is a fence agent.
func (n Name) Stonith() bool { return n.Standard == "stonith" }

// OCF tells whether it is an OCF agent.
func (n Name) OCF() bool { return n.Standard == "ocf" }

// ErrBadName is a name that is not standard:provider:type or standard:type.
var ErrBadName = errors.New("invalid resource agent name")

var (
	instanceName = pattern.Late(`^(systemd|service):([^:@]+@.*)$`)
	agentName    = pattern.Late(`^([^:]+)(?::([^:]+))?:([^:]+)$`)
	standards    = []string{"heartbeat", "lsb", "nagios", "ocf", "service", "stonith", "systemd", "upstart"}
)

// ParseName reads a full name.
func ParseName(text string) (Name, error) {
	if m := instanceName().FindStringSubmatch(text); m != nil {
		return Name{m[1], "", m[2]}, nil
	}
	m := agentName().FindStringSubmatch(text)
	if m == nil {
		return Name{}, ErrBadName
	}
	n := Name{m[1], m[2], m[3]}
	if !slices.Contains(standards, n.Standard) || n.OCF() != (n.Provider != "") {
		return Name{}, ErrBadName
	}
	return n, nil
}

// ignored are programs named like fence agents that are none.
var ignored = []string{
	"fence_ack_manual", "fence_check", "fence_kdump_send", "fence_legacy", "fence_na", "fence_node", "fence_nss_wrapper",
	"fence_pcmk", "fence_sanlockd", "fence_tool", "fence_virtd", "fence_vmware_helper",
}

// Sorted sorts names without regard to case and drops those that are none.
func Sorted(names []string) []string {
	var out []string
	for _, n := range names {
		if n != "" && !slices.Contains(ignored, n) && !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	slices.SortStableFunc(out, func(a, b string) int { return cmp.Compare(strings.ToLower(a), strings.ToLower(b)) })
	return out
}

// Pair is a standard with a provider, "" but for ocf.
type Pair struct{ Standard, Provider string }

// Pairs are all standards and providers of a source, sorted.
func Pairs(s Source) []Pair {
	var out []Pair
	for _, std := range Sorted(s.Standards()) {
		if std != "ocf" {
			out = append(out, Pair{std, ""})
			continue
		}
		for _, p := range Sorted(s.Providers()) {
			out = append(out, Pair{std, p})
		}
	}
	slices.SortFunc(out, func(a, b Pair) int {
		return cmp.Or(cmp.Compare(a.Standard, b.Standard), cmp.Compare(a.Provider, b.Provider))
	})
	return out
}

// Guess finds all agents of a type, whatever their standard; fence agents too if asked for.
func Guess(s Source, kind string, fence bool) []Name {
	var out []Name
	for _, p := range Pairs(s) {
		if p.Standard == "stonith" && !fence {
			continue
		}
		for _, t := range Sorted(s.List(p.Standard, p.Provider)) {
			if strings.EqualFold(t, kind) {
				out = append(out, Name{p.Standard, p.Provider, t})
			}
		}
	}
	return out
}

// Folder is a Source of files: ocf/PROVIDER/TYPE.xml, lsb/TYPE.xml, service/TYPE.xml,
// systemd/TYPE.xml, stonith/TYPE.xml, pacemaker/DAEMON.xml. A standard is a folder that exists.
type Folder struct{ Dir string }

func (f Folder) entries(parts ...string) []fs.DirEntry {
	list, err := os.ReadDir(filepath.Join(append([]string{f.Dir}, parts...)...))
	if err != nil {
		return nil
	}
	return list
}

// Standards lists the folders.
func (f Folder) Standards() []string {
	var out []string
	for _, e := range f.entries() {
		if e.IsDir() && slices.Contains(standards, e.Name()) {
			out = append(out, e.Name())
		}
	}
	return out
}

// Providers lists the folders below ocf.
func (f Folder) Providers() []string {
	var out []string
	for _, e := range f.entries("ocf") {
		if e.IsDir() {
			out = append(out, e.Name())
		}
	}
	return out
}

// List lists the files.
func (f Folder) List(standard, provider string) []string {
	var out []string
	for _, e := range f.entries(standard, provider) {
		if name, ok := strings.CutSuffix(e.Name(), ".xml"); ok && !e.IsDir() {
			out = append(out, name)
		}
	}
	return out
}

// ErrMissing is wrapped by errors about an agent that is not there.
var ErrMissing = errors.New("agent is not installed")

// MissingError is an agent that is not there.
type MissingError struct{ Name Name }

func (e *MissingError) Error() string { return e.Name.String() + ": " + ErrMissing.Error() }

// Is makes it match ErrMissing.
func (e *MissingError) Is(target error) bool { return target == ErrMissing }

// MissingText09 is how Pacemaker's tools of the time of pcs 0.9 told of an agent that is not there.
func MissingText09(n Name) string {
	text := fmt.Sprintf("Metadata query for %s failed: Input/output error", n)
	if n.Stonith() {
		text = fmt.Sprintf("Agent %s not found or does not support meta-data: Invalid argument (22)\n", n.Type) + text
	}
	return text
}

// MissingText is how they tell now.
func MissingText(n Name) string {
	return fmt.Sprintf("crm_resource: Metadata query for %s failed: No such device or address, Error performing operation: No such object", n)
}

// Metadata reads the file.
func (f Folder) Metadata(n Name) ([]byte, error) {
	for _, part := range []string{n.Standard, n.Provider, n.Type} {
		if strings.ContainsAny(part, "/\x00") || part == ".." {
			return nil, &MissingError{n}
		}
	}
	data, err := os.ReadFile(filepath.Join(f.Dir, n.Standard, n.Provider, n.Type+".xml"))
	if err != nil {
		return nil, &MissingError{n}
	}
	return data, nil
}

// Daemon reads the file below pacemaker.
func (f Folder) Daemon(name string) ([]byte, error) {
	data, err := os.ReadFile(filepath.Join(f.Dir, "pacemaker", name+".xml"))
	if err != nil {
		return Builtin(name)
	}
	return data, nil
}
