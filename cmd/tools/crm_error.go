package main

import (
	"context"
	"math"
	"strconv"
	"strings"

	"hacluster/internal/program"
	"hacluster/internal/tool"
	"hacluster/internal/tool/result"
)

func init() { programs["crm_error"] = crmError }

// codeTable is one kind of result codes.
type codeTable struct {
	name, text func(int) string
	spans      [][2]int // where its codes are
	unnamed    string   // the name of those that are not listed
}

var (
	legacyCodes = codeTable{
		name: result.LegacyName, text: func(n int) string { return result.Legacy(n).String() },
		spans: [][2]int{{0, result.LastLegacy}}, unnamed: result.Code(1 << 20).Name(),
	}
	returnCodes = codeTable{
		name: func(n int) string { return result.Code(n).Name() }, text: func(n int) string { return result.Code(n).String() },
		spans: [][2]int{{int(result.First), int(result.Last)}, {0, 256}}, unnamed: result.Code(1 << 20).Name(),
	}
	exitCodes = codeTable{
		name: func(n int) string { return tool.Exit(n).Name() }, text: func(n int) string { return tool.Exit(n).String() },
		spans: [][2]int{{0, 255}}, unnamed: tool.Exit(-1).Name(),
	}
)

func crmError(_ context.Context, env *program.Env) int {
	var list, named bool
	table := legacyCodes
	kind := func(t codeTable) func(string) error {
		return func(string) error { table = t; return nil }
	}
	out, words, code := tool.Start(env, &tool.Program{
		Summary: "tell what result codes mean", Usage: "[--] CODE…",
		Options: []tool.Option{
			{Short: 'n', Long: "name", Do: tool.Flag(&named), Help: "show names, too"},
			{Short: 'l', Long: "list", Do: tool.Flag(&list), Help: "show all codes"},
			{Short: 'X', Long: "exit", Do: kind(exitCodes), Help: "codes are exit codes"},
			{Short: 'r', Long: "rc", Do: kind(returnCodes), Help: "codes are return codes of functions"},
		},
	})
	if out == nil {
		return code
	}
	show := func(n int, number bool) {
		name, text := table.name(n), table.text(n)
		if !named {
			name = ""
		}
		switch {
		case number && named:
			out.Info("%5d: %-26s  %s", n, name, text)
		case number:
			out.Info("%5d: %s", n, text)
		case named:
			out.Info("%s - %s", name, text)
		default:
			out.Info("%s", text)
		}
		out.Element("result-code", "code", strconv.Itoa(n), "name?", name, "description", text)
	}
	if list || len(words) == 0 {
		for _, span := range table.spans {
			for n := span[0]; n <= span[1]; n++ {
				if table.name(n) != table.unnamed {
					show(n, true)
				}
			}
		}
		return out.Finish(tool.OK, nil)
	}
	for _, w := range words {
		if w == "--" { // the first one is gone already
			continue
		}
		show(leadingInt(w), out.Verbose > 0)
	}
	return out.Finish(tool.OK, nil)
}

// leadingInt reads the whole number that a word begins with, clipped to 32 bits; a
// word without one counts as the smallest.
func leadingInt(w string) int {
	w = strings.TrimLeft(w, " \t\n\v\f\r")
	sign := ""
	if w != "" && (w[0] == '-' || w[0] == '+') {
		sign, w = w[:1], w[1:]
	}
	digits := w[:len(w)-len(strings.TrimLeft(w, "0123456789"))]
	n, err := strconv.ParseInt(sign+digits, 10, 32)
	switch {
	case err == nil:
		return int(n)
	case digits == "" || sign == "-":
		return math.MinInt32
	}
	return math.MaxInt32
}
