package pcsd

import (
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"testing"

	"hacluster/internal/pcs/session"
)

// TestForwardedForTheUser: a call that is passed on to another host is made there for the user who made it here, and not for
// hacluster, whose token the host has.
func TestForwardedForTheUser(t *testing.T) {
	got := map[string]string{}
	other := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, c := range r.Cookies() {
			got[c.Name] = c.Value
		}
		got["path"], got["name"] = r.URL.Path, r.FormValue("name")
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, "Permission denied")
	}))
	defer other.Close()
	host, port, err := net.SplitHostPort(other.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	known := fmt.Sprintf(`{"format_version":1,"data_version":1,"known_hosts":{"n2":{"dest_list":[{"addr":%q,"port":%s}],"token":"T"}}}`, host, port)
	if err := os.WriteFile(dir+"/known-hosts", []byte(known), 0o600); err != nil {
		t.Fatal(err)
	}
	s := &Server{conf: Config{Paths: session.Paths{PcsdDir: dir}}}
	r := &request{Request: httptest.NewRequest(http.MethodPost, "/remote/cluster_stop", nil), form: url.Values{"name": {"n2"}}, user: "ann", groups: []string{"haclient", "ops"}}
	a := forwarded("cluster_stop", func(*Server, *request) answer { return ok("here") })(s, r)
	if a.code != http.StatusForbidden || a.body != "Permission denied" {
		t.Errorf("answered %d %q", a.code, a.body)
	}
	groups, err := base64.StdEncoding.DecodeString(got["CIB_user_groups"])
	if err != nil || got["path"] != "/remote/cluster_stop" || got["name"] != "" || got["CIB_user"] != "ann" || string(groups) != "haclient ops" || got["token"] != "T" {
		t.Errorf("the host was asked %q for groups %q (%v)", got, groups, err)
	}
}
