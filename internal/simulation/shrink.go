package simulation

import "slices"

// fault is what is wrong with an outcome: the invariant that it breaks, or needless fencing; "": nothing.
func (o *Outcome) fault() string {
	switch {
	case o.Broken != nil:
		return o.Broken.Invariant
	case o.Needless > 0:
		return "needless fencing"
	}
	return ""
}

// Shrink takes away what a broken invariant, or fencing that nobody had reason for, does not need: steps, resources, hosts, time. The
// scenario that it returns, with what comes of it, breaks the same invariant, or has somebody fenced needlessly, too.
func Shrink(s *Scenario) (*Scenario, *Outcome, error) {
	out, err := Play(s, false)
	if err != nil || out.fault() == "" {
		return s, out, err
	}
	best, fault := s, out.fault()
	try := func(change func(s *Scenario) bool) bool {
		c := *best
		c.Steps, c.Resources = slices.Clone(best.Steps), slices.Clone(best.Resources)
		if !change(&c) {
			return false
		}
		o, err := Play(&c, false)
		if err != nil || o.fault() != fault {
			return false
		}
		best, out = &c, o
		return true
	}
	for again := true; again; {
		again = false
		for i := len(best.Steps) - 1; i >= 0; i-- {
			again = try(func(s *Scenario) bool {
				s.Steps = slices.Delete(s.Steps, i, i+1)
				return true
			}) || again
		}
		for i := len(best.Resources) - 1; i >= 0; i-- {
			again = try(func(s *Scenario) bool {
				s.Resources = slices.Delete(s.Resources, i, i+1)
				return len(s.Resources) > 0
			}) || again
		}
		for _, change := range []func(s *Scenario) bool{
			func(s *Scenario) bool { s.Nodes--; return s.Nodes >= 2 },
			func(s *Scenario) bool { s.Remotes--; return s.Remotes >= 0 },
			func(s *Scenario) bool { was := s.Constraints; s.Constraints = false; return was },
			func(s *Scenario) bool { was := s.Fast; s.Fast = false; return was },
			func(s *Scenario) bool { was := s.Policy; s.Policy = ""; return was != "" },
			func(s *Scenario) bool { was := s.Devices; s.Devices = "one"; return was != "one" && s.Fencing },
			func(s *Scenario) bool { s.Length = s.Length * 3 / 4; return s.Length > 5000 },
		} {
			again = try(change) || again
		}
	}
	return best, out, nil
}
