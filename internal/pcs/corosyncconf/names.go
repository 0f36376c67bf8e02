package corosyncconf

import "slices"

// Transports, the default first.
var Transports = []string{"knet", "udp", "udpu"}

// Options that users may set, by the section or by what they are about.
var (
	CryptoNames      = []string{"cipher", "hash", "model"}
	CompressionNames = []string{"level", "model", "threshold"}
	KnetNames        = []string{"ip_version", "knet_pmtud_interval", "link_mode"}
	UDPNames         = []string{"ip_version", "netmtu"}
	TotemNames       = []string{
		"block_unlisted_ips", "consensus", "downcheck", "fail_recv_const", "heartbeat_failures_allowed", "hold", "join", "max_messages",
		"max_network_delay", "merge", "miss_count_const", "send_join", "seqno_unchanged_const", "token", "token_coefficient",
		"token_retransmit", "token_retransmits_before_loss_const", "window_size",
	}
	QuorumNames   = []string{"auto_tie_breaker", "last_man_standing", "last_man_standing_window", "wait_for_all"}
	KnetLinkNames = []string{"link_priority", "linknumber", "mcastport", "ping_interval", "ping_precision", "ping_timeout", "pong_count", "transport"}
	UDPLinkNames  = []string{"bindnetaddr", "broadcast", "mcastaddr", "mcastport", "ttl"}
	IPVersions    = []string{"ipv4", "ipv6", "ipv4-6", "ipv6-4"}
	// NotWithDevice are the options of quorum that cannot stand beside a quorum device.
	NotWithDevice = []string{"auto_tie_breaker", "last_man_standing", "last_man_standing_window"}
)

// MaxLinks is how many links knet can have.
const MaxLinks = 8

// Prefixes of options of totem whose names users give without.
const (
	compressionPrefix = "knet_compression_"
	cryptoPrefix      = "crypto_"
)

// inFile are the names in the file of a link's options whose names users give shorter.
var inFile = map[string]string{
	"link_priority": "knet_link_priority", "ping_interval": "knet_ping_interval", "ping_precision": "knet_ping_precision",
	"ping_timeout": "knet_ping_timeout", "pong_count": "knet_pong_count", "transport": "knet_transport",
}

// IsUDP tells whether a transport has one link without encryption of its own.
func IsUDP(transport string) bool { return transport == "udp" || transport == "udpu" }

// IsTransport tells whether a transport is known.
func IsTransport(transport string) bool { return slices.Contains(Transports, transport) }

// linkName is how users call a link's option of the file.
func linkName(name string) string {
	for user, file := range inFile {
		if file == name {
			return user
		}
	}
	return name
}
