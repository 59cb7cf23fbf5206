//! `login`, `logout` and `whoami`: who is at the console.

use clap::Args;
use serde_json::json;
use wire::admin::people::{Ask as People, Person, Told as Answer};
use wire::admin::{Ask, Command, Told};

use super::people::{facts_of, titles};
use crate::daemon::Daemon;
use crate::error::Error;
use crate::screen::Screen;
use crate::table::printable;
use crate::ukey::Spec;

/// Log in with a UKey: at the console until `logout`, else to see whether it works
#[derive(Debug, Args)]
pub(crate) struct Login {
    /// The UKey: a file or a PKCS#11 URI; --ukey if it is not given
    ukey: Option<Spec>,
}

/// Log out: the console forgets the UKey
#[derive(Debug, Args)]
pub(crate) struct Logout;

/// Show who is logged in, and which commands they may give
#[derive(Debug, Args)]
pub(crate) struct WhoAmI {
    /// On this partition: its label, serial number or slot number
    #[arg(long)]
    partition: Option<String>,
}

impl Login {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        if self.ukey.is_some() {
            daemon.caller().becomes(self.ukey.clone());
        }
        if daemon.caller().spec().is_none() {
            return Err(Error::Usage("name the UKey to log in with: login FILE, or a PKCS#11 URI".into()));
        }
        let (person, ..) = me(daemon, None).inspect_err(|_| daemon.caller().becomes(None))?;
        let Some(person) = person else {
            daemon.caller().becomes(None);
            return Err(Error::Failed(
                "the UKey is not registered with this HSM, which has no owner yet".into(),
            ));
        };
        screen
            .show(&person, |person| format!("Logged in as {}: {}.", printable(&person.name), titles(person)))
    }
}

impl Logout {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        daemon.caller().becomes(None);
        screen.show(&json!({ "person": null }), |_| "Logged out.".into())
    }
}

impl WhoAmI {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let (person, owned, may) = me(daemon, self.partition.clone())?;
        let names: Vec<_> = may.iter().map(|command| command.name()).collect();
        screen.show(&json!({ "person": person, "owned": owned, "may": names }), |_| {
            let who = match (&person, owned) {
                (Some(person), _) => facts_of(person),
                (None, true) => "Nobody is logged in: give --ukey.\n".into(),
                (None, false) => "Nobody is registered: whoever gets here is the security officer.\n".into(),
            };
            format!("{who}\nCommands that may be given now:\n  {}\n", names.join("\n  "))
        })
    }
}

type Me = (Option<Person>, bool, Vec<Command>);

fn me(daemon: &Daemon, partition: Option<String>) -> Result<Me, Error> {
    let mut open = daemon.open()?;
    open.greet()?;
    match open.ask(&Ask::People(People::WhoAmI { partition }))? {
        Told::People(Answer::Me { person, owned, may }) => Ok((person, owned, may)),
        _ => Err(Error::Unknown),
    }
}
