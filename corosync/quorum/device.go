package quorum

import (
	"time"

	"hacluster/corosync/local"
	"hacluster/corosync/wire"
)

// Register makes a quorum device known. answered is false where the answer comes
// with Host.DeviceRegistered.
func (v *Votes) Register(name string) (status local.Status, answered bool) {
	switch {
	case !v.deviceAllow:
		return local.Access, true
	case v.us.Flags&wire.NodeDeviceRegistered != 0 && name == v.deviceName:
		return local.OK, true
	case v.us.Flags&wire.NodeDeviceRegistered != 0:
		return local.Exist, true
	case v.registering:
		return local.TryAgain, true
	}
	v.registering, v.registerName = true, name
	v.host.Send(wire.DeviceRegister{Register: true, Name: name}.Marshal())
	return local.OK, false
}

func (v *Votes) deviceMessage(from uint32, m wire.DeviceRegister) {
	if !m.Register {
		for _, n := range v.nodes {
			if n.State == local.NodeMember && n.Flags&wire.NodeDeviceRegistered != 0 {
				return
			}
		}
		v.deviceName = ""
		return
	}
	if from != v.me {
		if v.deviceName == "" {
			v.deviceName = m.Name
		}
		return
	}
	if v.us.Flags&wire.NodeDeviceRegistered != 0 || !v.registering {
		return
	}
	v.registering = false
	if v.deviceName == "" {
		v.deviceName = m.Name
	}
	if v.deviceName != m.Name {
		v.host.DeviceRegistered(local.Exist)
		return
	}
	v.us.Flags |= wire.NodeDeviceRegistered
	v.host.Send(v.infoOf(v.device))
	v.host.Send(v.infoOf(v.us))
	v.host.DeviceRegistered(local.OK)
}

// Unregister ends the use of the device.
func (v *Votes) Unregister(name string) local.Status {
	switch {
	case !v.deviceAllow:
		return local.Access
	case v.us.Flags&wire.NodeDeviceRegistered == 0:
		return local.NotExist
	case name != v.deviceName:
		return local.Invalid
	}
	v.deviceTimer, v.waitForPoll = time.Time{}, false
	v.us.Flags &^= wire.NodeDeviceRegistered | wire.NodeDeviceAlive | wire.NodeDeviceCastVote | wire.NodeDeviceMasterWins
	v.host.Send(v.infoOf(v.us))
	v.host.Send(wire.DeviceRegister{Name: name}.Marshal())
	return local.OK
}

// Rename gives the device another name.
func (v *Votes) Rename(u local.DeviceUpdate) local.Status {
	switch {
	case v.us.Flags&wire.NodeDeviceRegistered == 0:
		return local.NotExist
	case u.Old != v.deviceName:
		return local.Invalid
	}
	v.host.Send(wire.DeviceRename{Old: u.Old, New: u.New}.Marshal())
	return local.OK
}

// Poll is a sign of life of the device, with its vote for a ring.
func (v *Votes) Poll(now time.Time, p local.DevicePoll) local.Status {
	switch {
	case !v.deviceAllow:
		return local.Access
	case v.us.Flags&wire.NodeDeviceRegistered == 0:
		return local.NotExist
	case p.Ring != v.ring:
		return local.MessageError
	case p.Name != v.deviceName:
		return local.Invalid
	}
	old := v.us.Flags
	v.us.Flags |= wire.NodeDeviceAlive
	if p.Cast {
		v.us.Flags |= wire.NodeDeviceCastVote
	} else {
		v.us.Flags &^= wire.NodeDeviceCastVote
	}
	if v.us.Flags != old {
		v.host.Send(v.infoOf(v.us))
	}
	v.deviceTimer = now.Add(v.deviceCfg.Timeout)
	v.waitForPoll = false
	return local.OK
}

// MasterWins says whether the partition that the device votes for has quorum in any case.
func (v *Votes) MasterWins(m local.DeviceMasterWins) local.Status {
	switch {
	case !v.deviceAllow:
		return local.Access
	case v.us.Flags&wire.NodeDeviceRegistered == 0:
		return local.NotExist
	case m.Name != v.deviceName:
		return local.Invalid
	}
	v.deviceWins = m.Allow
	if m.Allow {
		v.us.Flags |= wire.NodeDeviceMasterWins
	} else {
		v.us.Flags &^= wire.NodeDeviceMasterWins
	}
	v.host.Send(v.infoOf(v.us))
	return local.OK
}

// DeviceGone tells that the client that registered the device has gone.
func (v *Votes) DeviceGone() { v.registering = false }
