package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"hacluster/cib"
	"hacluster/cib/xml"
	"hacluster/internal/tool"
	"hacluster/internal/verify"
)

func readAll(r io.Reader) ([]byte, error) { return io.ReadAll(io.LimitReader(r, xml.MaxSize+1)) }

// legacy checks as Pacemaker 1.1 did, in its words: lines with -V only, then what came
// of it. What it could not know, since it was deprecated only later, is left out.
func (s *settings) legacy(ctx context.Context) int {
	say := func(text string) { fmt.Fprintln(s.env.Stderr, text) }
	src, err := s.load(ctx)
	var unread errUnread
	switch {
	case errors.Is(err, errNoInput):
		say("No configuration source specified.  Use --help for usage information.")
		return legacyNoData
	case errors.As(err, &unread):
		f := verify.Broken(src.Name, unread.error).Findings[0]
		if f.Pos.Line > 0 {
			say(fmt.Sprintf("%s:%d:%d: %s", src.Name, f.Pos.Line, f.Pos.Col, f.Text))
		}
		switch src.Name {
		case "string":
			say("Couldn't parse input string: " + s.file + s.text)
		case "stdin":
			say("Couldn't parse input from STDIN.")
		default:
			say("Couldn't parse input file: " + src.Name)
		}
		return legacyNoData
	case err != nil:
		say("Live CIB query failed: " + tool.TextOf(err))
		return 256 - int(cib.CodeOf(err))
	}
	if s.save != "" {
		if err := os.WriteFile(s.save, xml.Format(src.Root), 0o600); err != nil {
			say("Could not write " + s.save + ": " + tool.Reason(err))
			return int(tool.Error)
		}
	}
	r := verify.Check(src, time.Now())
	if src.Root.Tag != "cib" {
		say("This tool can only check complete configurations (i.e. those starting with <cib>).")
		return legacyBadMessage
	}
	r.Forget(func(f verify.Finding) bool {
		return f.Rule == "no-schema" || f.Severity == verify.Warning && strings.HasPrefix(f.Text, "Support for ")
	})
	for _, f := range r.Findings {
		switch {
		case f.Rule == "configuration":
			if s.out.Verbose > 0 {
				for _, l := range legacyLines(f.Text) {
					say(fmt.Sprintf("%8s: %s", f.Severity, l))
				}
			}
		case f.Rule == "upgrade":
			say(f.Text)
		case f.Severity == verify.Error:
			say(r.At(f) + ": " + f.Text)
		}
	}
	var lines []string
	switch {
	case r.Invalid():
		lines = []string{"Errors found during check: config not valid", "  -V may provide more details"}
	case r.Doubtful():
		lines = []string{"Warnings found during check: config may not be valid", "  Use -V for more details"}
	default:
		return int(tool.OK)
	}
	if s.out.Verbose > 0 {
		lines = lines[:1]
	}
	if !s.quiet {
		say(strings.Join(lines, "\n"))
	}
	return legacyFound
}

// Exit codes of Pacemaker 1.1's crm_verify: negative error numbers, of which the system
// keeps the low eight bits.
const (
	legacyFound      = 256 - int(cib.Generic)
	legacyNoData     = 256 - 61 // ENODATA
	legacyBadMessage = 256 - 74 // EBADMSG
)

// legacyLines gives a message in the words of Pacemaker 1.1, where they differ.
func legacyLines(text string) []string {
	if strings.HasPrefix(text, "Resource start-up disabled since no fencing resources have been defined") {
		return []string{
			"unpack_resources:\tResource start-up disabled since no STONITH resources have been defined",
			"unpack_resources:\tEither configure some or disable STONITH with the stonith-enabled option",
			"unpack_resources:\tNOTE: Clusters with shared data need STONITH to ensure data integrity",
		}
	}
	return []string{text}
}
