"""Runs Pacemaker's cts-lab, from the tree TREE in which Pacemaker was built, against the hosts of a lab of ours.

What it does otherwise than a lab of machines: hosts are reached by the programs in bin/, daemons that are one
process here end as one, nobody waits half a minute for a host that boots in one second, and the audits that 3.0 has
switched off run, as far as they hold.
"""

import os
import re
import runpy
import socket
import sys
import time
import types
from concurrent.futures import ThreadPoolExecutor
from xml.etree import ElementTree

TREE = os.environ["TREE"]
HOSTS = dict(h.split("=") for h in os.environ["HOSTS"].split())
TARGET = os.environ["TARGET"]  # the host that resources ping

sys.path.insert(0, f"{TREE}/python")
sys.modules.setdefault("psutil", types.ModuleType("psutil"))
socket.gethostbyname_ex = lambda name: (name, [], [HOSTS.get(name, TARGET)])

# pylint: disable=wrong-import-position
from pacemaker._cts import CTS, audits, cibxml, cmcorosync, environment, logging, patterns, scenarios, watcher  # noqa: E402
from pacemaker._cts.clustermanager import ClusterManager  # noqa: E402


def times(env):
    """Shorten what is waited for in any case; limits stay."""
    env["stable_time"] = 5


def discover(self, before=environment.Environment._discover):
    """Note which lab this is."""
    before(self)
    times(self)


environment.Environment._discover = discover


def look(self, timeout=None, before=watcher.LogWatcher.look):
    """Lines of fencing that the lab waits a minute for, once all is at rest, are there by then or never come."""
    return before(self, 10 if timeout == 60 else timeout)


watcher.LogWatcher.look = look


def wait_for_node(self, node, timeout=300):
    """Wait until a host is up."""
    end = time.time() + timeout
    while not (self._node_booted(node) and self._sshd_up(node)):
        if time.time() > end:
            raise ValueError(f"{node} did not come up")
        time.sleep(0.5)
    return True


CTS.NodeStatus.wait_for_node = wait_for_node


def signal(self, sig, node):
    """Send a signal to the process that is this daemon here."""
    role = "corosync" if self.name == "corosync" else "pacemaker-remote" if self.name == "pacemaker-remoted" else "pacemaker"
    (rc, _) = self._cm.rsh(node, f"pkill --signal {sig} --full '^([^ ]*clusterd {role}|/usr/sbin/{role} -f)$'")
    if rc not in (0, 1):
        self._cm.log(f"ERROR: Sending signal {sig} to {self.name} failed on node {node}")


CTS.Process.signal = signal


def constraints(self, before=cibxml.Resource._constraints):
    """Colocations have the score and role that they were made with, which 3.0 forgets."""
    text = before(self)
    for (other, how) in self._coloc.items():
        words = f'with-rsc="{other}" score="{how.get("score", "INFINITY")}"'
        if how.get("with-rsc-role"):
            words += f' with-rsc-role="{how["with-rsc-role"]}"'
        text = text.replace(f'rsc="{self.name}" with-rsc="{other}"', f'rsc="{self.name}" {words}')
    return text


cibxml.Resource._constraints = constraints


def parameter(self, key, value, before=cibxml.Resource.__setitem__):
    """Agents that sleep before they answer do so for a moment."""
    before(self, key, "3" if key == "random_sleep_range" else value)


cibxml.Resource.__setitem__ = parameter


def components(self):
    """Give the daemons with what is told once one is lost: all but Corosync are one process, which comes back as a whole."""
    lost = {"corosync": [r"pacemaker-controld.*:\s*crit:.*Lost connection to cluster layer"]}
    names = ["corosync", "pacemaker-attrd", "pacemaker-based", "pacemaker-controld", "pacemaker-execd", "pacemaker-fenced"]
    return [CTS.Process(self, n, pats=lost.get(n, []) + [r"State transition .* -> S_IDLE"], badnews_ignore=self.templates.get_component(f"{n}-ignore")) for n in names]


cmcorosync.Corosync2.components = property(components)


def corosync_patterns(self, before=patterns.Corosync2Patterns.__init__):
    """Who starts a daemon again is not Pacemaker: that it starts is told."""
    before(self)
    self._search["Pat:ChildKilled"] = self._search["Pat:ChildRespawn"] = r"%s\W.*pacemakerd.*Starting Pacemaker(?#%s)"


patterns.Corosync2Patterns.__init__ = corosync_patterns


def install_config(self, node, before=ClusterManager._install_config):
    """Leave all CIBs but the first one's alone: the hosts are new, and one that was fenced before its turn runs, and has saved what it joined with."""
    if self._cib_installed:
        self._cib_sync[node] = True
    before(self, node)


ClusterManager._install_config = install_config


class Primitives(audits.PrimitiveAudit):
    """What is active, in a cluster that has settled."""

    def _setup(self):
        self._active_nodes, self._inactive_nodes, self._constraints, self._resources, self._target = [], [], [], [], None
        if not super()._setup():
            return False
        names = {self.name_of(r) for r in self._resources if r.type == "primitive"}
        with ThreadPoolExecutor() as hosts:
            self._found = dict(zip(self._active_nodes, hosts.map(lambda n: self.active_on(n, names), self._active_nodes)))
        return True

    @staticmethod
    def name_of(resource):
        """Give the name by which a host knows a resource: instances of a clone that are alike have one."""
        return resource.id if resource.unique else re.sub(r":[0-9]+$", "", resource.id)

    def active_on(self, node, names):
        """Give the resources that are active on a host or, unlike the lab, promoted."""
        ask = self._cm.templates["RscRunning"] % "$r"
        (_, lines) = self._cm.rsh(node, f"for r in {' '.join(sorted(names))}; do out=$({ask} 2>&1); echo \"ACTIVE $? $r\" $out; done", verbose=1)
        answers = [line.split(None, 3) for line in lines if line.startswith("ACTIVE ")]
        return {a[2] for a in answers if a[1] == "0" or "rc:8 " in (a + [""])[3] + " "}

    def _audit_resource(self, resource, quorum):
        active = [n for n, names in self._found.items() if self.name_of(resource) in names]
        if len(active) > 1 and resource.unique:
            self._cm.log(f"Resource {resource.id} is active multiple times: {active!r}")
            return False
        if active and not quorum and resource.managed and resource.rclass != "stonith" and self.unsplit():
            self._cm.log(f"Resource {resource.id} active without quorum: {active!r}")
            return False
        if not active and quorum and resource.managed and not resource.orphan and self.whole(resource):
            self._cm.log(f"Resource {resource.id} not served anywhere")
            return False
        if resource.host not in active and resource.host in self._active_nodes and resource.rclass != "stonith":
            self._cm.log(f"Resource {resource.id} is said to be active on {resource.host}, but is on {active!r}")
            return False
        return True

    def unsplit(self):
        """Whether all hosts that are up see each other."""
        return self._cm.partitions_expected == 1

    def whole(self, resource):
        """Whether nothing may hold a resource back: all hosts are up, and nobody stopped it."""
        return not self._inactive_nodes and self.unsplit() and resource.rclass != "stonith"

    def is_applicable(self):
        return True


class Groups(Primitives, audits.GroupAudit):
    """Members of groups are where the group is."""

    __call__ = audits.GroupAudit.__call__


class Colocations(Primitives, audits.ColocationAudit):
    """What must be together is."""

    __call__ = audits.ColocationAudit.__call__


class States(audits.ControllerStateAudit):
    """Nodes are up or down, as they ought to be."""

    def is_applicable(self):
        return True


class CIBs(audits.CIBAudit):
    """All nodes of a part have the same CIB."""

    def _audit_cib_contents(self, hostlist):
        for _ in range(10):  # an attribute may just be on its way
            found = {}
            for node in hostlist.split():
                (rc, lines) = self._cm.rsh(node, "cibadmin --query --local", verbose=1)
                found[node] = "".join(lines) if rc == 0 else f"exit code {rc}"
            if len(set(found.values())) == 1:
                return True
            time.sleep(1)
        self._cm.log("CIBs differ: " + ", ".join(f"{n} {hash(t):x}" for n, t in found.items()))
        return False

    def is_applicable(self):
        return True


class Partitions(audits.PartitionAudit):
    """There are as many parts as there ought to be, each with one DC, whose members agree."""

    def _audit_partition(self, partition):
        passed, leaders, quorate = True, [], set()
        for node in partition.split():
            (_, state) = self._cm.rsh(node, self._cm.templates["StatusCmd"] % node, verbose=1)
            (_, quorum) = self._cm.rsh(node, self._cm.templates["QuorumCmd"], verbose=1)
            state, quorum = (x[0].strip() if x else "" for x in (state, quorum))
            self.debug(f"Node {node}: {state} - {quorum}.")
            quorate.add(quorum)
            if self._cm.is_node_dc(node, state):
                leaders.append(node)
        if len(leaders) != 1:
            self._cm.log(f"{len(leaders)} DCs ({leaders}) found in cluster partition: {partition}")
            passed = False
        want = "1" if 2 * len(partition.split()) > len(self._cm.env["nodes"]) or len(self._cm.env["nodes"]) == 2 else "0"
        if quorate != {want}:
            self._cm.log(f"{partition}: quorum is {quorate}, not {want}")
            passed = False
        return passed

    def is_applicable(self):
        return True


class Leftovers(audits.ClusterAudit):
    """A cluster that has settled has nothing left to do, and finds no fault with itself."""

    def __init__(self, cm):
        super().__init__(cm)
        self.name = "LeftoverAudit"

    def __call__(self):
        up = [n for n in self._cm.env["nodes"] if self._cm.expected_status[n] == "up"]
        if 2 * len(up) <= len(self._cm.env["nodes"]) or self._cm.partitions_expected > 1:
            return True  # without quorum much is left to do, and must be
        look = "crm_verify --live-check 2>&1; crm_simulate --live-check --simulate 2>/dev/null | sed -n '/^Transition Summary/,/^Executing/{/^  /p}'"
        for _ in range(10):  # an attribute may just be on its way
            (_, lines) = self._cm.rsh(up[0], look, verbose=1)
            if not lines:
                return True
            time.sleep(1)
        for line in lines:
            self._cm.log(f"A cluster that has settled would do: {line}")
        return False

    def is_applicable(self):
        return True


class Statuses(audits.ClusterAudit):
    """The status section is of nodes and resources that there are."""

    def __init__(self, cm):
        super().__init__(cm)
        self.name = "StatusAudit"

    def __call__(self):
        up = [n for n in self._cm.env["nodes"] if self._cm.expected_status[n] == "up"]
        if 2 * len(up) <= len(self._cm.env["nodes"]) or self._cm.partitions_expected > 1:
            return True
        for _ in range(10):
            (rc, lines) = self._cm.rsh(up[0], "cibadmin --query", verbose=1)
            strange = self.strange(ElementTree.fromstring("".join(lines))) if rc == 0 else [f"exit code {rc}"]
            if not strange:
                return True
            time.sleep(1)
        for what in strange:
            self._cm.log(f"The status has {what}")
        return False

    @staticmethod
    def strange(cib):
        """Give what belongs to nobody."""
        resources = {r.get("id") for r in cib.iterfind("configuration/resources//primitive")}
        remote = {r.get("id") for r in cib.iterfind("configuration/resources//primitive") if r.get("type") == "remote"}
        nodes = {n.get("uname") for n in cib.iterfind("configuration/nodes/node") if n.get("type") != "remote"} | remote
        strange = []
        for state in cib.iterfind("status/node_state"):
            node = state.get("uname")
            if node not in nodes:
                strange.append(f"node {node}")
            for r in state.iterfind("lrm/lrm_resources/lrm_resource"):
                if r.get("id").split(":")[0] not in resources:
                    strange.append(f"resource {r.get('id')} on {node}")
            strange += [f"{op.get('operation_key')} of {r.get('id')} under way on {node}" for r in state.iterfind("lrm/lrm_resources/lrm_resource")
                        for op in r.iterfind("lrm_rsc_op") if op.get("op-status") == "-1"]
            attributes = [a.get("name") for a in state.iterfind("transient_attributes/instance_attributes/nvpair")]
            if node in remote | nodes and state.get("in_ccm") not in ("false", "0") and "shutdown" in attributes:
                strange.append(f"a shutdown of {node}")
            strange += [f"{a} on {node} twice" for a in set(attributes) if attributes.count(a) > 1]
        return strange

    def is_applicable(self):
        return True


def audit_list(cm):
    """Give the audits."""
    every = [audits.DiskAudit, audits.FileAudit, audits.LogAudit, States, Partitions, Primitives, Groups, Colocations, CIBs, Leftovers, Statuses]
    return [a for a in (c(cm) for c in every) if a.is_applicable()]


audits.audit_list = audit_list


def summarize(self, before=scenarios.Scenario.summarize):
    """Tell all of each test's numbers."""
    before(self)
    for test in self.tests:
        logging.log(f"RESULT {test.name} {test.stats}")


scenarios.Scenario.summarize = summarize


def scenario_audit(self, local_ignore=None, before=scenarios.Scenario.audit):
    """Count the audits that fail."""
    failed = before(self, local_ignore)
    for _ in range(failed):
        self.incr("auditfail")
    return failed


scenarios.Scenario.audit = scenario_audit

END = time.time() + float(os.environ["DURATION"] or "inf")


def run_test(self, test, testcount, before=scenarios.Scenario.run_test):
    """Begin no test once the time is over."""
    if time.time() > END:
        self._cm.log(f"No time is left for {test.name}")
        return False
    return before(self, test, testcount)


scenarios.Scenario.run_test = run_test

sys.argv[0] = f"{TREE}/cts/cts-lab"
if not os.path.exists(sys.argv[0]):
    sys.argv[0] = os.environ["CTSLAB"]
runpy.run_path(sys.argv[0], run_name="__main__")
