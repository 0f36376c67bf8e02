package metrics

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib/upgrade"
	"hacluster/internal/client"
)

// Port is where ha_cluster_exporter listens.
const Port = "9664"

// Limit is how long a daemon may take to answer.
const Limit = 10 * time.Second

// Sources are where a node's state comes from.
type Sources struct {
	CIB  func(ctx context.Context) (*etree.Element, error)
	Ring func(ctx context.Context) (Ring, error)
	// SBD gives the state of the devices, none where SBD is not in use.
	SBD func(ctx context.Context) ([]Device, error)
	Now func() time.Time
	Log *slog.Logger
}

// Host are this machine's daemons.
func Host(log *slog.Logger) Sources {
	return Sources{CIB: readCIB, Ring: ReadRing, Now: time.Now, Log: log}
}

func readCIB(ctx context.Context) (*etree.Element, error) {
	c, err := client.DialCIB(ctx, "metrics")
	if err != nil {
		return nil, err
	}
	defer c.Close()
	root, err := c.Query(ctx)
	if err != nil {
		return nil, err
	}
	if res, err := upgrade.ForReading(root); err == nil && res.Changed {
		res.Root.CreateAttr("cib-last-written", root.SelectAttrValue("cib-last-written", ""))
		return res.Root, nil
	}
	return root, nil
}

// Collect asks all sources. What one of them cannot tell is missing; the families of scrapes say so.
func (s Sources) Collect(ctx context.Context) []Family {
	var out []Family
	took := Family{Name: prefix + "scrape_duration_seconds", Help: "Duration of a collector scrape."}
	success := Family{Name: prefix + "scrape_success", Help: "Whether a collector succeeded."}
	scrape := func(name string, collect func(ctx context.Context) ([]Family, error)) {
		ctx, cancel := context.WithTimeout(ctx, Limit)
		defer cancel()
		begin := s.Now()
		families, err := collect(ctx)
		took.add(s.Now().Sub(begin).Seconds(), "collector", name)
		success.add(truth(err == nil), "collector", name)
		if err != nil {
			s.Log.Debug("metrics: a daemon did not tell its state", "collector", name, "err", err)
		}
		out = append(out, families...)
	}
	scrape("pacemaker", func(ctx context.Context) ([]Family, error) {
		root, err := s.CIB(ctx)
		if err != nil {
			return nil, err
		}
		return Pacemaker(root, s.Now())
	})
	scrape("corosync", func(ctx context.Context) ([]Family, error) {
		r, err := s.Ring(ctx)
		if err != nil {
			return nil, err
		}
		return Corosync(r), nil
	})
	if s.SBD != nil {
		scrape("sbd", func(ctx context.Context) ([]Family, error) {
			d, err := s.SBD(ctx)
			return SBD(d), err
		})
	}
	return append(out, took, success)
}

// Device is a disk of SBD.
type Device struct {
	Path              string
	Healthy           bool
	Watchdog, MsgWait uint32 // seconds, of a healthy one
}

// SBD gives the metrics of SBD's devices.
func SBD(devices []Device) []Family {
	all := Family{Name: prefix + "sbd_devices", Help: "SBD devices; one line per device"}
	timeouts := Family{Name: prefix + "sbd_timeouts", Help: "SBD timeouts for each device and type"}
	for _, d := range devices {
		if !d.Healthy {
			all.add(1, "device", d.Path, "status", "unhealthy")
			continue
		}
		all.add(1, "device", d.Path, "status", "healthy")
		timeouts.add(float64(d.Watchdog), "device", d.Path, "type", "watchdog")
		timeouts.add(float64(d.MsgWait), "device", d.Path, "type", "msgwait")
	}
	return []Family{all, timeouts}
}

// Handler answers scrapes, one at a time.
func (s Sources) Handler() http.Handler {
	turn := make(chan struct{}, 1)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		select {
		case turn <- struct{}{}:
			defer func() { <-turn }()
		case <-r.Context().Done():
			return
		}
		w.Header().Set("Content-Type", ContentType)
		if err := Write(w, s.Collect(r.Context())); err != nil {
			s.Log.Debug("metrics: who asked is gone", "err", err)
		}
	})
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, "<!DOCTYPE html>\n<title>hacluster</title>\n<p><a href=\"metrics\">Metrics</a> of this cluster node, for Prometheus</p>\n")
	})
	return mux
}

// Address reads the setting that turns metrics on: "" where they stay off, else
// where to listen. It is yes for the usual port on all addresses, a port, or ADDRESS:PORT.
func Address(setting string) (string, error) {
	switch strings.ToLower(setting) {
	case "", "no", "false", "off", "0":
		return "", nil
	case "yes", "true", "on":
		return ":" + Port, nil
	}
	if !strings.Contains(setting, ":") {
		setting = ":" + setting
	}
	_, port, err := net.SplitHostPort(setting)
	if err == nil {
		_, err = net.LookupPort("tcp", port)
	}
	if err != nil {
		return "", fmt.Errorf("%q is not yes, no, a port or ADDRESS:PORT", setting)
	}
	return setting, nil
}

// Serve serves metrics at an address until ctx ends.
func Serve(ctx context.Context, address string, s Sources) error {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	s.Log.Info("metrics are served at " + l.Addr().String())
	srv := &http.Server{Handler: s.Handler(), ReadHeaderTimeout: Limit, WriteTimeout: 6 * Limit, IdleTimeout: 5 * time.Minute, MaxHeaderBytes: 16 << 10}
	stop := context.AfterFunc(ctx, func() { _ = srv.Close() })
	defer stop()
	if err := srv.Serve(l); ctx.Err() == nil {
		return err
	}
	return nil
}
