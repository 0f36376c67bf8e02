package supervise

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestUnits: systemd's units are those of a host without systemd, and run the same.
func TestUnits(t *testing.T) {
	const dir = "../../packaging/systemd"
	files, err := filepath.Glob(dir + "/*.service")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	var names []string
	for _, f := range files {
		names = append(names, strings.TrimSuffix(filepath.Base(f), ".service"))
	}
	for _, u := range Roles("@SBINDIR@/clusterd", "") {
		if u.Argv[0] != "@SBINDIR@/clusterd" {
			continue // another package's, with a unit of its own
		}
		if !slices.Contains(names, u.Name) {
			t.Errorf("%s has no unit of systemd", u.Name)
			continue
		}
		names = slices.DeleteFunc(names, func(n string) bool { return n == u.Name })
		data, err := os.ReadFile(filepath.Join(dir, u.Name+".service"))
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(string(data), "\n")
		has := func(prefix string) bool {
			return slices.ContainsFunc(lines, func(l string) bool { return l == prefix || strings.HasPrefix(l, prefix+" ") })
		}
		// Or by the link that has the original's name, with the original's options.
		if !has("ExecStart="+strings.Join(u.Argv, " ")) && !has("ExecStart=@SBINDIR@/"+u.Name+" -f") {
			t.Errorf("%s does not run %v", u.Name, u.Argv)
		}
		if u.Notify && !has("Type=notify") {
			t.Errorf("%s tells when it is ready, and is not asked", u.Name)
		}
		if u.AliveLimit > 0 && !has(fmt.Sprintf("WatchdogSec=%.0fs", u.AliveLimit.Seconds())) {
			t.Errorf("%s is not watched as long as %v", u.Name, u.AliveLimit)
		}
		for _, r := range u.Requires {
			if !has("Requires="+r+".service") || !has("After="+r+".service") {
				t.Errorf("%s does not come after %s", u.Name, r)
			}
		}
	}
	// The small programs that are services where somebody asks for them, with options of the host's.
	names = slices.DeleteFunc(names, func(n string) bool {
		data, err := os.ReadFile(filepath.Join(dir, n+".service"))
		return err == nil && strings.Contains(string(data), "\nExecStart=@SBINDIR@/"+n+" ")
	})
	if len(names) > 0 {
		t.Errorf("units that no role of clusterd has: %v", names)
	}
}

// TestRing: a file names the program that is the host's ring.
func TestRing(t *testing.T) {
	file := filepath.Join(t.TempDir(), "corosync")
	if ring, err := Ring(file); ring != "" || err != nil {
		t.Errorf("without the file: %q, %v", ring, err)
	}
	for text, want := range map[string]string{"/usr/sbin/corosync\n": "/usr/sbin/corosync", "\n": "", "corosync": "error"} {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		ring, err := Ring(file)
		if err != nil {
			ring = "error"
		}
		if ring != want {
			t.Errorf("%q: %q, not %q", text, ring, want)
		}
	}
	for _, u := range Roles("/x/clusterd", "/usr/sbin/corosync") {
		if u.Name == "corosync" && !slices.Equal(u.Argv, []string{"/usr/sbin/corosync", "-f"}) {
			t.Errorf("the ring is %v", u.Argv)
		}
	}
}
