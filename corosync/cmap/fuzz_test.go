package cmap

import "testing"

// FuzzParseValue: whatever is typed as a value of whatever type is one of that type, or refused.
func FuzzParseValue(f *testing.F) {
	for _, s := range []string{"0", " -1", "99999999999999999999", "1.5", "nan", "text", ""} {
		for t := range 14 {
			f.Add(uint8(t), s)
		}
	}
	f.Fuzz(func(t *testing.T, kind uint8, text string) {
		v, err := Parse(Type(kind), text)
		if err == nil && v.Type != Type(kind) {
			t.Errorf("%q as type %d is %v", text, kind, v)
		}
		if err == nil {
			_ = v.String()
		}
	})
}
