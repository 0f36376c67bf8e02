package lab

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-crypt/crypt/algorithm/shacrypt"
	"golang.org/x/term"

	"hacluster/internal/program"
)

// Command gives the program that a host of a lab knows by this name; nil when
// there is none.
func Command(name string) program.Func {
	switch name {
	case "systemctl", "service":
		return systemctl
	case "passwd":
		return passwd
	case "yum", "dnf":
		return yum
	case "firewall-cmd":
		return firewall
	case "fence_lab":
		return fenceLab
	}
	return nil
}

// passwd sets a user's password; it asks twice, on a terminal without echo, or with --stdin takes one line.
func passwd(_ context.Context, env *program.Env) int {
	user, piped := "root", false
	for _, a := range env.Args[1:] {
		switch {
		case a == "--stdin":
			piped = true
		case strings.HasPrefix(a, "-"):
			fmt.Fprintf(env.Stderr, "passwd: bad argument %s: unknown option\n", a)
			return 1
		default:
			user = a
		}
	}
	data, err := os.ReadFile("/etc/passwd")
	if err != nil {
		fmt.Fprintf(env.Stderr, "passwd: %v\n", err)
		return 1
	}
	if !slices.ContainsFunc(strings.Split(string(data), "\n"), func(l string) bool { return strings.HasPrefix(l, user+":") }) {
		fmt.Fprintf(env.Stderr, "passwd: Unknown user name '%s'.\n", user)
		return 1
	}
	if os.Geteuid() != 0 {
		fmt.Fprintln(env.Stderr, "passwd: Only root can set another user's password.")
		return 1
	}
	fmt.Fprintf(env.Stdout, "Changing password for user %s.\n", user)
	lines := bufio.NewReader(env.Stdin)
	ask := func(prompt string) (string, error) {
		if !piped {
			fmt.Fprint(env.Stderr, prompt)
		}
		if f, ok := env.Stdin.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
			p, err := term.ReadPassword(int(f.Fd()))
			fmt.Fprintln(env.Stderr)
			return string(p), err
		}
		l, err := lines.ReadString('\n')
		if err == io.EOF && l != "" {
			err = nil
		}
		return strings.TrimRight(l, "\r\n"), err
	}
	first, err := ask("New password: ")
	if err == nil && first == "" {
		err = fmt.Errorf("no password was given")
	}
	if err != nil {
		fmt.Fprintf(env.Stderr, "passwd: %v\n", err)
		return 1
	}
	again := first
	if !piped {
		again, err = ask("Retype new password: ")
	}
	if err != nil || again != first {
		fmt.Fprintln(env.Stderr, "Sorry, passwords do not match.\npasswd: Authentication token manipulation error")
		return 1
	}
	hasher, err := shacrypt.New(shacrypt.WithVariant(shacrypt.VariantSHA512), shacrypt.WithIterations(5000))
	if err == nil {
		var digest interface{ Encode() string }
		if digest, err = hasher.Hash(first); err == nil {
			err = setPassword(user, digest.Encode())
		}
	}
	if err != nil {
		fmt.Fprintf(env.Stderr, "passwd: %v\n", err)
		return 1
	}
	fmt.Fprintln(env.Stdout, "passwd: all authentication tokens updated successfully.")
	return 0
}

// packages are those that a lab host stands for, with a program that must be
// there for the package to count as installed ("": ours takes its place).
var packages = map[string]string{
	"pacemaker": "", "pacemaker-cli": "", "corosync": "", "pcs": "", "psmisc": "", "policycoreutils-python": "", "resource-agents": "",
	"fence-agents": "", "fence-agents-all": "", "fence-virt": "", "httpd": "httpd", "wget": "wget", "iproute": "ip",
}

func yum(_ context.Context, env *program.Env) int {
	var words []string
	for _, a := range env.Args[1:] {
		if !strings.HasPrefix(a, "-") {
			words = append(words, a)
		}
	}
	if len(words) == 0 {
		fmt.Fprintln(env.Stderr, "You need to give some command")
		return 1
	}
	switch words[0] {
	case "install", "update", "upgrade", "reinstall":
	case "makecache", "clean", "check-update", "repolist":
		return 0
	default:
		fmt.Fprintf(env.Stderr, "No such command: %s. A host of a lab knows install.\n", words[0])
		return 1
	}
	missing := false
	for _, p := range words[1:] {
		prog, known := packages[p]
		if known && prog != "" {
			if _, err := exec.LookPath(prog); err != nil {
				known = false
			}
		}
		if !known {
			fmt.Fprintf(env.Stdout, "No package %s available.\n", p)
			missing = true
			continue
		}
		fmt.Fprintf(env.Stdout, "Package %s already installed and latest version\n", p)
	}
	if missing {
		fmt.Fprintln(env.Stderr, "Error: Nothing to do")
		return 1
	}
	fmt.Fprintln(env.Stdout, "Nothing to do")
	return 0
}

// firewall answers as a host does on which the ports of a cluster may be opened;
// what was asked for is kept, so that --list-all shows it.
func firewall(_ context.Context, env *program.Env) int {
	const dir = "/etc/firewalld/lab"
	zone := "public"
	fail := func(err error) int {
		fmt.Fprintf(env.Stderr, "Error: %v\n", err)
		return 1
	}
	did := false
	for _, a := range env.Args[1:] {
		name, value, _ := strings.Cut(a, "=")
		switch name {
		case "--zone":
			zone = value
		case "--permanent", "--quiet", "-q", "--timeout":
		case "--reload", "--complete-reload":
			did = true
		case "--state":
			fmt.Fprintln(env.Stdout, "running")
			return 0
		case "--add-port", "--add-service":
			kind := strings.TrimPrefix(name, "--add-")
			if value == "" || kind == "port" && !strings.Contains(value, "/") {
				fmt.Fprintf(env.Stderr, "Error: INVALID_%s: %s\n", strings.ToUpper(kind), value)
				return 102
			}
			if err := write(filepath.Join(dir, zone, kind, strings.ReplaceAll(value, "/", "_")), value, 0o644); err != nil {
				return fail(err)
			}
			did = true
		case "--remove-port", "--remove-service":
			kind := strings.TrimPrefix(name, "--remove-")
			if err := os.RemoveAll(filepath.Join(dir, zone, kind, strings.ReplaceAll(value, "/", "_"))); err != nil {
				return fail(err)
			}
			did = true
		case "--list-all":
			list := func(kind string) string {
				var out []string
				files, _ := filepath.Glob(filepath.Join(dir, zone, kind, "*"))
				for _, f := range files {
					if data, err := os.ReadFile(f); err == nil {
						out = append(out, string(data))
					}
				}
				return strings.Join(out, " ")
			}
			fmt.Fprintf(env.Stdout, "%s (active)\n  target: default\n  interfaces: eth0\n  sources: \n  services: ssh %s\n  ports: %s\n", zone, list("service"), list("port"))
			return 0
		default:
			fmt.Fprintf(env.Stderr, "usage: see firewall-cmd man page\nfirewall-cmd: error: unrecognized arguments: %s\n", a)
			return 2
		}
	}
	if !did {
		fmt.Fprintln(env.Stderr, "usage: see firewall-cmd man page\nNo option specified.")
		return 2
	}
	fmt.Fprintln(env.Stdout, "success")
	return 0
}
