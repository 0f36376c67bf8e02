package pcsd

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"hacluster/internal/pcsd/library"
)

// The times and numbers of tasks. A task whose end nobody has seen is kept longer; who starts more than the server
// carries out at once is told to wait.
const (
	keepSeen   = time.Minute
	keepUnseen = 2 * time.Minute
	mostTasks  = 256
)

// taskCommand is a command as a client names it in version 2 of the API.
type taskCommand struct {
	Name    string                     `json:"command_name"`
	Params  map[string]json.RawMessage `json:"params"`
	Options taskOptions                `json:"options"`
}

type taskOptions struct {
	Timeout *int     `json:"request_timeout"`
	User    *string  `json:"effective_username"`
	Groups  []string `json:"effective_groups"`
}

// taskResult is a task as it is shown.
type taskResult struct {
	Ident   string      `json:"task_ident"`
	Command taskCommand `json:"command"`
	Reports []libReport `json:"reports"`
	State   string      `json:"state"`
	Finish  string      `json:"task_finish_type"`
	Kill    *string     `json:"kill_reason"`
	Result  any         `json:"result"`
}

type task struct {
	taskResult
	owner       string
	cancel      context.CancelFunc
	ended       chan struct{}
	finished    time.Time
	seen        time.Time
	killRequest bool
}

// tasks are the commands of version 2 that run or have run lately.
type tasks struct {
	now func() time.Time
	mu  sync.Mutex
	all map[string]*task
}

// sweep forgets tasks whose time is over.
func (t *tasks) sweep() {
	now := t.now()
	for id, x := range t.all {
		if x.finished.IsZero() {
			continue
		}
		if !x.seen.IsZero() && now.Sub(x.seen) > keepSeen || now.Sub(x.finished) > keepUnseen {
			delete(t.all, id)
		}
	}
}

// start begins a task; false means that there are too many.
func (t *tasks) start(owner string, c taskCommand, run func(ctx context.Context) outcome) (*task, bool) {
	id, err := newUUID()
	if err != nil {
		return nil, false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sweep()
	if len(t.all) >= mostTasks {
		return nil, false
	}
	ctx, cancel := context.WithCancel(context.Background())
	x := &task{owner: owner, cancel: cancel, ended: make(chan struct{})}
	x.taskResult = taskResult{Ident: id, Command: c, Reports: []libReport{}, State: "EXECUTED", Finish: "UNFINISHED"}
	t.all[id] = x
	go func() {
		defer close(x.ended)
		defer cancel()
		o := run(ctx)
		t.mu.Lock()
		defer t.mu.Unlock()
		x.State, x.finished, x.Finish = "FINISHED", t.now(), "FAIL"
		x.Reports, x.Result = o.reports, o.data
		switch {
		case x.killRequest:
			reason := "USER"
			x.Finish, x.Kill, x.Result = "KILL", &reason, nil
		case o.crashed:
			x.Finish = "UNHANDLED_EXCEPTION"
		case o.ok:
			x.Finish = "SUCCESS"
		}
	}()
	return x, true
}

// find gives a task of an owner as it is now.
func (t *tasks) find(id, owner string) (taskResult, *task, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sweep()
	x, ok := t.all[id]
	if !ok || x.owner != owner {
		return taskResult{}, nil, false
	}
	if !x.finished.IsZero() && x.seen.IsZero() {
		x.seen = t.now()
	}
	return x.taskResult, x, true
}

func (t *tasks) kill(x *task) {
	t.mu.Lock()
	if x.finished.IsZero() {
		x.killRequest = true
	}
	t.mu.Unlock()
	x.cancel()
}

func apiError(code int, message string) answer {
	var m any
	if message != "" {
		m = message
	}
	a := okJSON(struct {
		Code    int    `json:"http_code"`
		Error   string `json:"http_error"`
		Message any    `json:"error_message"`
	}{code, http.StatusText(code), m})
	a.code = code
	return a
}

// apiV2 answers calls of version 2: commands as tasks. name is what follows api/v2/.
func (s *Server) apiV2(r *request, name string) answer {
	switch name {
	case "task/run", "task/create", "task/kill":
		if r.Method != http.MethodPost {
			return apiError(http.StatusMethodNotAllowed, "")
		}
		if r.Header.Get("Content-Type") != "application/json" {
			return apiError(http.StatusBadRequest, "Request body is missing, has wrong format or wrong/missing headers.")
		}
	case "task/result":
		if r.Method != http.MethodGet {
			return apiError(http.StatusMethodNotAllowed, "")
		}
		id := r.URL.Query().Get("task_ident")
		if id == "" {
			return apiError(http.StatusBadRequest, `URL argument "task_ident" is missing.`)
		}
		res, _, ok := s.tasks.find(id, r.login)
		if !ok {
			return apiError(http.StatusNotFound, "Task with this identifier does not exist.")
		}
		return okJSON(res)
	default:
		return apiError(http.StatusNotFound, "")
	}
	body, ok := readObject(r)
	if !ok {
		return apiError(http.StatusBadRequest, "Malformed JSON data.")
	}
	keys := []string{"command_name", "params", "options"}
	if name == "task/kill" {
		keys = []string{"task_ident"}
	}
	if a := checkKeys(body, keys); a != nil {
		return *a
	}
	if name == "task/kill" {
		var id string
		if json.Unmarshal(body["task_ident"], &id) != nil {
			return apiError(http.StatusBadRequest, "Malformed request body.")
		}
		_, x, ok := s.tasks.find(id, r.login)
		if !ok {
			return apiError(http.StatusNotFound, "Task with this identifier does not exist.")
		}
		s.tasks.kill(x)
		return ok200()
	}
	var c taskCommand
	if json.Unmarshal(body["command_name"], &c.Name) != nil || json.Unmarshal(body["params"], &c.Params) != nil || json.Unmarshal(body["options"], &c.Options) != nil || c.Params == nil {
		return apiError(http.StatusBadRequest, "Malformed request body.")
	}
	x, ok := s.tasks.start(r.login, c, s.taskRun(r, c))
	if !ok {
		return apiError(http.StatusServiceUnavailable, "Too many tasks are being carried out.")
	}
	if name == "task/create" {
		return okJSON(map[string]string{"task_ident": x.Ident})
	}
	select {
	case <-x.ended:
	case <-r.Context().Done():
		s.tasks.kill(x)
		<-x.ended
	}
	res, _, ok := s.tasks.find(x.Ident, r.login)
	if !ok {
		return apiError(http.StatusInternalServerError, "")
	}
	return okJSON(res)
}

func ok200() answer { return ok("") }

// checkKeys refuses a body that lacks a key or has another.
func checkKeys(body map[string]json.RawMessage, keys []string) *answer {
	for _, k := range keys {
		if _, ok := body[k]; !ok {
			a := apiError(http.StatusBadRequest, fmt.Sprintf(`Required key "%s" is missing in request body.`, k))
			return &a
		}
	}
	var more []string
	for k := range body {
		if !slices.Contains(keys, k) {
			more = append(more, k)
		}
	}
	if len(more) > 0 {
		slices.Sort(more)
		a := apiError(http.StatusBadRequest, "Request body contains unexpected keys: "+strings.Join(more, ", ")+".")
		return &a
	}
	return nil
}

// taskRun is what a task does. Only hacluster may act for another user.
func (s *Server) taskRun(r *request, c taskCommand) func(ctx context.Context) outcome {
	as := *r
	if c.Options.User != nil && *c.Options.User != "" && r.login == adminUser {
		as.user, as.groups = *c.Options.User, c.Options.Groups
	}
	return func(ctx context.Context) outcome {
		cmd, known := library.Find(c.Name)
		if !known {
			return failure("COMMAND_UNKNOWN", "Unknown command '"+c.Name+"'")
		}
		if !s.mayRun(&as, cmd) {
			return failure("NOT_AUTHORIZED", "Current user is not authorized for this operation")
		}
		var options []string
		if c.Options.Timeout != nil && *c.Options.Timeout > 0 {
			options = append(options, fmt.Sprintf("--request-timeout=%d", *c.Options.Timeout))
		}
		return s.execute(ctx, &as, cmd, c.Params, options)
	}
}
