package sbd

import (
	"context"
	"time"

	"hacluster/corosync/client"
)

// Ring asks Corosync alone how the node is: where Pacemaker is no witness, and the cluster is one.
type Ring struct {
	// Ask asks it; nil asks the node's own daemon.
	Ask func(ctx context.Context) error

	quorum *client.Quorum
}

// Health is how the node is now: well while Corosync answers.
func (r *Ring) Health(ctx context.Context) Health {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	ask := r.Ask
	if ask == nil {
		ask = r.own
	}
	if ask(ctx) != nil {
		return Unsure
	}
	return Well
}

func (r *Ring) own(ctx context.Context) (err error) {
	if r.quorum == nil {
		if r.quorum, err = client.DialQuorum(ctx); err != nil {
			return err
		}
	}
	if _, err = r.quorum.HasProvider(ctx); err != nil {
		r.quorum.Close()
		r.quorum = nil
	}
	return err
}
