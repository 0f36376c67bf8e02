package sbd

import (
	"testing"
	"time"
)

func TestDelay(t *testing.T) {
	h := Header{Watchdog: 5, MsgWait: 10}
	for _, c := range []struct {
		setting       string
		want, without time.Duration
		bad           bool
	}{
		{setting: "no"},
		{setting: "0"},
		{setting: ""},
		{setting: "yes", want: 10 * time.Second, without: 10 * time.Second},
		{setting: "1", want: 10 * time.Second, without: 10 * time.Second},
		{setting: "35", want: 35 * time.Second, without: 35 * time.Second},
		{setting: "2min", want: 2 * time.Minute, without: 2 * time.Minute},
		{setting: "1500ms", want: time.Second, without: time.Second},
		{setting: "20ms"},
		{setting: "soon", bad: true},
		{setting: "5 weeks", bad: true},
		{setting: "-5", bad: true},
		{setting: "99999999999999", bad: true},
	} {
		d, err := ParseDelay(c.setting)
		if (err != nil) != c.bad {
			t.Errorf("%q: %v", c.setting, err)
		}
		if with, without := d.Length(true, h), d.Length(false, h); with != c.want || without != c.without {
			t.Errorf("%q: %s with disks, %s without; want %s, %s", c.setting, with, without, c.want, c.without)
		}
	}
	if d := (Delay{On: true}).Length(true, Header{Watchdog: 6}); d != 12*time.Second {
		t.Errorf("disks without a time: %s", d)
	}
}
