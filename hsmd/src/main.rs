//! `hsmd`: the daemon that holds HSM partitions.
//!
//! Exit codes: 0 after a signal, 1 if it cannot serve, 2 for a bad command line or configuration.
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    warn(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

/// Values of secrets go through the buffers of libraries too.
#[global_allocator]
static ALLOCATOR: crypto::Wiping = crypto::Wiping;

mod anchor;
mod audit;
mod config;
mod daemon;
mod harden;
mod log;
mod messages;
mod metrics;
mod modules;
mod networks;
mod notifications;
mod notify;
mod programs;
mod rest;
mod root_key;
mod scheduler;
mod server;
mod servers;
mod services;
mod stop;
mod store;
mod traces;
mod transfer;

use std::io::stdout;
use std::panic;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{CommandFactory, Parser};
use hsm::vault::Trust;
use tracing::{error, info, warn};

use config::Config;
use daemon::Daemon;

/// Holds HSM partitions and serves them to PKCS#11 modules.
#[derive(Debug, Parser)]
#[command(version)]
struct Options {
    /// The configuration file
    #[arg(long, value_name = "FILE", default_value = "/etc/claviger/hsmd.toml")]
    config: PathBuf,
    /// Checks the configuration, and does nothing else
    #[arg(long)]
    check_config: bool,
    /// Makes the root key file that the configuration names, and does nothing else
    #[arg(long, conflicts_with = "check_config")]
    make_root_key: bool,
    /// Takes the store as it is and makes the anchor follow: after a backup was put back on purpose, or if the
    /// anchor is lost. Whether the store is an older copy is not checked.
    #[arg(long, conflicts_with_all = ["check_config", "make_root_key"])]
    trust_store: bool,
    /// Begins a new audit log although the old one was cut or changed, and records that. What is left of the old
    /// one is kept in a directory beside the new one's files.
    #[arg(long, conflicts_with_all = ["check_config", "make_root_key"])]
    accept_audit_loss: bool,
    /// Prints the manual page, for a package
    #[arg(long, hide = true)]
    print_man: bool,
}

fn main() -> ExitCode {
    // The daemon itself asks for this, of nobody's configuration.
    if std::env::args_os().nth(1).is_some_and(|word| word == servers::errand::WORD) {
        return servers::errand::main();
    }
    let options = Options::parse();
    if options.print_man {
        return match clap_mangen::Man::new(Options::command().name("hsmd")).section("8").render(&mut stdout())
        {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(1, &error.to_string()),
        };
    }
    let config = match Config::read(&options.config) {
        Ok(config) => config,
        Err(error) => return fail(2, &error.to_string()),
    };
    if options.check_config {
        println!("{}: good", options.config.display());
        return ExitCode::SUCCESS;
    }
    if options.make_root_key {
        return make_root_key(&config);
    }
    let trust = if options.trust_store { Trust::Store } else { Trust::Anchor };
    serve(config, trust, options.accept_audit_loss)
}

fn make_root_key(config: &Config) -> ExitCode {
    let Some(path) = &config.root_key.file else {
        return fail(2, "the configuration names no root key file: expected file under [root_key]");
    };
    match root_key::make_file(path) {
        Ok(()) => {
            println!("{} made: keep a copy where the store's backups are not", path.display());
            ExitCode::SUCCESS
        }
        Err(error) => fail(1, &error.to_string()),
    }
}

fn serve(config: Config, trust: Trust, accept_audit_loss: bool) -> ExitCode {
    log::start(&config.log);
    panic::set_hook(Box::new(|defect| {
        // The message may hold what a caller sent; the place is enough to find the defect.
        let place = defect.location().map(ToString::to_string).unwrap_or_default();
        if store::damage::is_expected() {
            warn!("the store's library does not understand what is in the store's file ({place})");
        } else {
            error!("a defect in hsmd at {place}");
        }
    }));
    harden::harden(&config.hardening);
    // A name in the variable makes that test fail: that a failure stops the start can be seen so, and nothing else.
    let fault = std::env::var("CLAVIGER_SELF_TEST_FAULT").ok();
    if let Err(failed) = crypto::self_test::run(fault.as_deref()) {
        error!("{failed}");
        return ExitCode::FAILURE;
    }
    info!("self-tests passed: {} families of algorithms", crypto::self_test::TESTS.len());
    let signals = match server::block_signals() {
        Ok(signals) => signals,
        Err(errno) => return fail(1, &format!("signals cannot be waited for: {errno}")),
    };
    if trust == Trust::Store {
        warn!("--trust-store: whether the store is an older copy is not checked this time");
    }
    let daemon = match Daemon::start(config, trust, accept_audit_loss) {
        Ok(daemon) => Arc::new(daemon),
        Err(error) => {
            error!("{error}");
            return ExitCode::FAILURE;
        }
    };
    if let Err(error) = metrics::serve(&daemon.config.metrics, Arc::clone(&daemon) as _) {
        error!("metrics cannot be offered: {error}");
        return ExitCode::FAILURE;
    }
    if let Err(error) = rest::start(&daemon) {
        error!("the services cannot be offered: {error}");
        return ExitCode::FAILURE;
    }
    if let Err(error) = scheduler::start(&daemon) {
        error!("what is due cannot be done: {error}");
        return ExitCode::FAILURE;
    }
    if let Err(error) = messages::start(&daemon) {
        error!("messages cannot be sent: {error}");
        return ExitCode::FAILURE;
    }
    match server::run(&daemon, &signals) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            error!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn fail(code: u8, reason: &str) -> ExitCode {
    eprintln!("hsmd: {reason}");
    ExitCode::from(code)
}
