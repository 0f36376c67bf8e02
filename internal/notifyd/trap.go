package notifyd

import (
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/gosnmp/gosnmp"
)

// The objects of COROSYNC-MIB (enterprises 35488).
const (
	mib         = ".1.3.6.1.4.1.35488"
	mibNotices  = mib + ".0"
	mibObjects  = mib + ".1"
	oidNodeName = mibObjects + ".1"
	oidNodeID   = mibObjects + ".2"
	oidStatus   = mibObjects + ".3"
	oidAddress  = mibObjects + ".4"
	oidLocalID  = mibObjects + ".5"
	oidQuorum   = mibObjects + ".21"
	oidLink     = mibObjects + ".60"
	oidLinkUp   = mibObjects + ".61"

	oidUptime = ".1.3.6.1.2.1.1.3.0"
	oidTrap   = ".1.3.6.1.6.3.1.1.4.1.0"
)

func octets(oid, value string) gosnmp.SnmpPDU {
	return gosnmp.SnmpPDU{Name: oid, Type: gosnmp.OctetString, Value: value}
}

func unsigned(oid string, value uint32) gosnmp.SnmpPDU {
	return gosnmp.SnmpPDU{Name: oid, Type: gosnmp.Gauge32, Value: value}
}

// notice is an event as a trap has it: the number of the notification, and its objects; 0 where there is none, as for programs that connect: the
// original sends none for these.
func notice(e Event) (number int, objects []gosnmp.SnmpPDU) {
	switch e := e.(type) {
	case Member:
		return 1, []gosnmp.SnmpPDU{octets(oidNodeName, e.Name), unsigned(oidNodeID, e.ID), octets(oidAddress, e.IP), octets(oidStatus, e.Status)}
	case Quorum:
		return 2, []gosnmp.SnmpPDU{octets(oidNodeName, e.Name), unsigned(oidNodeID, e.ID), octets(oidQuorum, word(e.Quorate, "quorate", "not quorate"))}
	case Link:
		return 4, []gosnmp.SnmpPDU{
			octets(oidNodeName, e.Name), unsigned(oidLocalID, e.ID), unsigned(oidNodeID, e.Node),
			{Name: oidLink, Type: gosnmp.Integer, Value: int(e.Link)},
			octets(oidLinkUp, word(e.Up, "operational", "disconnected")),
		}
	}
	return 0, nil
}

// Traps sends events to an SNMP manager.
type Traps struct {
	// Manager is its address, with a port where that is not 162; Community may be "", which is public.
	Manager, Community string

	session *gosnmp.GoSNMP
}

// Send sends an event as a trap of SNMP version 2c. Nobody answers traps, so what is lost is lost.
func (t *Traps) Send(e Event, now time.Time) error {
	number, objects := notice(e)
	if number == 0 {
		return nil
	}
	if t.session == nil {
		s, err := t.open()
		if err != nil {
			return err
		}
		t.session = s
	}
	head := []gosnmp.SnmpPDU{
		{Name: oidUptime, Type: gosnmp.TimeTicks, Value: uint32(now.Unix())}, // what the original has there
		{Name: oidTrap, Type: gosnmp.ObjectIdentifier, Value: fmt.Sprintf("%s.%d", mibNotices, number)},
	}
	if _, err := t.session.SendTrap(gosnmp.SnmpTrap{Variables: append(head, objects...)}); err != nil {
		t.Close()
		return fmt.Errorf("the SNMP manager %s: %w", t.Manager, err)
	}
	return nil
}

func (t *Traps) open() (*gosnmp.GoSNMP, error) {
	s := &gosnmp.GoSNMP{Target: t.Manager, Port: 162, Transport: "udp", Version: gosnmp.Version2c, Community: t.Community, Timeout: time.Second, MaxOids: gosnmp.MaxOids}
	if host, port, err := net.SplitHostPort(t.Manager); err == nil {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil {
			return nil, fmt.Errorf("the SNMP manager %s: %q is no port", t.Manager, port)
		}
		s.Target, s.Port = host, uint16(n)
	}
	if s.Community == "" {
		s.Community = "public"
	}
	if err := s.Connect(); err != nil {
		return nil, fmt.Errorf("the SNMP manager %s: %w", t.Manager, err)
	}
	return s, nil
}

// Close ends what Send began.
func (t *Traps) Close() {
	if t.session != nil {
		_ = t.session.Close()
		t.session = nil
	}
}
