package quorumdevice

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"hacluster/corosync/qdevice"
)

// maxCommand is the longest command that a local socket takes, in bytes.
const maxCommand = 4096

// control is a local socket that tools ask: one command a connection, answered with
// "OK" or "Error", a newline and text.
type control struct {
	l   net.Listener
	log *slog.Logger
	// do answers a command. Its text is written whether it succeeds or not.
	do func(c command) (string, error)
}

// command is what a tool asks for: status, list or shutdown.
type command struct {
	verb    string
	verbose bool
	cluster string // "" for all
}

// openControl listens at path; a socket that nobody answers is removed first.
func openControl(path string, log *slog.Logger, do func(command) (string, error)) (*control, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o770); err != nil {
		return nil, err
	}
	if c, err := net.Dial("unix", path); err == nil {
		_ = c.Close()
		return nil, fmt.Errorf("%s is in use: is another daemon running?", path)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o660); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	c := &control{l: l, log: log, do: do}
	go c.serve()
	return c, nil
}

func (c *control) close() { _ = c.l.Close() }

func (c *control) serve() {
	for {
		conn, err := c.l.Accept()
		if err != nil {
			return
		}
		go c.answer(conn)
	}
}

func (c *control) answer(conn net.Conn) {
	defer conn.Close() //nolint:errcheck // all was written
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	line, err := bufio.NewReader(io.LimitReader(conn, maxCommand)).ReadString('\n')
	if err != nil {
		return
	}
	cmd, err := parseCommand(line)
	text := ""
	if err == nil {
		text, err = c.do(cmd)
	}
	if err != nil {
		_, _ = fmt.Fprintf(conn, "Error\n%v\n", err)
		return
	}
	_, _ = io.WriteString(conn, "OK\n"+text)
}

// parseCommand reads "list verbose cluster "NAME"". Quotes and backslashes are a shell's.
func parseCommand(line string) (c command, err error) {
	words, err := qdevice.Words(strings.Trim(line, "\r\n\x00"))
	if err != nil {
		return c, err
	}
	if len(words) == 0 {
		return c, errors.New("No command specified")
	}
	c.verb = strings.ToLower(words[0])
	for i := 1; i < len(words); i++ {
		switch strings.ToLower(words[i]) {
		case "verbose":
			c.verbose = true
		case "cluster":
			if i++; i == len(words) {
				return c, errors.New("Option \"cluster\" requires an argument")
			}
			c.cluster = words[i]
		default:
			return c, fmt.Errorf("Unknown option %q", words[i])
		}
	}
	return c, nil
}

// Ask sends a command to a daemon's local socket. Its answer goes to out; an answer
// that says no is an error of type Refused.
func Ask(ctx context.Context, socket, verb string, verbose bool, cluster string, out io.Writer) error {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", socket)
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // all was read
	line := verb + " "
	if verbose {
		line += "verbose "
	}
	if cluster != "" {
		line += `cluster "` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(cluster) + `" `
	}
	// The originals end a command with a newline and a zero.
	if _, err := io.WriteString(conn, line+"\n\x00"); err != nil {
		return err
	}
	r := bufio.NewReader(conn)
	word, err := r.ReadString('\n')
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnknownAnswer, err)
	}
	switch strings.ToLower(strings.TrimSpace(word)) {
	case "ok":
		_, err = io.Copy(out, r)
		return err
	case "error":
		text, err := io.ReadAll(io.LimitReader(r, 1<<16))
		if err != nil {
			return err
		}
		return Refused(text)
	}
	return ErrUnknownAnswer
}

// ErrUnknownAnswer is an answer that begins with neither OK nor Error.
var ErrUnknownAnswer = errors.New("unknown status line")

// Refused is a daemon's answer that it will not; its text ends with a newline.
type Refused string

func (r Refused) Error() string { return string(r) }
