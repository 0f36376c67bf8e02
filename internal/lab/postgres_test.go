package lab_test

import (
	"os"
	"strings"
	"testing"
	"time"
)

const pgBin = "/usr/lib/postgresql/15/bin"

// pgSetup makes a server on host 1, and a copy that follows it on host 2.
const pgSetup = `set -e; cd /
mkdir -p /srv/pg /srv/pgtmp /var/run/postgresql; chown postgres /srv/pg /srv/pgtmp /var/run/postgresql; chmod 700 /srv/pg
if [ $(hostname) = node1 ]; then
 su postgres -c "` + pgBin + `/initdb -D /srv/pg/data -A trust >/dev/null"
 printf "listen_addresses = '*'\nwal_level = replica\nmax_wal_senders = 10\nhot_standby = on\nwal_keep_size = 64\n" >> /srv/pg/data/postgresql.conf
 printf "host replication all 211.183.3.0/24 trust\nhost all all 211.183.3.0/24 trust\n" >> /srv/pg/data/pg_hba.conf
 su postgres -c "` + pgBin + `/pg_ctl -w -D /srv/pg/data -l /srv/pg/log start >/dev/null; createuser -s repl"
else
 su postgres -c "` + pgBin + `/pg_basebackup -h node1 -U repl -D /srv/pg/data -X stream"
fi
`

// TestPostgres has two PostgreSQL servers follow each other as a promotable clone: when the
// host of the first is lost, the other is promoted, and has all that was committed.
func TestPostgres(t *testing.T) {
	t.Parallel()
	for _, f := range []string{pgBin + "/pg_ctl", "/usr/lib/ocf/resource.d/heartbeat/pgsql", "/usr/bin/psql"} {
		if _, err := os.Stat(f); err != nil {
			t.Skip(f + " is not installed")
		}
	}
	b := clusterOf(t, 3, 2, false, "    token: 1000\n")
	for _, h := range []string{"1", "2"} {
		// The agent calls these by path; the distribution's crm_attribute 2.1.5 does not read -v -INFINITY.
		b.do(h, "sh", "-c", "echo 0.11.12 > /etc/hacluster/dialect; for t in crm_attribute crm_master crm_node crm_mon crm_resource; do ln -sf /opt/hacluster/bin/$t /usr/sbin/$t; done\n"+pgSetup)
	}
	b.do("1", "sh", "-c", "cd /; su postgres -c '"+pgBin+"/pg_ctl -w -D /srv/pg/data stop'")
	b.do("1", "pcs", "resource", "create", "PG", "ocf:heartbeat:pgsql", "pgctl="+pgBin+"/pg_ctl", "psql=/usr/bin/psql", "pgdata=/srv/pg/data", "rep_mode=async",
		"node_list=node1 node2", "master_ip="+address, "repuser=repl", "tmpdir=/srv/pgtmp",
		"op", "monitor", "interval=4s", "timeout=30s", "monitor", "interval=3s", "timeout=30s", "role=Promoted", "promotable", "notify=true")
	b.do("1", "pcs", "constraint", "colocation", "add", "VirtualIP", "with", "promoted", "PG-clone", "INFINITY")
	b.do("1", "pcs", "constraint", "order", "promote", "PG-clone", "then", "start", "VirtualIP", "symmetrical=false")
	b.await(4*time.Minute, "1", "value=STREAMING|ASYNC", "sh", "-c", "crm_attribute -N node1 -n PG-data-status -G; crm_attribute -N node2 -n PG-data-status -G")
	first := "1"
	if _, out := b.try("2", "ip", "-br", "addr", "show", "eth0"); strings.Contains(out, address) {
		first = "2"
	}
	// The agent on the first server tells that the copy follows, and a moment later that it may be
	// promoted. A copy that was not told compares positions first, in three monitors.
	b.await(30*time.Second, "1", "100\n", "sh", "-c", "echo $(crm_attribute -l reboot -N node"+other(first)+" -n master-PG -G -q)")
	sql := func(commands ...string) (int, string) {
		argv := []string{"env", "PGCONNECT_TIMEOUT=1", "psql", "-h", address, "-U", "repl", "-At", "postgres"}
		for _, c := range commands {
			argv = append(argv, "-c", c)
		}
		return b.try("3", argv...)
	}
	if code, out := sql("create table t(n int)", "insert into t select generate_series(1,1000)"); code != 0 {
		t.Fatalf("the first server does not serve: %s", out)
	}
	// Replication is asynchronous: what is committed is safe once the copy has written it.
	const copied = "select 'the copy has all' from pg_stat_replication where flush_lsn >= pg_current_wal_insert_lsn()"
	b.await(30*time.Second, "3", "the copy has all", "env", "PGCONNECT_TIMEOUT=1", "psql", "-h", address, "-U", "repl", "-At", "postgres", "-c", copied)
	begin := time.Now()
	b.clusterd("lab", "kill", first, "--name", b.name)
	for {
		code, out := sql("insert into t values (0)", "select count(*) from t")
		if code == 0 {
			if !strings.Contains(out, "1001") {
				t.Errorf("what was committed: %s", out)
			}
			break
		}
		if time.Since(begin) > 60*time.Second {
			_, page := b.try(other(first), "crm_mon", "-1rfA")
			t.Fatalf("the other server does not serve: %s\n%s", out, page)
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Logf("the other server serves after %s", time.Since(begin).Round(10*time.Millisecond))
}
