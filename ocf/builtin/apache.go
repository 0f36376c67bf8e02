package builtin

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"hacluster/ocf"
)

func apache() *agent {
	a := &agent{
		provider: "heartbeat", typ: "apache", short: "Manages an Apache web server instance",
		long: "Starts the web server with a configuration file, watches its process and its status page, and stops it.",
		params: []param{
			{name: "configfile", def: "/etc/httpd/conf/httpd.conf", short: "The configuration file", unique: true},
			{name: "httpd", short: "The server's program; looked for where it is not given"},
			{name: "statusurl", short: "The address of the status page; without it only the process is watched"},
			{name: "options", short: "Further options for the program"},
			{name: "port", short: "Not used: the configuration file says it"},
		},
		actions: []action{
			{name: "start", timeout: "40s"},
			{name: "stop", timeout: "60s"},
			{name: "monitor", timeout: "20s", interval: "10s"},
			{name: "status", timeout: "30s"},
			{name: "validate-all", timeout: "5s"},
		},
	}
	a.run = func(ctx context.Context, e *Env, action string) int {
		conf := e.param(a, "configfile")
		pidFile, err := apachePIDFile(conf)
		if err != nil {
			switch action {
			case "stop":
				return ocf.CodeOK
			case "monitor", "status":
				return ocf.CodeNotRunning
			}
			return e.fail(ocf.CodeNotConfigured, "%v", err)
		}
		pid := alivePID(pidFile)
		switch action {
		case "status", "monitor":
			if pid == 0 {
				return ocf.CodeNotRunning
			}
			if action == "status" {
				return ocf.CodeOK
			}
			if err := checkPage(ctx, e.param(a, "statusurl")); err != nil {
				return e.fail(ocf.CodeError, "%v", err)
			}
			return ocf.CodeOK
		case "stop":
			return stopProcess(ctx, e, pid)
		}
		program, err := apacheProgram(e.param(a, "httpd"))
		if err != nil {
			return e.fail(ocf.CodeNotInstalled, "%v", err)
		}
		args := append(strings.Fields(e.param(a, "options")), "-f", conf)
		if action == "validate-all" {
			if out, err := exec.CommandContext(ctx, program, append([]string{"-t"}, args...)...).CombinedOutput(); err != nil {
				return e.fail(ocf.CodeNotConfigured, "%s: %s", conf, strings.TrimSpace(string(out)))
			}
			return ocf.CodeOK
		}
		if pid != 0 {
			return ocf.CodeOK
		}
		if err := os.MkdirAll(filepath.Dir(pidFile), 0o755); err != nil {
			return e.fail(ocf.CodeError, "%v", err)
		}
		if out, err := exec.CommandContext(ctx, program, append([]string{"-k", "start"}, args...)...).CombinedOutput(); err != nil {
			return e.fail(ocf.CodeError, "%s did not start: %s", program, strings.TrimSpace(string(out)))
		}
		for { // it is up when its page answers; the cluster's own limit ends the waiting
			if alivePID(pidFile) != 0 && checkPage(ctx, e.param(a, "statusurl")) == nil {
				return ocf.CodeOK
			}
			select {
			case <-ctx.Done():
				return e.fail(ocf.CodeError, "%s does not answer", conf)
			case <-time.After(200 * time.Millisecond):
			}
		}
	}
	return a
}

func apacheProgram(given string) (string, error) {
	list := []string{"/usr/sbin/httpd", "/usr/sbin/apache2", "/sbin/httpd", "/usr/sbin/httpd2"}
	if given != "" {
		list = []string{given}
	}
	for _, p := range list {
		if _, err := os.Stat(p); err == nil {
			return p, nil
		}
	}
	return "", errors.New("no web server is installed: looked for " + strings.Join(list, ", "))
}

// apachePIDFile reads from a configuration where the server keeps its process id.
func apachePIDFile(conf string) (string, error) {
	f, err := os.Open(conf)
	if err != nil {
		return "", err
	}
	defer f.Close()
	root, pid := "", ""
	sc := bufio.NewScanner(f)
	for sc.Scan() {
		w := strings.Fields(sc.Text())
		if len(w) < 2 {
			continue
		}
		value := strings.Trim(strings.Join(w[1:], " "), `"'`)
		switch strings.ToLower(w[0]) {
		case "serverroot":
			root = value
		case "pidfile":
			pid = value
		}
	}
	if pid == "" {
		pid = "/run/httpd/httpd.pid"
	}
	if !filepath.IsAbs(pid) {
		pid = filepath.Join(root, pid)
	}
	return pid, sc.Err()
}

func alivePID(file string) int {
	data, err := os.ReadFile(file)
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil || pid <= 1 || syscall.Kill(pid, 0) != nil {
		return 0
	}
	return pid
}

// checkPage asks for the status page; no address is no check.
func checkPage(ctx context.Context, url string) error {
	if url == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	c := &http.Client{Transport: &http.Transport{Proxy: nil, DisableKeepAlives: true}}
	resp, err := c.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK || !strings.Contains(strings.ToLower(string(body)), "</html>") {
		return errors.New(url + " answers " + resp.Status + " and no whole page")
	}
	return nil
}

// stopProcess ends a process in good order, then, as its time runs out, by force.
func stopProcess(ctx context.Context, e *Env, pid int) int {
	if pid == 0 {
		return ocf.CodeOK
	}
	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil && !errors.Is(err, syscall.ESRCH) {
		return e.fail(ocf.CodeError, "stop process %d: %v", pid, err)
	}
	gentle := time.After(10 * time.Second)
	for syscall.Kill(pid, 0) == nil {
		select {
		case <-gentle:
			_ = syscall.Kill(pid, syscall.SIGKILL)
		case <-ctx.Done():
			return e.fail(ocf.CodeError, "process %d does not end", pid)
		case <-time.After(50 * time.Millisecond):
		}
	}
	return ocf.CodeOK
}
