package pcs

import (
	"hacluster/internal/pcs/dr"
	"hacluster/internal/pcs/host"
	"hacluster/internal/pcs/qdevice"
	"hacluster/internal/pcs/status"
)

var hostTree = &Node{
	Gens: "-ABC",
	Sub: map[string]*Node{
		"auth":   verb(host.Auth),
		"deauth": verb(host.Deauth),
	},
}

var clientTree = &Node{
	Sub: map[string]*Node{"local-auth": verb(host.LocalAuth)},
}

var pcsdTree = &Node{
	Sub: map[string]*Node{
		"certkey":           verb(host.CertKey),
		"sync-certificates": verb(host.SyncCerts),
		"clear-auth":        only09(host.ClearAuth09),
		"deauth":            gens("-ABC", host.PcsdDeauth),
		"accept_token":      gens("-ABC", host.AcceptToken),
		"status":            gens("-ABC", status.PcsdStatus),
	},
}

var drTree = &Node{
	Gens: "-ABC",
	Sub: map[string]*Node{
		"config":            verb(dr.Config),
		"destroy":           verb(dr.Destroy),
		"set-recovery-site": verb(dr.SetRecoverySite),
		"status":            verb(dr.Status),
	},
}

var qdeviceTree = &Node{
	Sub: map[string]*Node{
		"setup":                 verb(qdevice.Setup),
		"destroy":               verb(qdevice.Destroy),
		"status":                verb(qdevice.Status),
		"start":                 verb(qdevice.Start),
		"stop":                  verb(qdevice.Stop),
		"kill":                  verb(qdevice.Kill),
		"enable":                verb(qdevice.Enable),
		"disable":               verb(qdevice.Disable),
		"sign-net-cert-request": gens("9A--", qdevice.SignRequest09),
		"net-client": {Gens: "9A--", Sub: map[string]*Node{
			"setup":              gens("9A--", qdevice.ClientSetup09),
			"import-certificate": gens("9A--", qdevice.ClientImport09),
			"destroy":            gens("9A--", qdevice.ClientDestroy09),
		}},
	},
}
