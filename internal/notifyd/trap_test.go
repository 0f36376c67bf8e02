package notifyd

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gosnmp/gosnmp"
)

var trapped = []struct {
	event Event
	want  string // of the objects behind the time, as number=value
}{
	{Member{"node2", 2, "10.0.0.2", "joined"}, "0.1 1.1=node2 1.2=2 1.4=10.0.0.2 1.3=joined"},
	{Member{"node2", 4294967295, "10.0.0.2", "left"}, "0.1 1.1=node2 1.2=4294967295 1.4=10.0.0.2 1.3=left"},
	{Quorum{"node1", 1, true}, "0.2 1.1=node1 1.2=1 1.21=quorate"},
	{Quorum{"node1", 1, false}, "0.2 1.1=node1 1.2=1 1.21=not quorate"},
	{Connection{"node1", 1, "CPG.7.x", true}, ""},
	{Link{"node1", 1, 2, 0, false}, "0.4 1.1=node1 1.5=1 1.2=2 1.60=0 1.61=disconnected"},
}

func TestTraps(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	traps := &Traps{Manager: conn.LocalAddr().String(), Community: "ring"}
	defer traps.Close()
	for _, c := range trapped {
		if err := traps.Send(c.event, time.Unix(1700000000, 0)); err != nil {
			t.Fatal(err)
		}
		if c.want == "" {
			continue // the next trap is the next event's
		}
		b := make([]byte, 2000)
		if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		n, _, err := conn.ReadFrom(b)
		if err != nil {
			t.Fatal(err)
		}
		p, err := (&gosnmp.GoSNMP{Version: gosnmp.Version2c, Logger: gosnmp.Logger{}}).UnmarshalTrap(b[:n], false)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, v := range p.Variables {
			name := strings.TrimPrefix(v.Name, mib+".")
			switch value := v.Value.(type) {
			case []byte:
				got = append(got, name+"="+string(value))
			default:
				got = append(got, fmt.Sprintf("%s=%v", name, value))
			}
		}
		want := ".1.3.6.1.2.1.1.3.0=1700000000 .1.3.6.1.6.3.1.1.4.1.0=" + mib + "." + c.want
		if p.Community != "ring" || p.PDUType != gosnmp.SNMPv2Trap || strings.Join(got, " ") != want {
			t.Errorf("%v: %v of %q: %q, want %q", c.event, p.PDUType, p.Community, strings.Join(got, " "), want)
		}
	}
}

func TestTrapsWithoutManager(t *testing.T) {
	for _, m := range []string{"127.0.0.1:x", "no host of that name.invalid"} {
		if err := (&Traps{Manager: m}).Send(Quorum{}, time.Time{}); err == nil || !strings.Contains(err.Error(), "the SNMP manager "+m) {
			t.Errorf("%s: %v", m, err)
		}
	}
}

// What snmptrapd of Net-SNMP reads.
func TestTrapsRead(t *testing.T) {
	program, err := exec.LookPath("snmptrapd")
	if err != nil {
		t.Skip("snmptrapd (package snmptrapd) is not on this machine")
	}
	probe, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := probe.LocalAddr().String()
	probe.Close()
	conf := filepath.Join(t.TempDir(), "conf")
	if err := os.WriteFile(conf, []byte("authCommunity log ring\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := exec.Command(program, "-f", "-Lo", "-n", "-On", "-C", "-c", conf, "-p", filepath.Join(t.TempDir(), "pid"), "udp:"+address)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	stop := time.AfterFunc(30*time.Second, func() { _ = c.Process.Kill() })
	defer func() {
		stop.Stop()
		_ = c.Process.Kill()
		_ = c.Wait()
	}()
	traps := &Traps{Manager: address, Community: "ring"}
	defer traps.Close()
	lines := bufio.NewScanner(out)
	for lines.Scan() && !strings.Contains(lines.Text(), "NET-SNMP version") {
		continue // it listens once it says so
	}
	for _, e := range []Event{Member{"node2", 2, "10.0.0.2", "joined"}, Link{"node1", 1, 2, 1, true}} {
		if err := traps.Send(e, time.Unix(1700000000, 0)); err != nil {
			t.Fatal(err)
		}
	}
	var got strings.Builder
	for !strings.Contains(got.String(), "operational") && lines.Scan() {
		got.WriteString(lines.Text() + "\n")
	}
	for _, want := range []string{
		".1.3.6.1.6.3.1.1.4.1.0 = OID: " + mib + ".0.1", mib + `.1.1 = STRING: "node2"`, mib + ".1.2 = Gauge32: 2", mib + `.1.4 = STRING: "10.0.0.2"`,
		mib + `.1.3 = STRING: "joined"`, mib + ".0.4", mib + ".1.5 = Gauge32: 1", mib + ".1.60 = INTEGER: 1", mib + `.1.61 = STRING: "operational"`,
	} {
		if !strings.Contains(got.String(), want) {
			t.Errorf("%q is missing in\n%s", want, got.String())
		}
	}
}
