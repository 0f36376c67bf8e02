package pcsd

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"hacluster/internal/account"
)

// adminUser may always do everything; adminGroup's members may log in.
const (
	adminUser  = "hacluster"
	adminGroup = account.Administrators
)

// request is a call that has been let in.
type request struct {
	*http.Request
	form url.Values
	// user is whom the call is made for, groups theirs; login is whose token it is.
	user, login string
	groups      []string
}

func (r *request) value(name string) string { return r.form.Get(name) }
func (r *request) has(name string) bool     { return r.form.Has(name) }

// environment has pcs act for the user of the call.
func (r *request) environment() []string {
	return []string{"CIB_user=" + r.user, "CIB_user_groups=" + strings.Join(r.groups, " "), "LC_ALL=C"}
}

// answer is what goes back.
type answer struct {
	code int
	body string
}

func ok(body string) answer { return answer{http.StatusOK, body} }
func bad(format string, a ...any) answer {
	return answer{http.StatusBadRequest, fmt.Sprintf(format, a...)}
}
func plainBad(text string) answer { return answer{http.StatusBadRequest, text} }

func okJSON(v any) answer {
	data, err := json.Marshal(v)
	if err != nil {
		return answer{http.StatusInternalServerError, err.Error()}
	}
	return ok(string(data))
}

// endpoint is a call below /remote/.
type endpoint struct {
	// need is the right that it takes: "read", "write", "full", "grant", "" for any user.
	need string
	run  func(s *Server, r *request) answer
	// pacemaker has it refused where pacemaker does not run.
	pacemaker bool
}

var security = map[string]string{
	"Strict-Transport-Security": "max-age=63072000",
	"X-Content-Type-Options":    "nosniff",
	"X-Frame-Options":           "SAMEORIGIN",
	"Content-Security-Policy":   "frame-ancestors 'self'; default-src 'self'",
	"X-Xss-Protection":          "1; mode=block",
	"Cache-Control":             "no-store, no-cache",
	"Pragma":                    "no-cache",
	"Referrer-Policy":           "no-referrer",
}

// ServeHTTP answers one request and logs it, without what it carried.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	started := s.conf.Now()
	a := s.handle(w, r)
	for name, value := range security {
		w.Header().Set(name, value)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if strings.HasPrefix(r.URL.Path, "/api/") && a.code == http.StatusOK {
		w.Header().Set("Content-Type", "application/json")
	}
	w.Header().Set("Content-Length", fmt.Sprint(len(a.body)))
	w.WriteHeader(a.code)
	_, _ = w.Write([]byte(a.body)) // a client that has gone needs no answer
	s.conf.Log.Info(fmt.Sprintf("%d %s %s (%s) %.2fms", a.code, r.Method, r.URL.Path, address(r), float64(s.conf.Now().Sub(started))/float64(time.Millisecond)))
}

func address(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

const unauthorized = `{"notauthorized":"true"}`

func (s *Server) handle(w http.ResponseWriter, r *http.Request) answer {
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		return answer{http.StatusMethodNotAllowed, "<html><title>405: Method Not Allowed</title><body>405: Method Not Allowed</body></html>"}
	}
	r.Body = http.MaxBytesReader(w, r.Body, s.conf.maxBody())
	path := strings.Trim(r.URL.Path, "/")
	remote, isRemote := strings.CutPrefix(path, "remote/")
	v1, isV1 := strings.CutPrefix(path, "api/v1/")
	v2, isV2 := strings.CutPrefix(path, "api/v2/")
	switch {
	case isRemote, path == "run_pcs", path == "capabilities", isV1, isV2:
	default:
		return answer{http.StatusNotFound, "<html><title>404: Not Found</title><body>404: Not Found</body></html>"}
	}
	if isV1 {
		req := &request{Request: r}
		if !s.letIn(req) {
			return answer{http.StatusUnauthorized, `{"notauthorized": "true"}`}
		}
		return s.apiV1(req, v1)
	}
	if isV2 {
		req := &request{Request: r}
		if !s.letIn(req) {
			return apiError(http.StatusUnauthorized, "")
		}
		s.asThemselves(req)
		return s.apiV2(req, v2)
	}
	form, a := s.parseForm(r)
	if a != nil {
		return *a
	}
	req := &request{Request: r, form: form}
	if remote == "auth" {
		return s.auth(req)
	}
	if !s.letIn(req) {
		return answer{http.StatusUnauthorized, unauthorized}
	}
	switch {
	case path == "run_pcs":
		return s.runPcs(req)
	case path == "capabilities":
		return capabilities(s, req)
	}
	e, found := endpoints[remote]
	if !found {
		return answer{http.StatusNotFound, "Unknown Request"}
	}
	if e.pacemaker && !s.conf.Services.IsActive(r.Context(), "pacemaker") {
		return ok(pacemakerStopped)
	}
	if !s.may(req, e.need) {
		return answer{http.StatusForbidden, "Permission denied"}
	}
	return e.run(s, req)
}

func (s *Server) parseForm(r *http.Request) (url.Values, *answer) {
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") {
		return nil, &answer{http.StatusBadRequest, "multipart bodies are not supported"}
	}
	err := r.ParseForm()
	var tooLong *http.MaxBytesError
	switch {
	case errors.As(err, &tooLong):
		return nil, &answer{http.StatusRequestEntityTooLarge, "Request body is too large"}
	case err != nil:
		return nil, &answer{http.StatusBadRequest, "The form cannot be read"}
	}
	n := 0
	for _, v := range r.Form {
		n += len(v)
	}
	if int64(n) > s.conf.maxParams() {
		return nil, &answer{http.StatusBadRequest, "The form has too many fields"}
	}
	return r.Form, nil
}

// cookies reads the header of any shape: values may be empty or percent-encoded.
func cookies(r *http.Request) map[string]string {
	out := map[string]string{}
	for _, line := range r.Header.Values("Cookie") {
		for part := range strings.SplitSeq(line, ";") {
			name, value, found := strings.Cut(strings.TrimSpace(part), "=")
			if !found || name == "" {
				continue
			}
			if dec, err := url.QueryUnescape(value); err == nil && strings.Contains(value, "%") {
				value = dec
			}
			if _, have := out[name]; !have {
				out[name] = value
			}
		}
	}
	return out
}

// letIn finds whose token a request has. A token of the administrator may act for another user.
func (s *Server) letIn(r *request) bool {
	c := cookies(r.Request)
	user := ""
	var err error
	if _, sent := c["token"]; sent {
		user, err = s.users.find(c["token"])
	} else {
		user = s.localUser(r.Request)
	}
	if err != nil {
		s.conf.Log.Error("Unable to read the tokens", "reason", err)
	}
	if user == "" {
		return false
	}
	// A token is no better than its user: who has left the administrators is out.
	groups, err := s.conf.Groups(user)
	if err != nil || !slices.Contains(groups, adminGroup) {
		return false
	}
	r.login, r.user, r.groups = user, user, groups
	if other := strings.TrimSpace(c["CIB_user"]); user == adminUser && other != "" {
		r.user = other
		if data, err := base64.StdEncoding.DecodeString(c["CIB_user_groups"]); err == nil && len(data) > 0 {
			r.groups = strings.Fields(string(data))
		}
	}
	return true
}

// asThemselves has a request act for whom the token belongs to, whatever its cookies say.
func (s *Server) asThemselves(r *request) {
	r.user, r.groups = r.login, nil
	if groups, err := s.conf.Groups(r.login); err == nil {
		r.groups = groups
	}
}

// auth lets a user log in: the answer is a token, or nothing.
func (s *Server) auth(r *request) answer {
	if r.Method != http.MethodPost || !r.PostForm.Has("username") || !r.PostForm.Has("password") {
		return answer{http.StatusBadRequest, "<html><title>400: Bad Request</title><body>400: Bad Request</body></html>"}
	}
	user, password, from := r.PostForm.Get("username"), r.PostForm.Get("password"), address(r.Request)
	if !s.logins.allowed(from) {
		s.conf.Log.Warn("Failed login: too many attempts", "from", from)
		return ok("")
	}
	right, err := s.conf.CheckPassword(r.Context(), user, password)
	if err != nil {
		s.conf.Log.Error("Unable to check a password", "reason", err)
	}
	if right {
		groups, err := s.conf.Groups(user)
		right = err == nil && slices.Contains(groups, adminGroup)
	}
	if !right {
		s.logins.fail(from)
		s.conf.Log.Warn(fmt.Sprintf("Failed login by '%s': bad username or password", printable(user)))
		return ok("")
	}
	token, err := s.users.create(user, s.conf.Now())
	if err != nil {
		s.conf.Log.Error("Unable to store token", "reason", err)
		return plainBad("Unable to store token")
	}
	s.conf.Log.Info(fmt.Sprintf("Successful login by '%s'", printable(user)))
	if r.PostForm.Get("bidirectional") != "" {
		s.authOthers(r, user, password)
	}
	return ok(token)
}

// printable keeps a name from breaking a log line.
func printable(name string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f {
			return '?'
		}
		return c
	}, name)
}
