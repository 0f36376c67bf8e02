// Command pages writes what is generated from the forms of pcs: completion for shells, the man page, and the table of
// what works where.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"hacluster/internal/dialect"
	"hacluster/internal/pcs"
	"hacluster/internal/pcs/usage"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: pages FOLDER\n  writes completion, the man page and the table of verbs below FOLDER")
		os.Exit(2)
	}
	for name, text := range map[string]string{
		"bash-completion/completions/pcs":    usage.Bash(),
		"zsh/site-functions/_pcs":            usage.Zsh(),
		"fish/vendor_completions.d/pcs.fish": usage.Fish(),
		"man/man8/pcs.8":                     usage.Man(dialect.Default.Release()),
		"doc/hacluster/pcs-verbs.md":         pcs.Coverage(),
	} {
		path := filepath.Join(os.Args[1], name)
		if err := write(path, text); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

func write(path, text string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o644)
}
