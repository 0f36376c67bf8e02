package node

import (
	"hacluster/internal/pcs/session"
	"hacluster/internal/pcs/show"
)

// PacemakerStatus is `node pacemaker-status`: this host's node as data, for pcsd.
func PacemakerStatus(s *session.Session, _ []string) error {
	n, err := s.LocalNodeState()
	if err != nil {
		return err
	}
	if n == nil {
		s.Out.Print(show.JSON(show.Object{{Name: "offline", Value: true}}, 0))
		return nil
	}
	s.Out.Print(show.JSON(show.Object{
		{Name: "offline", Value: false},
		{Name: "id", Value: n.ID},
		{Name: "name", Value: n.Name},
		{Name: "type", Value: n.Type},
		{Name: "online", Value: n.Online},
		{Name: "standby", Value: n.Standby},
		{Name: "standby_onfail", Value: n.StandbyOnFail},
		{Name: "maintenance", Value: n.Maintenance},
		{Name: "pending", Value: n.Pending},
		{Name: "unclean", Value: n.Unclean},
		{Name: "shutdown", Value: n.Shutdown},
		{Name: "expected_up", Value: n.ExpectedUp},
		{Name: "is_dc", Value: n.DC},
		{Name: "resources_running", Value: n.Resources},
	}, 0))
	return nil
}
