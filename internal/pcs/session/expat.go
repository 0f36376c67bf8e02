package session

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"hacluster/cib/xml"
)

// expat are pcs's words for what is wrong with a document, by a part of ours; shift is how much further to the right
// it sees the mistake.
var expat = []struct {
	ours, words string
	shift       int
	atEnd       bool
}{
	{ours: "the document is empty", words: "no element found", atEnd: true},
	{ours: "has no end tag", words: "no element found", atEnd: true},
	{ours: "the start tag of", words: "unclosed token"},
	{ours: "does not end", words: "unclosed token"},
	{ours: "closes element", words: "mismatched tag", shift: 2},
	{ours: "extra content", words: "junk after document element"},
	{ours: "a start tag was expected", words: "syntax error"},
	{ours: "stands twice", words: "duplicate attribute"},
	{ours: "is not defined", words: "undefined entity"},
	{ours: "is not declared", words: "unbound prefix"},
}

// ExpatReason tells why a document could not be read in the words of the parser that pcs uses.
func ExpatReason(data []byte, err error) string {
	var x *xml.Error
	if !errors.As(err, &x) {
		return err.Error()
	}
	for _, e := range expat {
		if !strings.Contains(x.Msg, e.ours) {
			continue
		}
		line, col := x.Line, x.Col-1+e.shift
		if e.atEnd {
			line = bytes.Count(data, []byte("\n")) + 1
			col = len(data) - 1 - bytes.LastIndexByte(data, '\n')
		} else if e.words == "unclosed token" {
			// It is the tag that is told of, not where in it the end was missed.
			at := bytes.LastIndexByte(upTo(data, x.Line, x.Col), '<')
			if at >= 0 {
				line = bytes.Count(data[:at], []byte("\n")) + 1
				col = at - 1 - bytes.LastIndexByte(data[:at], '\n')
			}
		}
		return fmt.Sprintf("%s: line %d, column %d", e.words, line, col)
	}
	return fmt.Sprintf("not well-formed (invalid token): line %d, column %d", x.Line, x.Col-1)
}

// upTo is the document up to a place and with it.
func upTo(data []byte, line, col int) []byte {
	at := 0
	for ; line > 1; line-- {
		n := bytes.IndexByte(data[at:], '\n')
		if n < 0 {
			return data
		}
		at += n + 1
	}
	return data[:min(at+col, len(data))]
}
