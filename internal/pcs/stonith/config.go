package stonith

import (
	"strings"

	"hacluster/internal/pcs/listing"
	"hacluster/internal/pcs/session"
	"hacluster/internal/pcs/show"
)

// Config is `stonith config`: the devices and the fencing levels.
func Config(s *session.Session, args []string) error {
	text, format, err := listing.ConfigText(s, args, true)
	if err != nil {
		return err
	}
	if format == "json" {
		s.Out.Warn("Fencing levels are not included because this command could only export stonith configuration previously. This cannot be changed to avoid breaking existing tooling. To export fencing levels, run 'pcs stonith level config --output-format=json'")
		s.Out.Print(text)
		return nil
	}
	root, err := s.CIB()
	if err != nil {
		return err
	}
	if format == "cmd" {
		text = show.CommandList(append([]string{text}, Commands(root)...))
	} else if l := Lines(s, root); len(l) > 0 {
		text += "\n\nFencing Levels:\n" + strings.Join(show.Indent(l), "\n")
	}
	if text != "" {
		s.Out.Print(text)
	}
	return nil
}

// Status is `stonith status`: where fence devices run, and the fencing levels.
func Status(s *session.Session, args []string) error {
	if err := listing.StatusStonith(s, args); err != nil || len(args) > 0 {
		return err
	}
	root, err := s.CIB()
	if err != nil {
		return err
	}
	if l := Lines(s, root); len(l) > 0 {
		s.Out.Print("", "Fencing Levels:")
		s.Out.Print(show.Indent(l)...)
	}
	return nil
}
