//! `ceremony`: the initialisation of the HSM with all who take part, step by step, and its transcript.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::json;
use ukey::Id;
use wire::admin::people::hex;

use crate::approval_file::sha256;
use crate::daemon::Daemon;
use crate::error::Error;
use crate::screen::Screen;
use crate::table::printable;

mod hall;
mod plan;
mod steps;
mod transcript;

use hall::Hall;
use plan::{Plan, Step};

const HELP: &str = "\
The steps:
  1. the security officers, and their UKeys: made here, or brought along
  2. the quorum: how many of them must approve what changes the most
  3. the HSM is initialised, and belongs to them from then on
  4. the first partition, with its two PINs
  5. its security officer
  6. two crypto officers, each a user of the partition's token with a PIN of
     their own
  7. everybody signs the transcript, whose SHA-256 goes on record

Whatever interrupts it, the same command goes on where it stood. A rehearsal
goes through all of it and changes nothing.

Examples:
  hsm-admin ceremony --rehearsal
  hsm-admin ceremony --folder /media/usb/ceremony
  hsm-admin ceremony status
  hsm-admin ceremony verify ceremony/transcript.txt";

/// Where the files of a ceremony are, if nothing else is said.
const FOLDER: &str = "ceremony";

/// Lead through the initialisation of the HSM, step by step
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(crate) struct Ceremony {
    #[command(subcommand)]
    what: Option<What>,

    /// The folder for the plan, the transcript, and the UKeys that are made
    #[arg(long, value_name = "FOLDER", default_value = FOLDER)]
    folder: PathBuf,

    /// Go through all of it and change nothing: neither the HSM nor the folder
    #[arg(long)]
    rehearsal: bool,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Say where an interrupted ceremony stands, and what comes next
    Status {
        /// The ceremony's folder
        #[arg(default_value = FOLDER)]
        folder: PathBuf,
    },
    /// Verify a transcript: that everybody signed it, and that nothing of it was changed
    Verify {
        /// The transcript
        transcript: PathBuf,
    },
}

impl Ceremony {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        match &self.what {
            None => self.hold(daemon),
            Some(What::Status { folder }) => status(folder, screen),
            Some(What::Verify { transcript }) => verify(transcript, screen),
        }
    }

    fn hold(&self, daemon: &Daemon) -> Result<(), Error> {
        if !std::io::stdin().is_terminal() {
            return Err(Error::Usage("a ceremony is held at a terminal".into()));
        }
        let mut hall =
            if self.rehearsal { Hall::rehearsal(daemon)? } else { Hall::open(daemon, &self.folder)? };
        let outcome = steps::all(&mut hall);
        daemon.caller().becomes(None);
        if outcome.is_err() && !self.rehearsal {
            anstream::eprintln!("\nThe ceremony is interrupted. {}", advice(&hall.plan, &self.folder));
        }
        outcome
    }
}

/// What to do to go on.
fn advice(plan: &Plan, folder: &Path) -> String {
    let folder = printable(&folder.display().to_string());
    match plan.next {
        Step::Over => format!("It is over: see {folder}/transcript.txt."),
        next => format!(
            "It stands before step {} of {}: {}. To go on, call `hsm-admin ceremony --folder {folder}` again; what is \
             done is not done twice.",
            next.number(),
            Step::COUNT,
            next.name()
        ),
    }
}

fn status(folder: &Path, screen: &Screen) -> Result<(), Error> {
    let plan = Plan::load(folder)?
        .ok_or_else(|| Error::File { path: folder.to_owned(), why: "no ceremony was begun here".into() })?;
    let told = json!({ "next": plan.next.name(), "step": plan.next.number(), "transcript": plan.lines });
    screen.show(&told, |_| {
        let lines: Vec<_> = plan.lines.iter().map(|line| printable(line)).collect();
        format!("{}\n\n{}\n", lines.join("\n"), advice(&plan, folder))
    })
}

fn verify(path: &Path, screen: &Screen) -> Result<(), Error> {
    let wrong = |why: String| Error::File { path: path.to_owned(), why };
    let bytes = std::fs::read(path).map_err(|cause| wrong(format!("cannot read it: {cause}")))?;
    let signed = transcript::verify(&bytes).map_err(wrong)?;
    let digest = hex(&sha256(&bytes)?);
    let names: Vec<_> =
        signed.by.iter().map(|(name, id)| json!({ "name": name, "ukey": hex(id.as_bytes()) })).collect();
    let told = json!({ "rehearsal": signed.rehearsal, "signed_by": names, "sha256": digest });
    screen.show(&told, |_| {
        let rows: Vec<_> = signed.by.iter().map(row).collect();
        let what = if signed.rehearsal { "a rehearsal" } else { "a ceremony" };
        format!(
            "This is the transcript of {what}, signed by all who took part:\n{}\n\nSHA-256: {digest}\nThe audit log has \
             the same under “hold a ceremony”, if it was one of this HSM.",
            rows.join("\n")
        )
    })
}

fn row((name, id): &(String, Id)) -> String {
    format!("  {}  {}", id, printable(name))
}
