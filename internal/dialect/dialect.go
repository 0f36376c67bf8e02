// Package dialect decides which generation of the originals the programs speak.
//
// A dialect is a version of pcs: "0.9.170", "0.11.12". crm_mon, crm_verify and
// the corosync tools follow it too: under 0.9 they print as Pacemaker 1.1 and
// Corosync 2.4 did. PCS_COMPAT in the environment decides; else what was
// recorded on the host when its cluster was set up; else the default.
package dialect

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Path is the file, one version in it, that setting a cluster up writes on every node.
const Path = "/etc/hacluster/dialect"

// Version is a version of pcs, as numbers: {0, 11, 12}.
type Version [3]int

// The last release of each generation. A version of two numbers, "0.9", means that one.
var lastReleases = []Version{{0, 9, 170}, {0, 10, 18}, {0, 11, 12}, {0, 12, 1}}

// patched are releases that came out again with a fourth number, and that number.
var patched = map[Version]int{{0, 11, 12}: 1}

var (
	// Default is spoken where nothing else was asked for.
	Default = Version{0, 11, 12}
	// Seed is recorded by `pcs cluster setup --name`: the release that the CentOS 7 tutorials show.
	Seed = Version{0, 9, 152}
)

// Parse reads "0.9", "0.11.12". An unknown generation or a malformed number is an error.
func Parse(text string) (Version, error) {
	fields := strings.Split(strings.TrimSpace(text), ".")
	if len(fields) < 2 || len(fields) > 3 {
		return Version{}, fmt.Errorf("%q is not a version of pcs (such as 0.9 or 0.11.12)", text)
	}
	var v Version
	for i, f := range fields {
		n, err := strconv.Atoi(f)
		if err != nil || n < 0 {
			return Version{}, fmt.Errorf("%q is not a version of pcs (such as 0.9 or 0.11.12)", text)
		}
		v[i] = n
	}
	for _, last := range lastReleases {
		if last[0] == v[0] && last[1] == v[1] {
			if len(fields) == 2 {
				v = last
			}
			return v, nil
		}
	}
	return Version{}, fmt.Errorf("pcs %s is not a known generation (0.9, 0.10, 0.11, 0.12)", text)
}

// Current decides the dialect: PCS_COMPAT, else the file at path (Path), else Default.
// fixed tells that one of the first two asked for it. A value that cannot be read is an error.
func Current(getenv func(string) string, path string) (v Version, fixed bool, err error) {
	if text := getenv("PCS_COMPAT"); text != "" {
		v, err = Parse(text)
		if err != nil {
			return Default, false, fmt.Errorf("PCS_COMPAT: %w", err)
		}
		return v, true, nil
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Default, false, nil
	}
	if err != nil {
		return Default, false, fmt.Errorf("read the recorded dialect: %w", err)
	}
	if v, err = Parse(string(text)); err != nil {
		return Default, false, fmt.Errorf("%s: %w", path, err)
	}
	return v, true, nil
}

// Record writes v to path, for Current to find. The folder is made where it is missing.
func Record(path string, v Version) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(v.String()+"\n"), 0o644)
}

// AtLeast tells whether v is not older than o.
func (v Version) AtLeast(o Version) bool {
	for i := range v {
		if v[i] != o[i] {
			return v[i] > o[i]
		}
	}
	return true
}

// Generation is "0.9", "0.10", "0.11" or "0.12".
func (v Version) Generation() string { return fmt.Sprintf("%d.%d", v[0], v[1]) }

// Legacy tells whether v is of the generation of Pacemaker 1.1 and Corosync 2.
func (v Version) Legacy() bool { return v[0] == 0 && v[1] < 10 }

// Release is what pcs of this version calls itself: "0.11.12.1".
func (v Version) Release() string {
	if n, ok := patched[v]; ok {
		return fmt.Sprintf("%s.%d", v, n)
	}
	return v.String()
}

func (v Version) String() string { return fmt.Sprintf("%d.%d.%d", v[0], v[1], v[2]) }
