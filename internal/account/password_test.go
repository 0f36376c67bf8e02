package account

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// CVE-2022-1049: accounts and passwords that have expired.
func TestCVE_2022_1049(t *testing.T) {
	const day = 20000
	hash := "$6$x$" + "KHGmvbWwYXsaDIbHzoyhJHc0E.EBfdBhPTyNo5nKwCnmL8jiyVQEQVPXJLPDAFFnr9KoNDKGGGE6tmbGdHxwO0"
	for _, c := range []struct {
		entry string
		want  bool
	}{
		{"u:H:19000:0:99999:7:::", false},
		{"u:H:19000:0:99999:7::20000:", true},
		{"u:H:19000:0:99999:7::20001:", false},
		{"u:H:19000:0:90:7:::", true},
		{"u:H:19950:0:90:7:::", false},
		{"u:H:0:0:99999:7:::", true},
		{"u:H:::::::", false},
		{"u:H:19000:0:-1:7:::", false},
		{"u:H", false},
	} {
		if got := expired(strings.Split(strings.Replace(c.entry, "H", hash, 1), ":"), day); got != c.want {
			t.Errorf("%s: %v, want %v", c.entry, got, c.want)
		}
	}
	// The system's helper is asked about both: whether the password is right, and whether the account is good.
	helper := filepath.Join(t.TempDir(), "chkpwd")
	script := "#!/bin/sh\n[ \"$2\" = nonull ] && exit 0\n[ \"$1\" = good ] && exit 0\nexit 13\n"
	if err := os.WriteFile(helper, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	p := Passwords{Helper: []string{helper}}
	for user, want := range map[string]bool{"good": true, "expired": false} {
		if got, err := p.Check(context.Background(), user, "x"); got != want || err != nil {
			t.Errorf("%s: %v, %v", user, got, err)
		}
	}
}
