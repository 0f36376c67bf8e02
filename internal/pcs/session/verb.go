package session

// Verb carries a command out; args are the words behind it. What it returns is told by the
// caller: see the errors of packages report and argv.
type Verb func(s *Session, args []string) error

// ByAge makes a verb of two: one for 0.9, one for later generations.
func ByAge(old, newer Verb) Verb {
	return func(s *Session, args []string) error {
		if s.Legacy() {
			return old(s, args)
		}
		return newer(s, args)
	}
}
