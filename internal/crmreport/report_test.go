package crmreport

import (
	"archive/tar"
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hacluster/internal/flight"
)

var noon = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// TestParseTime has the times that Perl's Date::Parse gives, which the original asks.
func TestParseTime(t *testing.T) {
	for text, want := range map[string]string{
		"2026-11-30 08:50:57":                   "2026-11-30T08:50:57Z",
		"2026-1-3 8:5:7":                        "2026-01-03T08:05:07Z",
		"8:50":                                  "2026-11-30T08:50:00Z",
		"8:50 pm":                               "2026-11-30T20:50:00Z",
		"12:10 am":                              "2026-11-30T00:10:00Z",
		"Nov  3 08:50:57.123":                   "2026-11-03T08:50:57Z",
		"Dec 25 10:00:00":                       "2025-12-25T10:00:00Z", // not in the future
		"Mon Nov 30 12:00:00 2026":              "2026-11-30T12:00:00Z",
		"Mon, 30 Nov 2026 12:00:00 -0500 (EST)": "2026-11-30T17:00:00Z",
		"30/nov/26 12:00":                       "2026-11-30T12:00:00Z",
		"11/30/26 08:50":                        "2026-11-30T08:50:00Z",
		"2026.11.30 08:50":                      "2026-11-30T08:50:00Z",
		"2026-11-30T08:50:57.123456+01:00":      "2026-11-30T07:50:57Z",
		"2026:11:30T08:50:57":                   "2026-11-30T08:50:57Z",
		"2026-11-30 08:50:57 CET":               "2026-11-30T07:50:57Z",
		"November 30th 08:50":                   "2026-11-30T08:50:00Z",
		"20261130 08:50:57":                     "2026-11-30T08:50:57Z",
		"2026-11-30-08:50:57":                   "2026-11-30T08:50:57Z",
		"Nov 30, 2026 8:50 PM":                  "2026-11-30T20:50:00Z",
		`2026 10:02:18 "GMT"`:                   "2026-11-30T10:02:18Z",
		"foo":                                   "", "2026-11-30": "", "at 12:00:00": "", "info: 12:00:00 foo": "", "25:00": "", "2026-13-30 08:50": "",
		"2026-02-30 08:50": "", "2026-11-30_08:50:57": "", "yesterday 12:00": "", "": "", ":": "",
	} {
		got := ""
		if when, ok := ParseTime(text, noon); ok {
			got = when.UTC().Truncate(time.Second).Format(time.RFC3339)
		}
		if got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}

func FuzzParseTime(f *testing.F) {
	for _, s := range []string{"Mon, 30 Nov 2026 12:00:00 -0500 (EST)", "2026-11-30T08:50:57.1+01:00", "8:50 p.m.", "1-:+", "(:"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		ParseTime(s, noon)
		lineTime(s, noon)
	})
}

func TestMask(t *testing.T) {
	m, err := newMasker([]string{"passw.*", `secret\|token`, "a+b"})
	if err != nil {
		t.Fatal(err)
	}
	for in, want := range map[string]string{
		`<nvpair id="a" name="passwd" value="x"/><nvpair id="b" name="ip" value="y"/>`: `<nvpair id="a" name="passwd" value="****"/><nvpair id="b" name="ip" value="y"/>`,
		`<nvpair value="x" name="token"/>`:                                             `<nvpair value="****" name="token"/>`,
		`log: ++ /cib: <nvpair name="secret" value="x`:                                 `log: ++ /cib: <nvpair name="secret" value="x`,
		`<nvpair name="a+b" value="x"/>`:                                               `<nvpair name="a+b" value="****"/>`,
		`<nvpair name="aab" value="x"/>`:                                               `<nvpair name="aab" value="x"/>`,
		"<nvpair name=\"ip\"\n value=\"password\"/>":                                   "<nvpair name=\"ip\"\n value=\"password\"/>",
	} {
		if got := m.text(in); got != want {
			t.Errorf("%s\nbecomes %s\nwant    %s", in, got, want)
		}
	}
	if _, err := newMasker([]string{`\(`}); err == nil || !strings.Contains(err.Error(), `\( is no regular expression`) {
		t.Errorf("a bad pattern: %v", err)
	}
}

// host is a machine of files, whose programs have the answers given.
func host(t *testing.T, files, programs map[string]string) (*Machine, *bytes.Buffer) {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		p := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(p, noon.Add(-25*time.Minute), noon.Add(-25*time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	var errs bytes.Buffer
	return &Machine{
		Root: root, Name: "alfa", Home: t.TempDir(), Dir: t.TempDir(), Getenv: func(string) string { return "" }, Stderr: &errs,
		Now: func() time.Time { return noon },
		Run: func(_ context.Context, _ string, argv ...string) (Result, error) {
			out, ok := programs[strings.Join(argv[:min(2, len(argv))], " ")]
			if !ok {
				return Result{}, os.ErrNotExist
			}
			return Result{Stdout: []byte(out)}, nil
		},
	}, &errs
}

func read(t *testing.T, parts ...string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(parts...))
	if err != nil {
		t.Error(err)
	}
	return string(data)
}

// TestMake makes a report of two nodes: this host, and one whose report comes from its pcsd.
func TestMake(t *testing.T) {
	files := map[string]string{
		"/usr/sbin/pacemakerd":           "",
		"/proc/7/cmdline":                "/usr/sbin/clusterd\x00pacemaker\x00",
		"/proc/8/cmdline":                "/usr/sbin/clusterd\x00corosync\x00",
		"/etc/corosync/corosync.conf":    "totem {\n}\nlogging {\n  to_syslog: no\n  to_logfile: yes\n  logfile: /var/log/cluster/corosync.log\n}\n",
		"/etc/booth/booth.conf":          "authfile = \"/etc/booth/secret\"\n",
		"/etc/booth/booth.key":           "k3y",
		"/var/lib/pacemaker/cib/cib.xml": `<cib><nvpair id="p" name="password" value="t0p"/></cib>`,
		"/var/lib/pacemaker/pengine/pe-input-1.bz2": func() string {
			data, err := pack("x.bz2", []byte(`<nvpair id="p" name="password" value="t0p"/>`))
			if err != nil {
				t.Fatal(err)
			}
			return string(data)
		}(),
		"/var/log/pacemaker/pacemaker.log": "Nov 30 10:00:00 alfa pacemaker-controld [7]: too early\n" +
			"Nov 30 11:30:00 alfa pacemaker-controld [7] (do_state_transition) notice: State transition S_IDLE -> S_POLICY_ENGINE\n" +
			"  CRIT: <nvpair name=\"password\" value=\"t0p\"/>\n" +
			"Nov 30 11:59:00 alfa pacemaker-controld [7]: too late\n",
		"/var/lib/pacemaker/blackbox/pacemaker-controld.7.1": string(flight.Marshal([]flight.Entry{{Time: noon, Severity: 3, Func: "abort", Line: 12, Text: "it went wrong"}})),
		"/var/log/cluster/corosync.log":                      "Nov 30 11:31:00 alfa corosync[8]: ring 2\n",
		"/var/log/cluster/corosync.log.1":                    "Nov 30 11:20:00 alfa corosync[8]: too early\nNov 30 11:29:58 alfa corosync[8]: ring 1\n",
	}
	programs := map[string]string{
		"crm_mon -1": "Last updated: now\nCurrent DC: alfa (version 3)\n", "cibadmin -Q": `<cib><nvpair id="p" name="password" value="t0p"/></cib>`,
		"crm_node -p": "alfa bravo\n", "crm_node -n": "alfa\n", "uname -n": "alfa\n", "crm_diff -c": "", "pcs config": "Cluster Name:\n",
	}
	a, errs := host(t, files, programs)
	b, _ := host(t, files, programs)
	b.Name = "bravo.example"
	a.Ask = func(ctx context.Context, node string, words []string) ([]byte, error) {
		if node != "bravo" || strings.Join(words, " ") != "--single-node --from 2026-11-30 11:30:00 +0000 --to 2026-11-30 11:40:00 +0000 -p token --corosync" {
			t.Errorf("%s is asked for %q", node, words)
		}
		o := Options{From: noon.Add(-30 * time.Minute), To: noon.Add(-20 * time.Minute), Nodes: []string{b.Name}, SearchLogs: true, Mask: DefaultMask, Dest: "r"}
		if code := Make(ctx, o, b); code != 0 {
			t.Errorf("exit code %d", code)
		}
		return os.ReadFile(filepath.Join(b.Dir, "r.tar.bz2"))
	}
	o := Options{
		From: noon.Add(-30 * time.Minute), To: noon.Add(-20 * time.Minute), Nodes: []string{"alfa", "bravo"}, SearchLogs: true,
		Mask: append(DefaultMask[:1:1], "token"), Patterns: DefaultPatterns, Directory: true, Dest: "r",
	}
	if code := Make(t.Context(), o, a); code != 0 {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	dir := filepath.Join(a.Dir, "r")
	for _, node := range []string{"alfa", "bravo"} {
		if got := read(t, dir, node, "pacemaker.log.extract.txt"); strings.Contains(got, "too ") || !strings.Contains(got, `CRIT: <nvpair name="password" value="****"/>`) {
			t.Errorf("%s: pacemaker's log:\n%s", node, got)
		}
		if got := read(t, dir, node, "corosync.log.extract.txt"); got != "Nov 30 11:29:58 alfa corosync[8]: ring 1\nNov 30 11:31:00 alfa corosync[8]: ring 2\n" {
			t.Errorf("%s: corosync's log:\n%s", node, got)
		}
		for _, name := range []string{"crm_mon.txt", "members.txt", "sysinfo.txt", "sysstats.txt", "RUNNING", "events.txt", "cluster-log.txt", "corosync.conf", "permissions.txt", "report.out"} {
			read(t, dir, node, name)
		}
	}
	read(t, dir, "alfa", "DC")
	if got := read(t, dir, "bravo", "pacemaker-controld.7.1.blackbox"); !strings.Contains(got, "error   Nov 30 ") || !strings.HasSuffix(got, " abort(12):0: it went wrong\n") {
		t.Errorf("blackbox:\n%s", got)
	}
	read(t, dir, "bravo", "pengine", "pe-input-1.bz2")
	if got := read(t, dir, "analysis.txt"); !strings.HasPrefix(got, "Diff members.txt... OK\nDiff cib.xml... OK\nDiff crm_mon.txt... OK\nDiff sysinfo.txt... OK\nLog pattern matches from alfa:\n") {
		t.Errorf("analysis:\n%s", got)
	}
	if got := read(t, dir, "events.txt"); strings.Count(got, "State transition") != 2 {
		t.Errorf("events:\n%s", got)
	}
	if err := filepath.Walk(dir, func(path string, i os.FileInfo, err error) error {
		if err != nil || !i.Mode().IsRegular() {
			return err
		}
		r, err := openLog(path)
		if err != nil {
			return err
		}
		defer r.Close()
		data, err := io.ReadAll(r)
		for _, secret := range []string{"t0p", "k3y"} {
			if bytes.Contains(data, []byte(secret)) {
				t.Errorf("%s tells a secret", path)
			}
		}
		return err
	}); err != nil {
		t.Error(err)
	}
	if code := Make(t.Context(), o, a); code != 1 || !strings.HasSuffix(errs.String(), "ERROR: Output directory "+dir+" already exists, specify an alternate name with --dest\n") {
		t.Errorf("once more: %d %s", code, errs)
	}
}

// TestUnpackHostile: what another node sends is written nowhere but in its folder.
func TestUnpackHostile(t *testing.T) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range []tar.Header{
		{Name: "report/node/link", Typeflag: tar.TypeSymlink, Linkname: "../../../etc"},
		{Name: "report/node/link/passwd", Typeflag: tar.TypeReg},
		{Name: "report/node/../../../../out", Typeflag: tar.TypeReg},
		{Name: "/report/node/device", Typeflag: tar.TypeChar},
		{Name: "report/node/hard", Typeflag: tar.TypeLink, Linkname: "/etc/shadow"},
	} {
		h.Mode = 0o644
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	top := t.TempDir()
	dir := filepath.Join(top, "a", "b", "node")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unpack(b.Bytes(), dir); err != nil {
		t.Fatal(err)
	}
	var found []string
	if err := filepath.Walk(top, func(path string, i os.FileInfo, err error) error {
		if err == nil && !i.IsDir() {
			found = append(found, strings.TrimPrefix(path, dir+"/"))
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if strings.Join(found, " ") != "link/passwd" {
		t.Errorf("written: %q", found)
	}
	if err := unpack([]byte("error: no such option"), dir); err == nil {
		t.Error("a message is taken for a report")
	}
}
