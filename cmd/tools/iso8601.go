package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/beevik/etree"

	"hacluster/cib/iso8601"
	"hacluster/internal/program"
	"hacluster/internal/tool"
)

func init() { programs["iso8601"] = iso8601Tool }

func iso8601Tool(_ context.Context, env *program.Env) int {
	var date, period, duration, expected *string
	var style iso8601.Style
	given := func(to **string) func(string) error {
		return func(v string) error { *to = &v; return nil }
	}
	show := func(s iso8601.Style) func(string) error {
		return func(string) error { style |= s; return nil }
	}
	out, _, code := tool.Start(env, &tool.Program{
		Summary: "show dates, periods and durations of ISO 8601, and count with them", Usage: "", Glued: "dpDE", OutputCode: true,
		Options: []tool.Option{
			{Short: 'n', Long: "now", Do: func(string) error { now := "now"; date = &now; return nil }, Group: "command", Help: "show the time of day"},
			{Short: 'd', Long: "date", Arg: tool.Required, Do: given(&date), Group: "command", Value: "DATE", Help: "read a date and time"},
			{Short: 'p', Long: "period", Arg: tool.Required, Do: given(&period), Group: "command", Value: "PERIOD", Help: "read a period, such as 2026-01-01/P1M"},
			{Short: 'D', Long: "duration", Arg: tool.Required, Do: given(&duration), Group: "command", Value: "DURATION", Help: "read a duration, and add it to the date"},
			{Short: 'E', Long: "expected", Arg: tool.Required, Do: given(&expected), Group: "command", Value: "DATE", Help: "exit with 1 when the result is another one"},
			{Short: 's', Long: "seconds", Do: show(iso8601.Since1), Group: "output", Help: "show seconds since 0001-01-01 00:00:00Z"},
			{Short: 'S', Long: "epoch", Do: show(iso8601.SinceEpoch), Group: "output", Help: "show seconds since 1970-01-01 00:00:00Z"},
			{Short: 'L', Long: "local", Do: show(iso8601.Zone), Group: "output", Help: "show the date's own time zone"},
			{Short: 'O', Long: "ordinal", Do: show(iso8601.Ordinal), Group: "output", Help: "show days of the year"},
			{Short: 'W', Long: "week", Do: show(iso8601.Weeks), Group: "output", Help: "show weeks and days of the week"},
		},
	})
	if out == nil {
		return code
	}
	now := tool.Now(env)
	bad := func(what, text string) int {
		return out.Finish(tool.InvalidParam, fmt.Errorf("Invalid %s specified: %s", what, text))
	}
	// where the XML of the end of a duration goes: a period before it holds it
	var inside *etree.Element
	element := func(tag, text string) {
		if inside != nil {
			tool.Add(inside, tag).SetText(text)
		} else {
			out.Element(tag).SetText(text)
		}
	}
	var at iso8601.Time
	if date != nil {
		title := "Date"
		if strings.EqualFold(*date, "now") {
			title, at = "Current date/time", iso8601.Of(now)
		} else {
			var err error
			if at, err = iso8601.Parse(*date, now); err != nil {
				return bad("date/time", *date)
			}
		}
		out.Info("%s: %s", title, at.Format(style))
		element("date", at.Format(style))
	}
	var length iso8601.Duration
	if duration != nil {
		var err error
		if length, err = iso8601.ParseDuration(*duration); err != nil {
			return bad("duration", *duration)
		}
		out.Info("Duration: %s", length)
		element("duration", length.String())
	}
	if period != nil {
		p, err := iso8601.ParsePeriod(*period, now)
		if err != nil {
			return bad("interval", *period)
		}
		out.Info("Period: %s to %s", p.Start.Format(style), p.End.Format(style))
		inside = out.Element("period")
		element("start", p.Start.Format(style))
		element("end", p.End.Format(style))
	}
	if date != nil && duration != nil {
		at = at.Add(length)
		out.Info("Duration ends at: %s", at.Format(style|iso8601.Zone))
		element("duration_ends", at.Format(style|iso8601.Zone))
	}
	if date != nil && expected != nil && !strings.EqualFold(*expected, at.Format(style)) {
		return out.Finish(tool.Error, nil)
	}
	return out.Finish(tool.OK, nil)
}
