# Two commands matter to a newcomer: make run, make test.
GO ?= go
BIN := bin
PROGRAMS := pcs crm_mon crm_verify clusterd tools
# Small programs that are one binary, known by the name they are called by.
TOOLS := $(shell cat cmd/tools/names.txt)

# The originals' names of clusterd's roles.
DAEMONS := pacemaker-remoted pacemakerd corosync corosync-qdevice corosync-qnetd
PARTS := pacemaker-attrd pacemaker-based pacemaker-controld pacemaker-execd pacemaker-fenced pacemaker-schedulerd

PREFIX ?= /usr
SBINDIR ?= $(PREFIX)/sbin
# Where the originals' tools look for the parts of pacemakerd, to ask them for their options.
DAEMONDIR ?= $(PREFIX)/libexec/pacemaker
UNITDIR ?= $(PREFIX)/lib/systemd/system
UNITS := $(notdir $(wildcard packaging/systemd/*.service))

.PHONY: build install run test simulate simulate-kept simulate-ring mutants lint bench pages clean

build:
	@mkdir -p $(BIN)
	CGO_ENABLED=0 $(GO) build -trimpath -o $(BIN)/ ./cmd/...
	@for t in $(TOOLS); do ln -sf tools $(BIN)/$$t; done

# The programs, and systemd's units under the names that users type. DESTDIR is for packages. Enable none of them: that is pcs's, or the administrator's.
install: build
	install -d $(DESTDIR)$(SBINDIR) $(DESTDIR)$(UNITDIR) $(DESTDIR)$(DAEMONDIR)
	install -m 755 $(addprefix $(BIN)/,$(PROGRAMS)) $(DESTDIR)$(SBINDIR)/
	@for t in $(TOOLS); do ln -sf tools $(DESTDIR)$(SBINDIR)/$$t; done
	@for d in $(DAEMONS); do ln -sf clusterd $(DESTDIR)$(SBINDIR)/$$d; done
	@for d in $(PARTS); do ln -sf $(SBINDIR)/clusterd $(DESTDIR)$(DAEMONDIR)/$$d; done
	@for u in $(UNITS); do sed 's|@SBINDIR@|$(SBINDIR)|' packaging/systemd/$$u > $(DESTDIR)$(UNITDIR)/$$u && chmod 644 $(DESTDIR)$(UNITDIR)/$$u || exit 1; done
	@if [ -z "$(DESTDIR)" ] && [ -d /run/systemd/system ]; then systemctl daemon-reload; fi

run: build
	./internal/lab/scripts/prepare
	$(BIN)/clusterd lab tutorial

test:
	./internal/lab/scripts/prepare
	$(MAKE) build
	$(GO) test -timeout 30m ./...

# Random scenarios of whole clusters; docs/simulation.md tells of them. FIRST is the seed of the first, MIX=aimed the second mix.
simulate:
	SIMULATE_MIX=$(MIX) GOMAXPROCS=1 GOGC=off GOMEMLIMIT=256MiB SIMULATE_SEEDS=$(SEEDS) SIMULATE_FIRST=$(FIRST) nice -n 10 $(GO) test ./internal/simulation -count 1 -v -timeout 0 -run TestSeeds

# The scenarios that are kept (internal/simulation/testdata), each with EACH other seeds from FIRST on: what happens is the same, the network's and the agents' chance is not.
simulate-kept:
	SIMULATE_VARY=$(or $(EACH),100) SIMULATE_FIRST=$(FIRST) GOMAXPROCS=1 GOGC=off GOMEMLIMIT=256MiB nice -n 10 $(GO) test ./internal/simulation -count 1 -v -timeout 0 -run TestVaried

# Mistakes that somebody might make in what decides, one at a time in a copy: which tests and scenarios find each (docs/simulation.md).
mutants:
	MUTANT="$(MUTANT)" MUTANTS=$(or $(SEEDS_EACH),40) GOMAXPROCS=1 GOGC=off GOMEMLIMIT=300MiB nice -n 10 $(GO) test ./internal/simulation -count 1 -v -timeout 0 -run TestMutants

# Random histories of the ring; docs/ring-simulation.md tells of them. FIRST is the seed of the first, NODES how many nodes (0: 2 to 32).
SEEDS ?= 100000
FIRST ?= 0
NODES ?= 0
simulate-ring:
	GOMAXPROCS=1 nice -n 10 $(GO) test ./corosync/ringsim -count 1 -v -timeout 0 -run TestSeeds -args -seeds $(SEEDS) -first $(FIRST) -nodes $(NODES)

lint:
	@test -z "$$(gofumpt -l . | tee /dev/stderr)"
	$(GO) vet ./...
	staticcheck ./...

bench: build
	$(GO) test -run '^$$' -bench . -benchmem ./...

# Completion for bash, zsh and fish, the man page of pcs, and the table of its verbs.
pages:
	$(GO) run ./internal/pcs/usage/pages share

clean:
	rm -rf $(BIN) share
