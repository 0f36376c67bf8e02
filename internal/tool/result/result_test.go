package result_test

import (
	"testing"

	"hacluster/cib"
	"hacluster/internal/tool/result"
)

func TestCodes(t *testing.T) {
	for c, want := range map[result.Code][2]string{
		0:      {"pcmk_rc_ok", "OK"},
		2:      {"ENOENT", "No such file or directory"},
		35:     {"EDEADLOCK", "Resource deadlock avoided"},
		41:     {"Unknown", "Unknown error 41"},
		95:     {"EOPNOTSUPP", "Operation not supported"},
		109:    {"Unknown", "Too many references: cannot splice"},
		200:    {"Unknown", "Unknown error 200"},
		-1001:  {"pcmk_rc_error", "Error"},
		-1043:  {"pcmk_rc_digest_mismatch", "Digest does not match expected value"},
		-1044:  {"Unknown", "Error"},
		-5:     {"Unknown", "Error"},
		999999: {"Unknown", "Unknown error 999999"},
	} {
		if got := [2]string{c.Name(), c.String()}; got != want {
			t.Errorf("%d: %q, want %q", int(c), got, want)
		}
	}
	for n, want := range map[int]string{
		201: "pcmk_err_generic", 211: "Unknown", -217: "pcmk_err_unknown_format", 218: "Unknown", -5: "EIO",
	} {
		if got := result.LegacyName(n); got != want {
			t.Errorf("legacy %d: %q, want %q", n, got, want)
		}
	}
}

// TestCIB holds the codes of the CIB against the whole table.
func TestCIB(t *testing.T) {
	for _, c := range []cib.Code{
		cib.OK, cib.NotFound, cib.Access, cib.Exists, cib.NoDevice, cib.Invalid, cib.Timeout, cib.NoMessage, cib.Protocol, cib.ProtocolUnknown,
		cib.NotSupported, cib.NotConnected, cib.Generic, cib.NoQuorum, cib.SchemaValidation, cib.TransformFailed, cib.OldData, cib.DiffFailed,
		cib.DiffResync, cib.Modified, cib.Backup, cib.SaveFailed, cib.Corrupt,
	} {
		if l := result.Legacy(int(c)); c.String() != l.String() || c.Exit() != l.Exit() {
			t.Errorf("%d: %s (%d), want %s (%d)", int(c), c, c.Exit(), l, l.Exit())
		}
	}
}
