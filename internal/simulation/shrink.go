package simulation

import "slices"

// Shrink takes away what a broken invariant does not need: steps, resources, hosts, time. The
// scenario that it returns breaks the same invariant.
func Shrink(s *Scenario) (*Scenario, *Violation, error) {
	out, err := Play(s, false)
	if err != nil || out.Broken == nil {
		return s, nil, err
	}
	best, broken := s, out.Broken
	try := func(change func(s *Scenario) bool) bool {
		c := *best
		c.Steps, c.Resources = slices.Clone(best.Steps), slices.Clone(best.Resources)
		if !change(&c) {
			return false
		}
		out, err := Play(&c, false)
		if err != nil || out.Broken == nil || out.Broken.Invariant != broken.Invariant {
			return false
		}
		best, broken = &c, out.Broken
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
	return best, broken, nil
}
