package fencer

import (
	"strings"
	"testing"
)

// FuzzParseTargets: whatever an agent lists, a target has a name as hosts have.
func FuzzParseTargets(f *testing.F) {
	for _, s := range []string{"a,b c;d", `a\nb`, "a,on\nb,off\n", "invalid use\n", "\u00e9a", "a:1;b:2", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, name := range ParseTargets(text) {
			if name == "" || strings.ContainsFunc(name, func(r rune) bool { return !inName(r) }) {
				t.Errorf("%q has the target %q", text, name)
			}
		}
	})
}

// FuzzParseTraits: whatever an agent tells of itself, the parameter that names the target is one of the known ones.
func FuzzParseTraits(f *testing.F) {
	f.Add(`<resource-agent name="f"><parameters><parameter name="plug"/></parameters><actions><action name="list"/><action name="on" automatic="1" on_target="true"/></actions></resource-agent>`)
	f.Add(`<resource-agent><parameters/></resource-agent>`)
	f.Add("")
	f.Fuzz(func(t *testing.T, metadata string) {
		tr := ParseTraits(metadata)
		if tr.Plug != "port" && tr.Plug != "plug" || !tr.Known && (tr.List || tr.Status || tr.Reboot || tr.On || tr.Automatic || len(tr.OnTarget) > 0) {
			t.Errorf("%q: %+v", metadata, tr)
		}
	})
}
