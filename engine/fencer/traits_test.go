package fencer

import (
	"reflect"
	"testing"
)

// TestParseTraits: booleans of an agent's meta-data are read as all others are, in any case of letters.
func TestParseTraits(t *testing.T) {
	const plug = `<parameter name="plug"/>`
	for _, c := range []struct {
		parameters, actions string
		want                Traits
	}{
		{"", `<action name="off"/>`, Traits{Known: true, Plug: "port"}},
		{plug, `<action name="reboot"/><action name="list"/><action name="status"/>`, Traits{Known: true, List: true, Status: true, Reboot: true, Plug: "plug"}},
		{plug, `<action name="on" automatic="TRUE" on_target="Y"/><action name="off" on_target="2"/>`, Traits{Known: true, On: true, Automatic: true, OnTarget: []string{"on"}, Plug: "plug"}},
		{plug, `<action name="on" automatic="No" required="Yes"/>`, Traits{Known: true, On: true, Automatic: true, Plug: "plug"}},
		{plug, `<action name="on" automatic="0"/><action name="off" automatic="1"/>`, Traits{Known: true, On: true, Plug: "plug"}},
	} {
		text := "<resource-agent><parameters>" + c.parameters + "</parameters><actions>" + c.actions + "</actions></resource-agent>"
		if got := ParseTraits(text); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, want %+v", c.actions, got, c.want)
		}
	}
	if got := ParseTraits("<resource-agent"); got.Known {
		t.Errorf("what is no XML is known: %+v", got)
	}
}
