package sbd

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib/xml"
)

func TestWatch(t *testing.T) {
	type step struct {
		at    int // seconds
		disks []int
		word  string // of the cluster: well, unwell, left
		want  Verdict
	}
	feed, arm := Verdict{Feed: true}, Verdict{Feed: true, Arm: true}
	for _, c := range []struct {
		name  string
		w     Watch
		steps []step
	}{
		{"one disk", Watch{Disks: 1}, []step{
			{0, nil, "", Verdict{}},
			{1, []int{0}, "", arm},
			{2, []int{0}, "", feed},
			{5, nil, "", feed},
			{6, nil, "", Verdict{}},
			{10, nil, "", Verdict{}},
			{11, nil, "", Verdict{Die: true}},
		}},
		{"a start without disks", Watch{Disks: 1}, []step{{6, nil, "", Verdict{Abort: true}}}},
		{"one of two is enough, one of three is not", Watch{Disks: 2}, []step{{1, []int{1}, "", arm}}},
		{"three", Watch{Disks: 3}, []step{{1, []int{0}, "", Verdict{}}, {2, []int{2}, "", arm}}},
		{"the cluster stands in for lost disks", Watch{Disks: 1, Cluster: true}, []step{
			{1, []int{0}, "well", arm},
			{8, nil, "well", feed},
			{20, nil, "unwell", Verdict{Die: true}},
		}},
		{"the cluster must be well where it comes first", Watch{Disks: 1, Cluster: true, ClusterFirst: true}, []step{
			{1, []int{0}, "", arm},
			{2, []int{0}, "well", feed},
			{8, []int{0}, "", Verdict{Die: true}},
		}},
		{"no disks", Watch{Cluster: true}, []step{
			{30, nil, "", feed}, // it has not come up yet
			{31, nil, "well", arm},
			{36, nil, "", Verdict{}},
			{37, nil, "", Verdict{Die: true}},
		}},
		{"what is to be told, once each time", Watch{Disks: 1, Warn: 2 * time.Second}, []step{
			{1, []int{0}, "", arm}, {7, nil, "", Verdict{Late: true, Die: true}}, {8, []int{0}, "", feed}, {11, nil, "", feed}, {14, nil, "", Verdict{Late: true}}, {15, nil, "", Verdict{}},
		}},
		{"no disks, and a good end", Watch{Cluster: true}, []step{{1, nil, "well", arm}, {2, nil, "left", feed}, {60, nil, "", feed}}},
		{"no disks, and unclean", Watch{Cluster: true}, []step{{1, nil, "well", arm}, {2, nil, "unwell", Verdict{}}, {7, nil, "", Verdict{Die: true}}}},
	} {
		w := c.w
		w.Fresh, w.Limit = 4*time.Second, 5*time.Second
		w.Begin(time.Unix(0, 0))
		for i, s := range c.steps {
			now := time.Unix(int64(s.at), 0)
			for _, d := range s.disks {
				w.Disk(d, now)
			}
			switch s.word {
			case "well":
				w.Alive(now)
			case "unwell":
				w.Unwell()
			case "left":
				w.Left()
			}
			if got := w.Tick(now); got != s.want {
				t.Errorf("%s, step %d: %+v, not %+v", c.name, i, got, s.want)
			}
		}
	}
}

// watched is a daemon over a file, with a file in the place of a watchdog.
type watched struct {
	Disk
	h     Header
	dog   string
	acts  chan Message
	ready chan struct{}
	ended chan error
	stop  context.CancelFunc
	slow  *atomic.Bool
}

// stuck is a disk that can be made to answer no more.
type stuck struct {
	Sectors
	now *atomic.Bool
}

func (s stuck) Read(i int) ([]byte, error) {
	if s.now.Load() {
		return nil, ErrSlow
	}
	return s.Sectors.Read(i)
}

func watchFile(t *testing.T, prepare func(d Disk, h Header), set func(d *Daemon)) *watched {
	t.Helper()
	path := file(t)
	h := Defaults()
	h.Allocate, h.Loop, h.Watchdog, h.MsgWait = 0, 0, 1, 2
	w := &watched{Disk: open(t, path), acts: make(chan Message, 1), ready: make(chan struct{}), ended: make(chan error, 1), slow: &atomic.Bool{}}
	w.h = create(t, w.Disk, h)
	if prepare != nil {
		prepare(w.Disk, w.h)
	}
	w.dog = filepath.Join(t.TempDir(), "watchdog")
	if err := os.WriteFile(w.dog, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	d := &Daemon{
		Devices: []string{path}, Node: "n1", Log: slog.New(slog.DiscardHandler), IO: 300 * time.Millisecond,
		Watchdog: func(limit time.Duration) (Feeder, error) { return OpenWatchdog(w.dog, limit) },
		Act:      func(m Message, _ string) { w.acts <- m }, Ready: func() { close(w.ready) },
		Open: func(path string, timeout time.Duration) (Sectors, error) {
			s, err := Open(path, 5*time.Second)
			return stuck{s, w.slow}, err
		},
	}
	if set != nil {
		set(d)
	}
	ctx, cancel := context.WithCancel(context.Background())
	w.stop = cancel
	go func() { w.ended <- d.Run(ctx) }()
	t.Cleanup(func() { cancel() })
	return w
}

func (w *watched) begun(t *testing.T) {
	t.Helper()
	select {
	case <-w.ready:
	case err := <-w.ended:
		t.Fatalf("the watch did not begin: %v", err)
	}
}

func (w *watched) fed(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(w.dog)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestDaemonObeys(t *testing.T) {
	for _, m := range []Message{Reset, Off, CrashDump} {
		w := watchFile(t, nil, nil)
		w.begun(t)
		if err := w.Send(0, Letter{m, "n2"}); err != nil {
			t.Fatal(err)
		}
		if got := <-w.acts; got != m {
			t.Errorf("%v was done, not %v", got, m)
		}
		// It must not strike while the kernel dumps its memory.
		if s := w.fed(t); s == "" || (s[len(s)-1] == 'V') != (m == CrashDump) {
			t.Errorf("%v: the watchdog: %q", m, s)
		}
	}
	w := watchFile(t, nil, nil)
	w.begun(t)
	if err := w.Send(0, Letter{Test, "n2"}); err != nil {
		t.Fatal(err)
	}
	for { // it is answered by taking it away
		if l, err := w.Receive(0); err != nil || l.Message == Clear {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if err := w.Send(0, Letter{Exit, "n2"}); err != nil {
		t.Fatal(err)
	}
	if err := <-w.ended; err != nil {
		t.Error(err)
	}
	if s := w.fed(t); s == "" || s[len(s)-1] != 'V' {
		t.Errorf("the watchdog was not disarmed: %q", s)
	}
}

// TestTrace: how a node is ended, by what is tried out.
func TestTrace(t *testing.T) {
	for _, c := range []struct {
		level Trace
		m     Message
		crash time.Duration
		want  strike
	}{
		{0, Reset, 0, strike{message: Reset}},
		{0, Off, 9, strike{message: Off}},
		{0, CrashDump, 0, strike{message: CrashDump, disarm: true}},
		{0, CrashDump, 9, strike{message: CrashDump, limit: 9}},
		{1, Reset, 9, strike{message: CrashDump, limit: 9}},
		{1, Off, 0, strike{message: CrashDump, disarm: true}},
		{2, Reset, 0, strike{message: Reset, over: true}},
		{3, Reset, 0, strike{message: Reset, disarm: true, delay: 10 * time.Second}},
		{4, Off, 0, strike{message: Off}},
	} {
		got := c.level.strike(c.m, c.crash)
		got.why = ""
		if got != c.want {
			t.Errorf("level %d, %v: %+v, want %+v", c.level, c.m, got, c.want)
		}
	}
}

// TestDaemonTraces: with the second level a message, and the loss of the disk, end the watch at most, and the watchdog is disarmed.
func TestDaemonTraces(t *testing.T) {
	w := watchFile(t, nil, func(d *Daemon) { d.Trace = traceLog })
	w.begun(t)
	if err := w.Send(0, Letter{Off, "n2"}); err != nil {
		t.Fatal(err)
	}
	if err := <-w.ended; err != nil {
		t.Error(err)
	}
	if s := w.fed(t); s == "" || s[len(s)-1] != 'V' {
		t.Errorf("the watchdog was not disarmed: %q", s)
	}
	if len(w.acts) > 0 {
		t.Errorf("%v was done", <-w.acts)
	}
	dump := func(d *Daemon) { d.Late, d.CrashLimit = CrashDump, 7*time.Second }
	w = watchFile(t, nil, dump)
	w.begun(t)
	w.slow.Store(true)
	if m := <-w.acts; m != CrashDump {
		t.Errorf("%v was done", m)
	}
	if s := w.fed(t); s == "" || s[len(s)-1] == 'V' {
		t.Errorf("the watchdog: %q", s)
	}
}

// TestDaemonLosesItsDisk: without its disk a node ends itself within the watchdog's time.
func TestDaemonLosesItsDisk(t *testing.T) {
	w := watchFile(t, nil, nil)
	w.begun(t)
	begin := time.Now()
	w.slow.Store(true)
	if m := <-w.acts; m != Reset {
		t.Errorf("%v was done", m)
	}
	if took := time.Since(begin); took < time.Second {
		t.Errorf("after %v only", took)
	}
}

func TestDaemonAfterFencing(t *testing.T) {
	fenced := func(d Disk, h Header) {
		slot, err := d.Allocate(context.Background(), h, "n1", nil)
		if err == nil {
			err = d.Send(slot, Letter{Reset, "n2"})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	w := watchFile(t, fenced, func(d *Daemon) { d.Clean = true })
	if err := <-w.ended; !errors.Is(err, ErrFencedBefore) {
		t.Errorf("%v", err)
	}
	w = watchFile(t, fenced, nil)
	w.begun(t)
	if l, err := w.Receive(0); l.Message != Clear || err != nil {
		t.Errorf("%v %v", l, err)
	}
	w.stop()
	if err := <-w.ended; err != nil {
		t.Error(err)
	}
}

func TestDaemonWithoutDevice(t *testing.T) {
	d := &Daemon{Devices: []string{"/nonexistent"}, Node: "n1", Log: slog.New(slog.DiscardHandler)}
	if err := d.Run(context.Background()); err == nil {
		t.Error("it watches over nothing")
	}
}

// TestClusterHealth: what a CIB says of a node.
func TestClusterHealth(t *testing.T) {
	page := func(quorum, policy, dc, node, shutdown, running string) string {
		return `<cib crm_feature_set="3.19.0" validate-with="pacemaker-3.9" no-quorum-panic="1" have-quorum="` + quorum + `"` + dc + `><configuration><crm_config><cluster_property_set id="o"><nvpair id="q" name="no-quorum-policy" value="` + policy + `"/>
<nvpair id="f" name="stonith-enabled" value="true"/></cluster_property_set></crm_config><nodes><node id="1" uname="n1"/></nodes><resources><primitive id="fence" class="stonith" type="fence_x"/><primitive id="D" class="ocf" provider="pacemaker" type="Dummy"/></resources><constraints/></configuration>
<status><node_state id="1" uname="n1" ` + node + `><transient_attributes id="1"><instance_attributes id="s">` + shutdown + `</instance_attributes></transient_attributes><lrm id="1"><lrm_resources>` + running + `</lrm_resources></lrm></node_state></status></cib>`
	}
	const (
		dc       = ` dc-uuid="1"`
		up       = `in_ccm="true" crmd="online" join="member" expected="member"`
		down     = `in_ccm="false" crmd="offline" join="down" expected="down"`
		unclean  = `in_ccm="false" crmd="online" join="member" expected="member"`
		shutdown = `<nvpair id="sd" name="shutdown" value="1700000000"/>`
		running  = `<lrm_resource id="D" class="ocf" provider="pacemaker" type="Dummy"><lrm_rsc_op id="D_last_0" operation_key="D_start_0" operation="start" call-id="1" rc-code="0" op-status="0" interval="0" transition-key="1:1:0:u" transition-magic="0:0;1:1:0:u"/></lrm_resource>`
	)
	for name, c := range map[string]struct {
		disks int
		pages []string // "" is no answer
		want  Health   // of the last
	}{
		"well":                         {0, []string{page("1", "stop", dc, up, "", "")}, Well},
		"no DC":                        {0, []string{page("1", "stop", "", up, "", "")}, Unsure},
		"down":                         {0, []string{page("1", "stop", dc, down, "", "")}, Unwell},
		"unclean":                      {0, []string{page("1", "stop", dc, unclean, "", "")}, Unwell},
		"no quorum yet":                {0, []string{page("0", "stop", dc, up, "", "")}, Well},
		"quorum lost":                  {0, []string{page("1", "stop", dc, up, "", ""), page("0", "stop", dc, up, "", "")}, Unwell},
		"quorum lost, to be fenced":    {0, []string{page("1", "suicide", dc, up, "", ""), page("0", "suicide", dc, up, "", "")}, Unwell},
		"no quorum, disks":             {1, []string{page("0", "stop", dc, up, "", "")}, Unwell},
		"gone without a word":          {0, []string{page("1", "stop", dc, up, "", ""), ""}, Unsure},
		"gone, and something was left": {0, []string{page("1", "stop", dc, up, shutdown, running), ""}, Unsure},
		"gone in good order":           {0, []string{page("1", "stop", dc, up, shutdown, running), page("1", "stop", dc, up, shutdown, ""), ""}, Left},
	} {
		cl := &Cluster{Node: "n1", Disks: c.disks}
		got := Unsure
		for _, p := range c.pages {
			cl.Query = func(context.Context) (*etree.Element, error) {
				if p == "" {
					return nil, errors.New("down")
				}
				doc, err := xml.ParseString(p)
				if err != nil {
					t.Fatal(err)
				}
				return doc.Root, nil
			}
			got = cl.Health(context.Background())
		}
		if got != c.want {
			t.Errorf("%s: %v, not %v", name, got, c.want)
		}
	}
}
