// Package pattern makes regular expressions when they are first used. pcs has some fifty, and a
// command needs few of them: made at the start, they take longer than most commands do.
package pattern

import (
	"regexp"
	"sync"
)

// Late gives what makes a regular expression at its first call, and the same at all others. An
// expression that is none panics there.
func Late(expr string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })
}
