package lab_test

import (
	"flag"
	"os"
	"strings"
	"testing"
	"time"
)

var moreAgents = flag.Bool("more-agents", false, "TestMoreAgents: agents of the distribution that need packages and a minute or two")

// prepareAgents is what the services of TestMoreAgents find on a host: programs configured, databases that agree, and a mail
// program that keeps what it is given.
const prepareAgents = `set -e; cd /
for t in crm_attribute crm_master crm_node crm_mon crm_resource attrd_updater cibadmin; do ln -sf /opt/hacluster/bin/$t /usr/sbin/$t; done
echo 0.11.12 > /etc/hacluster/dialect
n=$(hostname | tr -d a-z)
mkdir -p /srv/www /srv/redis /srv/rsync /srv/links /srv/mysql /run/redis /run/mysqld /var/log/nginx
chown redis /srv/redis /run/redis; chown mysql /srv/mysql /run/mysqld
echo "page of node$n" > /srv/www/index.html
printf '#!/bin/sh\n{ echo "$*"; cat; } >> /root/mails\n' > /usr/bin/mail; chmod 755 /usr/bin/mail
cat > /etc/nginx/lab.conf <<E
user www-data;
worker_processes 1;
pid /run/nginx-lab.pid;
error_log /var/log/nginx/lab.log;
events {
 worker_connections 16;
}
http {
 access_log off;
 server {
  listen 8080;
  root /srv/www;
 }
}
E
printf 'bind 0.0.0.0\nport 6379\ndir /srv/redis\nprotected-mode no\n' > /etc/redis/lab.conf
printf 'pid file = /run/rsyncd-lab.pid\n[data]\npath=/srv/rsync\n' > /etc/rsyncd-lab.conf
cat > /etc/mysql/lab.cnf <<E
[mysqld]
server-id=$n
datadir=/srv/mysql
socket=/run/mysqld/mysqld.sock
pid-file=/run/mysqld/lab.pid
bind-address=0.0.0.0
log-bin=lab-bin
log-slave-updates
innodb_buffer_pool_size=16M
innodb_log_file_size=8M
skip-name-resolve
E
mariadb-install-db --user=mysql --datadir=/srv/mysql --auth-root-authentication-method=normal > /root/mdb.log 2>&1
mariadbd --defaults-file=/etc/mysql/lab.cnf --user=mysql > /root/mdbd.log 2>&1 &
sql="mariadb -uroot -S /run/mysqld/mysqld.sock"
i=0; until $sql -e 'select 1' > /dev/null 2>&1; do i=$((i+1)); [ $i -lt 300 ]; sleep 0.2; done
# Both begin with the same first transaction: the agent compares what they have by its number.
$sql <<E
set sql_log_bin=0;
create user repl@'%' identified by 'secret'; grant all on *.* to repl@'%'; create user repl@localhost identified by 'secret'; grant all on *.* to repl@localhost;
flush privileges;
reset master;
$([ $n = 1 ] && echo 'set sql_log_bin=1; create database lab;' || echo "create database lab; set global gtid_slave_pos='0-1-1';")
E
mariadb-admin -uroot -S /run/mysqld/mysqld.sock shutdown
`

// TestMoreAgents runs agents that users of clusters know, unmodified: they start, are monitored and recovered, follow a node's standby,
// are promoted, replicate, and stop without a trace.
func TestMoreAgents(t *testing.T) {
	if !*moreAgents {
		t.Skip("-more-agents runs it")
	}
	t.Parallel()
	for _, f := range []string{"nginx", "redis-server", "mariadbd", "rsync", "curl", "arping"} {
		if _, err := os.Stat("/usr/sbin/" + f); err != nil {
			if _, err := os.Stat("/usr/bin/" + f); err != nil {
				t.Skipf("%s is not installed", f)
			}
		}
	}
	b := cluster(t, 2, false)
	for _, h := range []string{"1", "2"} {
		b.do(h, "sh", "-c", prepareAgents)
	}
	create := func(line string) {
		t.Helper()
		b.do("1", append([]string{"pcs", "resource", "create"}, strings.Fields(line)...)...)
	}
	for _, line := range []string{
		"Web ocf:heartbeat:nginx configfile=/etc/nginx/lab.conf httpd=/usr/sbin/nginx status10url=http://127.0.0.1:8080/ op monitor interval=2s",
		"Files ocf:heartbeat:rsyncd conffile=/etc/rsyncd-lab.conf op monitor interval=2s",
		"Link ocf:heartbeat:symlink link=/srv/links/www target=/srv/www op monitor interval=2s",
		"Path ocf:heartbeat:Route destination=10.77.0.0/16 device=eth0 op monitor interval=2s",
		"Any ocf:heartbeat:anything binfile=/bin/sleep cmdline_options=100000 pidfile=/run/any.pid op monitor interval=2s",
		"Slow ocf:heartbeat:Delay startdelay=1 stopdelay=1 mondelay=1 op monitor interval=3s",
		"Opinion ocf:pacemaker:attribute name=opinion active_value=1 inactive_value=0 op monitor interval=2s",
		"Arp ocf:heartbeat:SendArp ip=" + address + " nic=eth0",
		"Mail ocf:heartbeat:MailTo email=root",
	} {
		create(line)
	}
	group := []string{"Web", "Files", "Link", "Path", "Any", "Slow", "Opinion", "Arp", "Mail"}
	b.do("1", append([]string{"pcs", "resource", "group", "add", "All", "VirtualIP"}, group...)...)
	for _, line := range []string{
		"Info ocf:pacemaker:SysInfo clone",
		"Cpu ocf:pacemaker:HealthCPU clone",
		"Speed ocf:pacemaker:ifspeed iface=eth0 name=speed dampen=0 clone",
		"Eth ocf:heartbeat:ethmonitor interface=eth0 clone",
		"Redis ocf:heartbeat:redis config=/etc/redis/lab.conf bin=/usr/bin/redis-server client_bin=/usr/bin/redis-cli op monitor interval=3s monitor interval=2s role=Promoted promotable notify=true",
	} {
		create(line)
	}
	b.do("1", "pcs", "resource", "create", "DB", "ocf:heartbeat:mariadb", "binary=/usr/sbin/mariadbd", "client_binary=/usr/bin/mariadb", "config=/etc/mysql/lab.cnf",
		"datadir=/srv/mysql", "socket=/run/mysqld/mysqld.sock", "pid=/run/mysqld/lab.pid", "log=/root/mdbd.log", "user=mysql", "replication_user=repl",
		"replication_passwd=secret", "test_user=root", "node_list=node1 node2", "op", "monitor", "interval=4s", "timeout=60s", "monitor", "interval=3s", "timeout=60s", "role=Promoted",
		"promotable", "notify=true")
	const long = 4 * time.Minute
	// where gives the host of a resource, or of its promoted instance, once there is one.
	where := func(resource, role string) string {
		t.Helper()
		script := "crm_resource --locate --resource " + resource + " | sed -n 's/.* is running on: node\\([12]\\)" + role + " *$/at \\1/p'"
		b.await(long, "1", "at ", "sh", "-c", script)
		return strings.TrimSpace(strings.TrimPrefix(b.do("1", "sh", "-c", script), "at "))
	}
	at := func(resource string) string { t.Helper(); return where(resource, "") }
	promoted := func(resource string) string { t.Helper(); return where(resource+"-clone", " Promoted") }
	// whole tells whether all is where it belongs, and does what it is there for; gives the host of the group.
	whole := func(what string) string {
		t.Helper()
		b.await(long, "1", "settled", "sh", "-c", "crm_resource --wait --timeout=120s && echo settled")
		home := at("Mail") // the last of its group
		other := map[string]string{"1": "2", "2": "1"}[home]
		for _, c := range []struct{ host, want, command string }{
			{other, "page of node" + home, "curl -s -m 10 http://" + address + ":8080/"},
			{other, "data", "rsync rsync://" + address + "/"},
			{home, "/srv/www", "readlink /srv/links/www"},
			{home, "10.77.0.0/16", "ip route"},
			{home, "alive", "kill -0 $(cat /run/any.pid) && echo alive"},
			{home, "value=1", "crm_attribute -N node" + home + " -n opinion -G -l reboot"},
			{home, "Takeover in progress", "cat /root/mails"},
		} {
			if code, out := b.try(c.host, "sh", "-c", c.command); code != 0 || !strings.Contains(out, c.want) {
				t.Errorf("%s: %s on node%s: exit %d: %s", what, c.command, c.host, code, out)
			}
		}
		if _, out := b.try("1", "crm_mon", "-1rf"); strings.Contains(out, "BLOCKED") || strings.Contains(out, "Stopped:") && what == "started" {
			t.Errorf("%s:\n%s", what, out)
		}
		return home
	}
	sql := func(host, command string) string {
		_, out := b.try(host, "mariadb", "-uroot", "-S", "/run/mysqld/mysqld.sock", "-N", "-e", command)
		return out
	}
	redis, db := promoted("Redis"), promoted("DB")
	home := whole("started")
	for _, h := range []string{"1", "2"} {
		for _, name := range []string{"cpu_cores", "speed", "ethmonitor-eth0", "#health-cpu"} {
			b.await(30*time.Second, h, "value=", "crm_attribute", "-N", "node"+h, "-n", name, "-G", "-l", "reboot")
		}
	}
	b.do(redis, "redis-cli", "set", "k", "kept")
	if out := sql(db, "create table lab.t(n int) engine=innodb; insert into lab.t values (42)"); out != "" {
		t.Errorf("the promoted database: %s", out)
	}
	for _, h := range []string{"1", "2"} {
		b.await(60*time.Second, h, "kept", "redis-cli", "get", "k")
		b.await(60*time.Second, h, "42", "mariadb", "-uroot", "-S", "/run/mysqld/mysqld.sock", "-N", "-e", "select n from lab.t")
	}

	// What dies is recovered where it was.
	b.do(home, "sh", "-c", "kill -9 $(cat /run/any.pid); rm /srv/links/www; ip route del 10.77.0.0/16; pkill -9 -x nginx")
	for _, r := range []string{"Any", "Link", "Path", "Web"} {
		b.await(60*time.Second, "1", r+":", "sh", "-c", "crm_mon -1f | grep fail-count")
	}
	if now := whole("after failures"); now != home {
		t.Errorf("the group went from node%s to node%s", home, now)
	}
	b.do("1", "pcs", "resource", "cleanup")

	// All leaves a node in standby, and what was written is there on the other.
	for _, h := range []string{home} {
		stays := map[string]string{"1": "2", "2": "1"}[h]
		b.do("1", "pcs", "node", "standby", "node"+h)
		for what, now := range map[string]string{"group": whole("standby of node" + h), "Redis": promoted("Redis"), "DB": promoted("DB")} {
			if now != stays {
				t.Errorf("with node%s in standby %s is on node%s", h, what, now)
			}
		}
		b.await(60*time.Second, stays, "kept", "redis-cli", "get", "k")
		b.await(60*time.Second, stays, "42", "mariadb", "-uroot", "-S", "/run/mysqld/mysqld.sock", "-N", "-e", "select n from lab.t")
		b.do("1", "pcs", "node", "unstandby", "node"+h)
		b.await(long, "1", "settled", "sh", "-c", "crm_resource --wait --timeout=120s && echo settled")
		// The other copies are back and have all, before the next host is left.
		for _, r := range []string{"Redis", "DB"} {
			b.await(long, "1", "Unpromoted: [ node"+h+" ]", "sh", "-c", "crm_mon -1r | grep -A2 "+r+"-clone")
		}
		b.await(long, "1", "may", "sh", "-c", "crm_attribute -N node"+h+" -n master-Redis -G -q -l reboot | grep '^[1-9]' && echo may")
		b.await(60*time.Second, h, "42", "mariadb", "-uroot", "-S", "/run/mysqld/mysqld.sock", "-N", "-e", "select n from lab.t")
		b.do("1", "pcs", "resource", "cleanup")
	}
	for _, r := range []string{"All", "Redis-clone", "DB-clone", "Info-clone", "Cpu-clone", "Speed-clone", "Eth-clone"} {
		b.do("1", "pcs", "resource", "disable", r)
	}
	b.await(long, "1", "No active resources", "crm_mon", "-1")
	for _, h := range []string{"1", "2"} {
		out := b.do(h, "sh", "-c", "ip route; ls /srv/links; for p in nginx redis-server mariadbd rsync; do pgrep -x $p && echo $p runs; done; true")
		if strings.Contains(out, "10.77") || strings.Contains(out, "www") || strings.Contains(out, "runs") {
			t.Errorf("node%s: all is stopped, and yet: %s", h, out)
		}
	}
	// The database is made read-only by the notification before its demotion, and a check in between says that it is not promoted.
	if _, out := b.try("1", "sh", "-c", "crm_mon -1f | grep ' returned ' | grep -v 'DB .*interval monitor'"); strings.TrimSpace(out) != "" {
		t.Errorf("something failed:\n%s", out)
	}
}
