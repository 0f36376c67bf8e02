package session

import (
	"encoding/json"
	"net/url"
	"os"
	"slices"
	"strings"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcsd/client"
)

// rootVerbs need root: pcsd carries them out for other users, as far as these may. exact ones take no more words.
var rootVerbs = []struct {
	words []string
	exact bool
}{
	{words: []string{"cluster", "auth"}},
	{words: []string{"cluster", "corosync"}},
	{words: []string{"cluster", "destroy"}},
	{words: []string{"cluster", "disable"}},
	{words: []string{"cluster", "enable"}},
	{words: []string{"cluster", "node"}},
	{words: []string{"cluster", "pcsd-status"}},
	{words: []string{"cluster", "start"}},
	{words: []string{"cluster", "stop"}},
	{words: []string{"cluster", "sync"}},
	{words: []string{"host", "auth"}},
	{words: []string{"host", "deauth"}},
	{words: []string{"pcsd", "deauth"}},
	{words: []string{"pcsd", "status"}},
	{words: []string{"pcsd", "sync-certificates"}, exact: true},
	{words: []string{"quorum", "device", "status"}},
	{words: []string{"quorum", "status"}},
	{words: []string{"status"}, exact: true},
	{words: []string{"status", "corosync"}},
	{words: []string{"status", "pcsd"}},
	{words: []string{"status", "quorum"}},
	{words: []string{"status", "status"}},
}

func needsRoot(words []string) bool {
	for _, v := range rootVerbs {
		if n := len(v.words); len(words) >= n && slices.Equal(words[:n], v.words) && (!v.exact || len(words) == n) {
			return true
		}
	}
	return false
}

// Root tells whether the user is root.
func (s *Session) Root() bool { return os.Geteuid() == 0 && !s.World.Ordinary }

// AsRoot hands commands that need root to the local pcsd when an ordinary user typed them.
func (s *Session) AsRoot(words []string) (code int, done bool) {
	if s.Root() || !s.Live() || !needsRoot(words) {
		return 0, false
	}
	var options []string
	for _, o := range s.Opts.Names() {
		switch v, _ := s.Opts.Wait(); {
		case o == "--wait" && v != nil:
			options = append(options, "--wait="+*v)
		case !argv.TakesValue(o):
			options = append(options, o)
		case len(s.Opts.List(o)) > 0:
			for _, x := range s.Opts.List(o) {
				options = append(options, o, x)
			}
		default:
			options = append(options, o, s.Opts.Value(o))
		}
	}
	if len(words) > 1 && words[1] == "auth" {
		for _, q := range []struct {
			option string
			ask    func(string) (string, error)
			prompt string
		}{{"-u", s.Ask, "Username: "}, {"-p", s.AskPassword, "Password: "}} {
			if s.Opts.Has(q.option) {
				continue
			}
			v, err := q.ask(q.prompt)
			if err != nil {
				return 1, true
			}
			options = append(options, q.option, v)
		}
	}
	form := url.Values{}
	for name, list := range map[string][]string{"command": words, "options": options} {
		data, err := json.Marshal(append([]string{}, list...))
		if err != nil {
			s.Out.Error(err.Error())
			return 1, true
		}
		form.Set(name, string(data))
	}
	r := s.Remote().Call(s.Ctx, "localhost", client.Request{Path: "run_pcs", Form: form, Timeout: s.RequestTimeout(0)})
	if r.Kind == client.Unauthorized {
		s.Out.Error("Unable to authenticate against the local pcsd. Run the same command as root or authenticate yourself to the local pcsd using command 'pcs client local-auth'")
		return 1, true
	}
	if number, text := s.OldAnswer(r); number != SendOK {
		s.Out.Error(text)
		return 1, true
	}
	var a struct {
		Status string
		Data   struct {
			Stdout, Stderr string
			Code           int
		}
	}
	if json.Unmarshal([]byte(r.Body), &a) != nil {
		s.Out.Error("Unable to communicate with pcsd")
		return 1, true
	}
	switch a.Status {
	case "ok":
	case "bad_command":
		s.Out.Error("Command not allowed")
		return 1, true
	case "access_denied":
		s.Out.Error("Access denied")
		return 1, true
	default:
		s.Out.Error("Unable to communicate with pcsd")
		return 1, true
	}
	if strings.TrimSpace(a.Data.Stdout) != "" {
		s.Out.Print(a.Data.Stdout)
	}
	if strings.TrimSpace(a.Data.Stderr) != "" {
		_, _ = s.Env.Stderr.Write([]byte(a.Data.Stderr))
	}
	return a.Data.Code, true
}
