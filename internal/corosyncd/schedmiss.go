package corosyncd

import (
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"hacluster/corosync/cmap"
	"hacluster/corosync/node"
)

const (
	// missesKept is how many times of standing still the map of statistics tells of, the latest first.
	missesKept = 10
	// looksInToken is how often a token's time is looked at most whether the process runs; a little less often where that goes
	// with something else.
	looksInToken = 3
)

// misses are the times for which this process did not run though it wanted to: on a host that is too busy, or that was stopped.
type misses struct {
	looked    time.Time // zero before the first look
	threshold time.Duration
	list      []miss
}

type miss struct {
	at    time.Time
	delay time.Duration
}

// look notices when the last look is longer ago than four fifths of the token's timeout that held then. It tells
// after how long to look again: where that is no trouble, and in any case.
func (m *misses) look(now time.Time, token time.Duration, log *slog.Logger) (soon, late time.Duration) {
	if delay := now.Sub(m.looked); !m.looked.IsZero() && delay > m.threshold {
		log.Warn(fmt.Sprintf("Corosync main process was not scheduled (@%d) for %.4f ms (threshold is %.4f ms). Consider token timeout increase.",
			now.UnixMilli(), inMS(delay), inMS(m.threshold)))
		m.list = append([]miss{{now, delay}}, m.list[:min(len(m.list), missesKept-1)]...)
	}
	m.looked, m.threshold = now, token*4/5
	return token / looksInToken, token * 6 / 5 / looksInToken
}

func (m *misses) clear() { m.list = nil }

func (m *misses) counters() (list []node.Counter) {
	for i, x := range m.list {
		key := "schedmiss." + strconv.Itoa(i) + "."
		list = append(list, node.Counter{Key: key + "timestamp", Value: cmap.U64(uint64(x.at.UnixMilli()))},
			node.Counter{Key: key + "delay", Value: cmap.F32(float32(inMS(x.delay)))})
	}
	return list
}

func inMS(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
