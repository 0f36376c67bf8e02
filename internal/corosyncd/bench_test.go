package corosyncd

import (
	"bytes"
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"hacluster/corosync/client"
)

var (
	ringBench       = flag.String("ring-bench", "", "measures rings of these, beside the original, such as \"2 udpu,3 knet-aes256\"")
	ringBenchRounds = flag.Int("ring-bench-rounds", 3, "how often each is measured, in turn")
	ringBenchSizes  = flag.String("ring-bench-sizes", "64,1000,10000,100000", "how long its messages are, in bytes")
	ringBenchWho    = flag.String("ring-bench-who", "both", "which daemons are measured: both, original or ours")
	ringBenchProcs  = flag.Int("ring-bench-procs", 1, "how many processors its programs may use; with more, their goroutines wake each other on the daemons'")
	ringBenchTime   = flag.Duration("ring-bench-time", time.Second, "how long one thing is measured")
)

// benchSizes are those of the messages, in bytes.
func benchSizes() (list []int) {
	text := os.Getenv("COROSYNCD_SIZES")
	if text == "" {
		text = *ringBenchSizes
	}
	for w := range strings.SplitSeq(text, ",") {
		if n, err := strconv.Atoi(w); err == nil {
			list = append(list, n)
		}
	}
	return list
}

// benchRun is one thing that is measured.
type benchRun struct {
	Size    int
	Rate    float64 // messages a second
	P50     time.Duration
	P99     time.Duration
	Samples int
	// While messages are sent as fast as they can be: packets of the sender, and of all that were sent again by it, and visits of
	// the token, a second.
	Packets, Again, Tokens float64
	// Work is what the processors did for a message, in all daemons together; Client what they did in the sender.
	Work, Client time.Duration
}

// TestRingBench measures messages a second, and the time from sending a message to its delivery to the sender, for rings
// of original nodes and of ours in turn, at equal priority. Every member holds content and order
// of what it is given against what was sent while it is measured.
func TestRingBench(t *testing.T) {
	if *ringBench == "" {
		t.Skip("only with -ring-bench")
	}
	for _, c := range strings.Split(*ringBench, ",") {
		var nodes int
		var transport string
		if _, err := fmt.Sscanf(c, "%d %s", &nodes, &transport); err != nil {
			t.Fatalf("%q: %v", c, err)
		}
		settings := map[string]string{
			"udpu": "transport: udpu", "knet": "transport: knet", "knet-aes256": "transport: knet\ncrypto_cipher: aes256\ncrypto_hash: sha256",
		}[transport]
		t.Run(c, func(t *testing.T) {
			got := map[bool][][]benchRun{}
			cuts := map[bool][]time.Duration{}
			for round := range *ringBenchRounds {
				for _, real := range []bool{round%2 == 0, round%2 != 0} {
					if *ringBenchWho != "both" && real != (*ringBenchWho == "original") {
						continue
					}
					runs, cut := measure(t, nodes, settings, real)
					got[real] = append(got[real], runs)
					cuts[real] = append(cuts[real], cut)
				}
			}
			for i, size := range benchSizes() {
				line := fmt.Sprintf("%s, %6d B:", c, size)
				for _, real := range []bool{true, false} {
					if len(got[real]) == 0 {
						continue
					}
					name := map[bool]string{true: "original", false: "ours"}[real]
					line += fmt.Sprintf("  %s %8.0f/s p50 %6d p99 %6d µs work %6.2f µs", name,
						median(got[real], i, func(r benchRun) float64 { return r.Rate }),
						int(median(got[real], i, func(r benchRun) float64 { return float64(r.P50.Microseconds()) })),
						int(median(got[real], i, func(r benchRun) float64 { return float64(r.P99.Microseconds()) })),
						median(got[real], i, func(r benchRun) float64 { return r.Work.Seconds() * 1e6 }))
				}
				t.Log(line)
				for _, real := range []bool{true, false} {
					t.Logf("        original %-5v: %v", real, perToken(got[real], i))
				}
			}
			for _, real := range []bool{true, false} {
				slices.Sort(cuts[real])
				t.Logf("%s: from a node's death to the new membership, original %v: %v", c, real, cuts[real])
			}
		})
	}
}

func median(runs [][]benchRun, i int, value func(benchRun) float64) float64 {
	var list []float64
	for _, r := range runs {
		list = append(list, value(r[i]))
	}
	slices.Sort(list)
	return list[len(list)/2]
}

// perToken tells how the ring has worked in each round: messages and packets a visit of the token, and what was lost.
func perToken(runs [][]benchRun, i int) (list []string) {
	for _, r := range runs {
		r := r[i]
		list = append(list, fmt.Sprintf("%.0f/s: %.0f tokens/s, %.1f messages and %.1f packets each, %.0f packets/s again, %v for a message in the daemons, %v in the sender",
			r.Rate, r.Tokens, r.Rate/max(r.Tokens, 1), r.Packets/max(r.Tokens, 1), r.Again, r.Work.Round(10*time.Nanosecond), r.Client.Round(10*time.Nanosecond)))
	}
	return list
}

// measure has one ring do it all.
func measure(t *testing.T, nodes int, settings string, real bool) ([]benchRun, time.Duration) {
	t.Helper()
	h := hosts(t, nodes, func(nodes string) string {
		return confWith(settings)(nodes) + "system {\nsched_rr: no\npriority: -20\n}\n"
	})
	all := []int{}
	pids := ""
	for i, o := range h {
		o.quiet = true
		o.start(real)
		o.favour()
		all = append(all, i+1)
		pids += fmt.Sprintf("%d ", o.daemon.Process.Pid)
	}
	for _, o := range h {
		o.members(20*time.Second, all...)
	}
	for _, o := range h[1:] {
		c := o.command("nice", "-n", "-20", os.Args[0])
		c.Env = append(os.Environ(), "COROSYNCD_BENCH=listen", "COROSYNCD_PROCS="+strconv.Itoa(*ringBenchProcs))
		o.launch(c)
	}
	c := h[0].command("nice", "-n", "-20", os.Args[0])
	c.Env = append(os.Environ(), "COROSYNCD_BENCH=send", "COROSYNCD_COUNT="+fmt.Sprint(nodes), "COROSYNCD_TIME="+ringBenchTime.String(), "COROSYNCD_DAEMONS="+pids, "COROSYNCD_SIZES="+*ringBenchSizes, "COROSYNCD_PROCS="+strconv.Itoa(*ringBenchProcs))
	var errs bytes.Buffer
	c.Stderr = &errs
	out, err := c.Output()
	if err != nil {
		t.Fatalf("original %v: %v\n%s%s", real, err, out, errs.String())
	}
	var runs []benchRun
	for line := range strings.Lines(string(out)) {
		var r benchRun
		if _, err := fmt.Sscan(line, &r.Size, &r.Rate, (*int64)(&r.P50), (*int64)(&r.P99), &r.Samples, &r.Packets, &r.Again, &r.Tokens, (*int64)(&r.Work), (*int64)(&r.Client)); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		runs = append(runs, r)
	}
	// The last node dies; the first tells when the others have a membership without it.
	w := h[0].command("nice", "-n", "-20", os.Args[0])
	w.Env = append(os.Environ(), "COROSYNCD_BENCH=watch", "COROSYNCD_COUNT="+fmt.Sprint(nodes))
	pipe, stdout, err := os.Pipe() // one that stays open when the program ends
	if err != nil {
		t.Fatal(err)
	}
	defer pipe.Close()
	w.Stdout = stdout
	h[0].launch(w)
	stdout.Close()
	line := make([]byte, 6)
	if _, err := pipe.Read(line); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	h[nodes-1].stop(syscall.SIGKILL)
	if _, err := pipe.Read(line); err != nil {
		t.Fatal(err)
	}
	cut := time.Since(began)
	for _, o := range h[:nodes-1] {
		o.stop(syscall.SIGTERM)
	}
	return runs, cut
}

// asBench is a program that measures, or helps to.
func asBench() int {
	runtime.GOMAXPROCS(int(number(os.Getenv("COROSYNCD_PROCS"))))
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	var err error
	switch os.Getenv("COROSYNCD_BENCH") {
	case "send":
		err = benchSend(ctx)
	case "listen":
		err = benchListen(ctx)
	case "watch":
		err = benchWatch(ctx)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

const benchGroup = "bench"

// benchWatch says so when it sees all members, and when one is gone.
func benchWatch(ctx context.Context) error {
	q, err := client.DialQuorum(ctx)
	if err != nil {
		return err
	}
	defer q.Close()
	if err := q.Track(ctx); err != nil {
		return err
	}
	seen := false
	for e := range q.Events() {
		l, ok := e.(*client.Nodelist)
		switch {
		case !ok:
		case !seen && len(l.Members) == int(number(os.Getenv("COROSYNCD_COUNT"))):
			seen = true
			fmt.Print("ready\n")
		case seen:
			fmt.Print("gone \n")
			return nil
		}
	}
	return q.Err()
}

// A message of the bench: what it is, its number in its run, and bytes that follow from both.
const (
	benchData  = iota + 1 // of a run
	benchEnd              // of a run, after so many
	benchFine             // a listener has had them all
	benchBad              // or not
	benchBegin            // of a run; it is for the sender
)

var pattern = func() []byte {
	b := make([]byte, 200_000)
	for i := range b {
		b[i] = byte(i*i>>3 + i)
	}
	return b
}()

const benchHead = 12

// benchWriter makes messages, each in the place of the one before.
type benchWriter struct {
	block []byte // the pattern, with the head of a message somewhere in it
	at    int    // of that
}

func (w *benchWriter) message(kind, run, number uint32, size int) []byte {
	if w.block == nil {
		w.block = bytes.Clone(pattern)
	}
	copy(w.block[w.at:w.at+benchHead], pattern[w.at:])
	w.at = int(run+number) % 1000
	b := w.block[w.at : w.at+max(size, benchHead)]
	binary.LittleEndian.PutUint32(b, kind)
	binary.LittleEndian.PutUint32(b[4:], run)
	binary.LittleEndian.PutUint32(b[8:], number)
	return b
}

// benchCheck holds a message against what must come; it yields what kind it is.
type benchCheck struct {
	run, number uint32
	bad         string
}

func (c *benchCheck) take(b []byte) uint32 {
	if len(b) < benchHead {
		c.bad = "a short message"
		return 0
	}
	kind, run, number := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:]), binary.LittleEndian.Uint32(b[8:])
	switch kind {
	case benchData:
		if run != c.run {
			c.run, c.number = run, 0
		}
		from := int(run+number)%1000 + benchHead
		if number != c.number {
			c.bad = fmt.Sprintf("run %d: message %d comes in the place of %d", run, number, c.number)
		} else if !bytes.Equal(b[benchHead:], pattern[from:from+len(b)-benchHead]) {
			c.bad = fmt.Sprintf("run %d: message %d is damaged", run, number)
		}
		c.number++
	case benchEnd:
		if run != c.run || number != c.number {
			c.bad = fmt.Sprintf("run %d ends with %d messages; %d of run %d have come", run, number, c.number, c.run)
		}
	}
	return kind
}

// benchListen takes what comes, and tells at the end of each run whether it was what it is to be.
func benchListen(ctx context.Context) error {
	var c benchCheck
	var w benchWriter
	var g *client.CPG
	over := make(chan error, 1)
	g, err := client.DialCPGTo(ctx, func(events []client.CPGEvent) {
		for _, e := range events {
			d, ok := e.(*client.Deliver)
			if !ok || c.take(d.Data) != benchEnd {
				continue
			}
			kind := uint32(benchFine)
			if c.bad != "" {
				kind = benchBad
				fmt.Fprintln(os.Stderr, c.bad)
			}
			if err := g.Mcast(ctx, w.message(kind, c.run, c.number, 0)); err != nil {
				over <- err
			}
		}
	})
	if err != nil {
		return err
	}
	defer g.Close()
	if err := g.Join(ctx, benchGroup); err != nil {
		return err
	}
	select {
	case err := <-over:
		return err
	case <-g.Done():
		return g.Err()
	}
}

// bencher sends, and takes what comes: all of it where the events come, as a program in C does.
type bencher struct {
	ctx     context.Context
	g       *client.CPG
	members int
	over    chan error // the members are there; a run is over
	next    atomic.Pointer[benchSetting]
	check   benchCheck
	writer  benchWriter
	benchSetting
	number    uint32 // of the run; 0 before the first
	sent, got uint32
	running   bool
	ended     bool // the listeners were told
	fine      int  // of them
	at        time.Time
	took      time.Duration
	trips     []time.Duration
}

// benchSetting is how it sends: messages of a size, so many under way, until a time.
type benchSetting struct {
	size         int
	window       uint32
	begin, until time.Time
}

func benchSend(ctx context.Context) error {
	members, err := strconv.Atoi(os.Getenv("COROSYNCD_COUNT"))
	if err != nil {
		return err
	}
	span, err := time.ParseDuration(os.Getenv("COROSYNCD_TIME"))
	if err != nil {
		return err
	}
	b := &bencher{ctx: ctx, members: members, over: make(chan error, 1)}
	if b.g, err = client.DialCPGTo(ctx, b.take); err != nil {
		return err
	}
	defer b.g.Close()
	if err := b.g.Join(ctx, benchGroup); err != nil {
		return err
	}
	if err := b.wait(); err != nil {
		return err
	}
	stats, err := client.DialCmap(ctx)
	if err != nil {
		return err
	}
	defer stats.Close()
	if err := stats.UseStats(ctx); err != nil {
		return err
	}
	counters := func() (list [3]float64, err error) {
		for i, key := range []string{"mcast_tx", "mcast_retx", "orf_token_rx"} {
			n, err := stats.Uint(ctx, "stats.srp."+key)
			if err != nil {
				return list, err
			}
			list[i] = float64(n)
		}
		return list, nil
	}
	daemons := strings.Fields(os.Getenv("COROSYNCD_DAEMONS"))
	for _, size := range benchSizes() {
		// Not more are under way than the ring's queues hold, so that neither has to refuse any.
		window := uint32(max(8, min(6000, 1_500_000/(size+200))))
		before, err := counters()
		if err != nil {
			return err
		}
		work, client := worked(daemons...), worked("self")
		begin := time.Now()
		if err := b.measure(benchSetting{size, window, begin, begin.Add(span)}); err != nil {
			return err
		}
		took, got := b.took, b.got
		work, client = worked(daemons...)-work, worked("self")-client
		after, err := counters()
		if err != nil {
			return err
		}
		for i := range after {
			after[i] = (after[i] - before[i]) / took.Seconds()
		}
		rate := float64(got) / took.Seconds()
		each := time.Duration(max(1, got))
		begin = time.Now()
		if err := b.measure(benchSetting{size, 1, begin, begin.Add(span)}); err != nil {
			return err
		}
		trips := slices.Clone(b.trips)
		slices.Sort(trips)
		fmt.Println(size, rate, trips[len(trips)/2].Nanoseconds(), trips[len(trips)*99/100].Nanoseconds(), len(trips), after[0], after[1], after[2],
			(work / each).Nanoseconds(), (client / each).Nanoseconds())
	}
	return nil
}

// worked is how long processes have had a processor.
func worked(pids ...string) (sum time.Duration) {
	for _, pid := range pids {
		tasks, _ := filepath.Glob("/proc/" + pid + "/task/*/schedstat")
		for _, task := range tasks {
			b, _ := os.ReadFile(task)
			var took int64
			_, _ = fmt.Sscan(string(b), &took)
			sum += time.Duration(took)
		}
	}
	return sum
}

// measure has a run begin, and waits until all of it was given to all. A message of this node itself has it begin, so that all
// that follows is done where the events come.
func (b *bencher) measure(s benchSetting) error {
	b.next.Store(&s)
	var w benchWriter
	if err := b.g.Mcast(b.ctx, w.message(benchBegin, 0, 0, 0)); err != nil {
		return err
	}
	return b.wait()
}

func (b *bencher) wait() error {
	select {
	case err := <-b.over:
		return err
	case <-b.g.Done():
		return b.g.Err()
	case <-b.ctx.Done():
		return b.ctx.Err()
	}
}

// take takes what has come, and sends on.
func (b *bencher) take(events []client.CPGEvent) {
	done := false
	for _, e := range events {
		switch e := e.(type) {
		case *client.Confchg:
			if b.number > 0 {
				b.over <- fmt.Errorf("the members are %v while it is measured", e.Members)
				return
			}
			done = len(e.Members) == b.members
		case *client.Deliver:
			if err := b.message(e); err != nil {
				b.over <- err
				return
			}
			if b.ended && b.fine == b.members-1 {
				b.ended, done = false, true
			}
		}
	}
	if b.running {
		if err := b.more(); err != nil {
			b.over <- err
			return
		}
	}
	if done {
		b.over <- nil
	}
}

// message takes one.
func (b *bencher) message(d *client.Deliver) error {
	kind := b.check.take(d.Data)
	if b.check.bad != "" {
		return fmt.Errorf("%s", b.check.bad)
	}
	switch kind {
	case benchBegin:
		b.benchSetting = *b.next.Load()
		b.number++
		b.sent, b.got, b.fine, b.trips = 0, 0, 0, b.trips[:0]
		b.running = true
	case benchData:
		if b.got++; b.window == 1 {
			b.trips = append(b.trips, time.Since(b.at))
		}
	case benchFine:
		b.fine++
	case benchBad:
		return fmt.Errorf("node %d has had something else than was sent", d.Node)
	}
	return nil
}

// more sends as many as may be under way; after the last has come, it asks the listeners.
func (b *bencher) more() error {
	now := time.Now()
	count := b.window - (b.sent - b.got)
	if !now.Before(b.until) {
		count = min(count, max(b.sent, 10)-b.sent)
	}
	switch {
	case count > 0:
		b.at = now
		first := b.sent
		b.sent += count
		return b.g.McastMany(b.ctx, int(count), func(i int) []byte { return b.writer.message(benchData, b.number, first+uint32(i), b.size) })
	case b.got == b.sent && !now.Before(b.until):
		b.took, b.running, b.ended = now.Sub(b.begin), false, true
		return b.g.Mcast(b.ctx, b.writer.message(benchEnd, b.number, b.sent, 0))
	}
	return nil
}
