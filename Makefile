# What one does with the repository. `make help` lists it.

PREFIX     ?= /usr/local
SYSCONFDIR ?= /etc
DESTDIR    ?=
TARGET      = $(or $(CARGO_TARGET_DIR),$(CURDIR)/target)
# Seconds for each fuzz target.
FUZZ_TIME  ?= 60

BINDIR = $(PREFIX)/bin
LIBDIR = $(PREFIX)/lib
SHARE  = $(PREFIX)/share
DOCDIR = $(SHARE)/doc/claviger
MANDIR = $(SHARE)/man
fill   = sed -e 's|@BINDIR@|$(BINDIR)|g; s|@SYSCONFDIR@|$(SYSCONFDIR)|g; s|@DOCDIR@|$(DOCDIR)|g; s|@LIBDIR@|$(LIBDIR)|g'

.DEFAULT_GOAL := help
.PHONY: help demo test check bench fuzz deny release install deb clients

help: ## List what there is to make
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## Walk through the HSM with pkcs11-tool and OpenSSL
	@scripts/demo

# With the tests, or else what their features change in third parties' crates would have half of all built twice.
test: clients ## Build everything and run every test
	cargo build --workspace --all-targets
	if cargo nextest --version >/dev/null 2>&1; then run='nextest run'; else run=test; fi; \
	    CLAVIGER_REQUIRE_CLIENTS=1 CLAVIGER_BIN_DIR="$(TARGET)/debug" cargo $$run --workspace

check: ## Check format and lints, of scripts too if shellcheck is there, and run the fast tests
	cargo fmt --all --check
	rustfmt --edition 2024 --check hsmd/src/rest/huawei/*/*.rs hsmd/src/rest/own/*.rs hsmd/src/rest/databases/*.rs # Cargo does not see through the macro that names them.
	cargo clippy --workspace --all-targets -- -D warnings
	if command -v shellcheck >/dev/null; then shellcheck -S warning $$(grep -lE '^#!.*sh$$' scripts/* .ci/*); fi
	if cargo nextest --version >/dev/null 2>&1; then run='nextest run'; else run=test; fi; \
	    cargo $$run -p wire -p crypto -p hsm -p hsm-admin

bench: ## Measure Claviger and SoftHSM2 side by side
	@scripts/bench
	@scripts/bench-audit --only p256 --threads 8
	@scripts/bench-operate
	@scripts/bench-kms
	@scripts/bench-many
	@scripts/bench-many --secrets 100

fuzz: ## Run every fuzz target for FUZZ_TIME seconds (nightly Rust and cargo-fuzz)
	cd fuzz && for target in $$(cargo +nightly fuzz list); do \
	    cargo +nightly fuzz run "$$target" -- -max_total_time=$(FUZZ_TIME) || exit 1; done

deny: ## Check dependencies for advisories, licences and sources (installs cargo-deny)
	cargo deny --version >/dev/null 2>&1 || cargo install --locked cargo-deny
	cargo deny --workspace check

release: ## Build what is installed
	cargo build --release -p hsmd -p pkcs11 -p hsm-admin -p audit-cli

# PROFILE=debug installs what `cargo build` made, without building a release.
PROFILE ?= release
BUILT    = $(TARGET)/$(PROFILE)

install: $(filter release,$(PROFILE)) ## Install under PREFIX (and DESTDIR), with a systemd unit
	install -D -m 755 -t "$(DESTDIR)$(BINDIR)" "$(BUILT)/hsmd" "$(BUILT)/hsm-admin" \
	    "$(BUILT)/claviger-audit"
	install -D -m 644 -t "$(DESTDIR)$(LIBDIR)" "$(BUILT)/libclaviger.so"
	install -d "$(DESTDIR)$(LIBDIR)/systemd/system" "$(DESTDIR)$(SHARE)/p11-kit/modules"
	$(fill) packaging/hsmd.service >"$(DESTDIR)$(LIBDIR)/systemd/system/hsmd.service"
	$(fill) packaging/claviger.module >"$(DESTDIR)$(SHARE)/p11-kit/modules/claviger.module"
	install -D -m 644 packaging/claviger.sysusers "$(DESTDIR)$(LIBDIR)/sysusers.d/claviger.conf"
	[ -e "$(DESTDIR)$(SYSCONFDIR)/claviger/hsmd.toml" ] || \
	    install -D -m 644 packaging/hsmd.toml "$(DESTDIR)$(SYSCONFDIR)/claviger/hsmd.toml"
	install -d "$(DESTDIR)$(MANDIR)/man1" "$(DESTDIR)$(MANDIR)/man8"
	"$(BUILT)/hsm-admin" generate man "$(DESTDIR)$(MANDIR)/man1"
	"$(BUILT)/hsmd" --print-man >"$(DESTDIR)$(MANDIR)/man8/hsmd.8"
	install -d "$(DESTDIR)$(SHARE)/bash-completion/completions" "$(DESTDIR)$(SHARE)/zsh/site-functions" \
	    "$(DESTDIR)$(SHARE)/fish/vendor_completions.d"
	"$(BUILT)/hsm-admin" generate completion bash >"$(DESTDIR)$(SHARE)/bash-completion/completions/hsm-admin"
	"$(BUILT)/hsm-admin" generate completion zsh >"$(DESTDIR)$(SHARE)/zsh/site-functions/_hsm-admin"
	"$(BUILT)/hsm-admin" generate completion fish >"$(DESTDIR)$(SHARE)/fish/vendor_completions.d/hsm-admin.fish"
	install -D -m 644 -t "$(DESTDIR)$(DOCDIR)" README.md SECURITY.md CHANGELOG.md LICENSE LICENSE-APACHE LICENSE-MIT

deb: ## Make a Debian package in target/deb
	@scripts/make-deb

# What the tests and the demo use as clients; installs only what is missing.
clients:
	scripts/install-clients
	scripts/install-foreign
