package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"hacluster/corosync/client"
	"hacluster/corosync/cmap"
	"hacluster/corosync/local"
	"hacluster/internal/program"
	"hacluster/internal/tool"
)

const cmapctlHelp = `usage:  corosync-cmapctl [-b] [-DdghsTtp] [-m map] [params...]

    -b  show the values of binary keys, too

    show keys:            corosync-cmapctl [-b] [-m map] [prefix...]
    show single keys:     corosync-cmapctl [-q] -g key...
    set a key:            corosync-cmapctl -s key type value
    set keys from a file: corosync-cmapctl -p file   ("-" reads the standard input)
    delete keys:          corosync-cmapctl -d key...
    delete by prefix:     corosync-cmapctl -D prefix...
    watch keys:           corosync-cmapctl -t key...   or by prefix: -T prefix...
    maps:                 default (icmap), stats

    type is one of i8 u8 i16 u16 i32 u32 i64 u64 flt dbl str bin
    a file has lines "key type value"; "^key" deletes a key, "^^prefix" all below
`

// cmapctl is one run of corosync-cmapctl.
type cmapctl struct {
	env    *program.Env
	m      *client.Cmap
	binary bool
	quiet  bool
	legacy bool
	// statsMap is the map of statistics, where it is asked for beside the other.
	statsMap *client.Cmap
}

func corosyncCmapctl(ctx context.Context, env *program.Env) int {
	opts, args, err := getopt(env, "m:hqgsdDtTbp:C:", nil)
	if err != nil {
		fmt.Fprintln(env.Stderr, err)
		return 1
	}
	c := &cmapctl{env: env}
	if c.legacy, err = legacy(env); err != nil {
		fmt.Fprintln(env.Stderr, err)
		return 1
	}
	action, file, stats := byte(0), "", false
	for _, o := range opts {
		switch o.letter {
		case 'h':
			fmt.Fprint(env.Stdout, cmapctlHelp)
			return 0
		case 'b':
			c.binary = true
		case 'q':
			c.quiet = true
		case 'p':
			action, file = 'p', o.value
		case 'C':
			switch o.value {
			case "knet", "totem", "ipc", "schedmiss", "all":
				action, file, stats = 'C', o.value, true
			default:
				fmt.Fprintln(env.Stderr, "argument to -C should be 'knet', 'totem', 'ipc', 'schedmiss' or 'all'")
				return 1
			}
		case 'm':
			switch o.value {
			case "icmap", "default":
				stats = false
			case "stats":
				stats = true
			default:
				fmt.Fprintln(env.Stderr, "invalid map name, must be 'default', 'icmap' or 'stats'")
				return 1
			}
		default:
			action = o.letter
		}
	}
	if len(args) == 0 && action != 'p' && action != 'C' && action != 0 {
		fmt.Fprintln(env.Stderr, "Expected key after options")
		return 1
	}
	if c.m, err = starting(ctx, client.DialCmap); err != nil {
		fmt.Fprintf(env.Stderr, "Failed to initialize the cmap API. Error %v\n", outcome(err))
		return 1
	}
	defer func() {
		c.m.Close()
		if c.statsMap != nil {
			c.statsMap.Close()
		}
	}()
	if stats {
		c.legacy = false // its keys have no older names
		if err := c.m.UseStats(ctx); err != nil {
			fmt.Fprintf(env.Stderr, "Failed to initialize the cmap API. Error %v\n", outcome(err))
			return 1
		}
	}
	return c.run(ctx, action, file, args)
}

func (c *cmapctl) run(ctx context.Context, action byte, file string, args []string) int {
	switch action {
	case 'g':
		for _, key := range args {
			v, err := c.get(ctx, key)
			if err != nil {
				return c.fail("Can't get key %s. Error %v", key, outcome(err))
			}
			c.print(key, v)
		}
	case 's':
		if len(args) < 3 {
			return c.fail("At least 3 parameters are expected for set")
		}
		return c.set(ctx, args[0], args[1], args[2])
	case 'd':
		for _, key := range args {
			if err := c.m.Delete(ctx, c.real(key)); err != nil {
				return c.fail("Can't delete key %s. Error %v", key, outcome(err))
			}
		}
	case 'D':
		for _, prefix := range args {
			if code := c.deleteAll(ctx, prefix); code != 0 {
				return code
			}
		}
	case 'p':
		return c.load(ctx, file)
	case 'C':
		key := "stats.clear." + file
		_ = c.m.Set(ctx, key, cmap.U32(1)) // the original does not look, either
	case 't', 'T':
		return c.track(ctx, action == 'T', args)
	default:
		if len(args) == 0 {
			args = []string{""}
		}
		empty := 0
		for _, prefix := range args {
			n, err := c.list(ctx, prefix)
			if err != nil {
				return c.fail("Failed to initialize iteration. Error %v", outcome(err))
			}
			if n == 0 {
				empty++
			}
		}
		if empty == len(args) {
			return 1
		}
	}
	return 0
}

func (c *cmapctl) fail(format string, args ...any) int {
	fmt.Fprintf(c.env.Stderr, format+"\n", args...)
	return 1
}

// real is the daemon's name of a key; shown is the name under which it is shown.
func (c *cmapctl) real(key string) string {
	if c.legacy {
		key, _ = modernKey(key)
	}
	return key
}

func (c *cmapctl) shown(key string) string {
	if c.legacy {
		if old, ok := legacyKey(key); ok {
			return old
		}
	}
	return key
}

func (c *cmapctl) get(ctx context.Context, key string) (cmap.Value, error) {
	if c.legacy {
		return c.legacyGet(ctx, key)
	}
	return c.m.Get(ctx, key)
}

// list prints the keys that begin with prefix, and tells how many there are.
func (c *cmapctl) list(ctx context.Context, prefix string) (int, error) {
	var entries []client.Entry
	if c.legacy {
		var err error
		if entries, err = c.legacyEntries(ctx, prefix); err != nil {
			return 0, err
		}
	} else {
		for e, err := range c.m.All(ctx, prefix) {
			if err != nil {
				return 0, err
			}
			entries = append(entries, e)
		}
	}
	slices.SortFunc(entries, func(a, b client.Entry) int { return strings.Compare(a.Key, b.Key) })
	for _, e := range entries {
		c.print(e.Key, e.Value)
	}
	return len(entries), nil
}

func (c *cmapctl) print(key string, v cmap.Value) {
	switch {
	case v.Type == cmap.Binary:
		if !c.quiet {
			fmt.Fprintf(c.env.Stdout, "%s (", key)
		}
		fmt.Fprint(c.env.Stdout, "bin)")
		if c.binary {
			fmt.Fprint(c.env.Stdout, " = ", printable(v.Data))
		}
		fmt.Fprintln(c.env.Stdout)
	case c.quiet:
		fmt.Fprintln(c.env.Stdout, v)
	default:
		fmt.Fprintf(c.env.Stdout, "%s (%v) = %v\n", key, v.Type, v)
	}
}

// printable shows bytes: those that are no letters as \xNN.
func printable(b []byte) string {
	if len(b) == 0 {
		return "*empty*"
	}
	var s strings.Builder
	for _, c := range b {
		switch {
		case c == '\\':
			s.WriteString(`\\`)
		case c >= ' ' && c < 0x7f:
			s.WriteByte(c)
		case c >= 0x80: // as a signed char in C
			fmt.Fprintf(&s, `\xFFFFFF%02X`, c)
		default:
			fmt.Fprintf(&s, `\x%02X`, c)
		}
	}
	return s.String()
}

func (c *cmapctl) set(ctx context.Context, key, kind, text string) int {
	t, ok := cmap.TypeOf(kind)
	if !ok {
		return c.fail("Unknown type %s", kind)
	}
	v, err := cmap.Parse(t, text)
	if err != nil {
		return c.fail("%v", err)
	}
	if t == cmap.Binary {
		// The value names a file, "-" the standard input.
		var b []byte
		if text == "-" {
			b, err = io.ReadAll(c.env.Stdin)
		} else {
			b, err = os.ReadFile(text)
		}
		if err != nil {
			return c.fail("Can't open input file: %s", tool.Reason(err))
		}
		v = cmap.Bytes(b)
	}
	if err := c.m.Set(ctx, c.real(key), v); err != nil {
		return c.fail("Failed to set key %s. Error %v", key, outcome(err))
	}
	return 0
}

func (c *cmapctl) deleteAll(ctx context.Context, prefix string) int {
	var keys []string
	for e, err := range c.m.All(ctx, c.real(prefix)) {
		if err != nil {
			return c.fail("Failed to initialize iteration. Error %v", outcome(err))
		}
		keys = append(keys, e.Key)
	}
	for _, key := range keys {
		if err := c.m.Delete(ctx, key); err != nil {
			fmt.Fprintf(c.env.Stderr, "Can't delete key %s. Error %v\n", key, outcome(err))
		}
	}
	return 0
}

// load carries out the lines of a file: "key type value", "^key" deletes a key, "^^prefix" all below. A file that
// cannot be opened is told, and no failure; the first line that cannot be carried out ends it.
func (c *cmapctl) load(ctx context.Context, file string) int {
	r := c.env.Stdin
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			fmt.Fprintf(c.env.Stderr, "Couldn't open file.: %s\n", tool.Reason(err))
			return 0
		}
		defer f.Close()
		r = f
	}
	for lines := bufio.NewScanner(r); lines.Scan(); {
		line := strings.TrimLeft(lines.Text(), " \t")
		words := strings.FieldsFunc(line, func(r rune) bool { return r == ' ' })
		code := 0
		switch {
		case line == "" || line[0] == '#':
		case strings.HasPrefix(words[0], "^^"):
			code = c.deleteAll(ctx, words[0][2:])
		case words[0][0] == '^':
			if err := c.m.Delete(ctx, c.real(words[0][1:])); err != nil {
				fmt.Fprintf(c.env.Stderr, "Can't delete key %s. Error %v\n", words[0][1:], outcome(err))
			}
		case len(words) < 3:
			code = c.fail("Both type and value for key %s are required", words[0])
		default:
			code = c.set(ctx, words[0], words[1], words[2])
		}
		if code != 0 {
			return code
		}
	}
	return 0
}

// track prints changes until the program is interrupted, or the standard input ends.
func (c *cmapctl) track(ctx context.Context, prefix bool, keys []string) int {
	what := cmap.Added | cmap.Modified | cmap.Deleted
	if prefix {
		what |= cmap.Prefix
	}
	for _, key := range keys {
		if err := c.m.Track(ctx, c.real(key), what); err != nil {
			return c.fail("Failed to add tracking function. Error %v", outcome(err))
		}
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = io.Copy(io.Discard, c.env.Stdin)
	}()
	fmt.Fprintln(c.env.Stdout, "Type \"q\" to finish")
	for {
		select {
		case e, ok := <-c.m.Events():
			if !ok {
				return c.fail("Dispatch error %v", local.Library)
			}
			word, v := "modify> ", e.New
			switch e.Change {
			case cmap.Added:
				word = "create> "
			case cmap.Deleted:
				word, v = "delete> ", e.Old
			}
			fmt.Fprint(c.env.Stdout, word)
			c.print(c.shown(e.Key), v)
		case <-ended:
			return 0
		case <-ctx.Done():
			return 0
		}
	}
}
