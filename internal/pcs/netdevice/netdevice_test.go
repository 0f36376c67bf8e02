package netdevice

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hacluster/internal/pcs/live"
)

// tools stand for the programs that make certificates: what they make is what they got, with a word before it.
type tools struct {
	t      *testing.T
	client string
	calls  []string
	broken bool
}

func (p *tools) Run(_ context.Context, _ []string, _, name string, args ...string) (live.Result, error) {
	p.calls = append(p.calls, strings.TrimPrefix(name, "corosync-")+" "+args[0])
	if p.broken {
		return live.Result{Code: 1, Stderr: "no\n"}, nil
	}
	in := ""
	if i := slices.Index(args, "-c"); i >= 0 {
		data, err := os.ReadFile(args[i+1])
		if err != nil {
			p.t.Error(err)
		}
		in = string(data)
	}
	out := filepath.Join(p.client, "made")
	if err := os.MkdirAll(p.client, 0o700); err != nil {
		p.t.Error(err)
	}
	file := map[string]string{"-i": caFile}[args[0]]
	if file != "" {
		out = filepath.Join(p.client, file)
	}
	if err := os.WriteFile(out, []byte(args[0]+in), 0o600); err != nil {
		p.t.Error(err)
	}
	kind := "Certificate"
	if args[0] == "-r" {
		kind = "Certificate request"
	}
	return live.Result{Stdout: "Doing it\n" + kind + " stored in " + out + "\n"}, nil
}

func TestHost(t *testing.T) {
	dir := t.TempDir()
	p := &tools{t: t, client: filepath.Join(dir, "client")}
	h := Host{Programs: p, Server: filepath.Join(dir, "server"), Client: p.client}
	ctx := context.Background()

	if _, err := h.Authority(); err == nil || err.Error() != notReady {
		t.Errorf("the authority of no server: %v", err)
	}
	if _, err := h.Request(ctx, "c"); err == nil || err.Error() != notReady {
		t.Errorf("a request of no client: %v", err)
	}
	if err := os.MkdirAll(h.Server, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(h.Server, caFile), []byte("CA"), 0o600); err != nil {
		t.Fatal(err)
	}
	ca, err := h.Authority()
	if err != nil || string(ca) != "CA" {
		t.Fatalf("%q, %v", ca, err)
	}
	if err := h.SetUp(ctx, ca); err != nil {
		t.Fatal(err)
	}
	request, err := h.Request(ctx, "c")
	if err != nil {
		t.Fatal(err)
	}
	signed, err := h.Sign(ctx, request, "c")
	if err != nil {
		t.Fatal(err)
	}
	bundle, err := h.Bundle(ctx, signed)
	if err != nil || string(bundle) != "-M-s-r" {
		t.Fatalf("%q, %v", bundle, err)
	}
	if err := h.Import(ctx, bundle); err != nil {
		t.Fatal(err)
	}
	want := "qdevice-net-certutil -i, qdevice-net-certutil -r, qnetd-certutil -s, qdevice-net-certutil -M, qdevice-net-certutil -m"
	if got := strings.Join(p.calls, ", "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	p.broken = true
	for what, err := range map[string]error{
		signing + "no":  func() error { _, err := h.Sign(ctx, nil, "c"); return err }(),
		setup + "no":    func() error { _, err := h.Request(ctx, "c"); return err }(),
		importer + "no": h.Import(ctx, nil),
	} {
		if err == nil || err.Error() != what {
			t.Errorf("%v, want %s", err, what)
		}
	}
	if err := h.Destroy(); err != nil || h.ClientReady() {
		t.Errorf("%v", err)
	}
}
