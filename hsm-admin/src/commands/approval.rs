//! `approval`: requests for the approval of a command, and the signatures that approve it.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use serde_json::json;
use wire::admin::people::hex;

use crate::approval_file::{self, moment};
use crate::cli::{Line, Typed};
use crate::daemon::Daemon;
use crate::error::Error;
use crate::screen::Screen;
use crate::secret;

const EXAMPLES: &str = "\
Examples:
  hsm-admin --ukey ada.ukey approval request --out r.json -- \\
    partition delete payments --yes
  hsm-admin approval show r.json
  hsm-admin --ukey ben.ukey approval sign r.json --out ben.json
  hsm-admin --ukey eva.ukey approval sign r.json --out eva.json
  hsm-admin --ukey ada.ukey --approval ben.json --approval eva.json \\
    partition delete payments --yes";

/// Approve commands that need several people, with files that can be carried
#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub(crate) enum Approval {
    /// Make a request for the approval of a command, which is not carried out
    #[command(after_help = EXAMPLES)]
    Request {
        /// Write the request to this file; else it is printed
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,

        /// For how long it can be used: 90s, 30m, 24h, 7d
        #[arg(long, value_name = "TIME", default_value = "24h", value_parser = seconds)]
        valid: u64,

        /// The command with its arguments, after `--`
        #[arg(last = true, required = true)]
        command: Vec<String>,
    },
    /// Show what a request asks for, or an approval approves
    Show {
        /// The file
        file: PathBuf,
    },
    /// Approve a request with the UKey of --ukey; no daemon is needed
    #[command(after_help = EXAMPLES)]
    Sign {
        /// The request
        file: PathBuf,

        /// Write the approval to this file
        #[arg(long, value_name = "FILE")]
        out: PathBuf,

        /// Do not ask whether it is meant
        #[arg(long)]
        yes: bool,
    },
}

/// `90s`, `30m`, `24h` or `7d` in seconds.
pub(super) fn seconds(text: &str) -> Result<u64, String> {
    let expected = || format!("{text:?} is no time: expected a number with s, m, h or d, as in 24h");
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(expected)?;
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86400,
        _ => return Err(expected()),
    };
    number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit)).ok_or_else(expected)
}

impl Approval {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        match self {
            Self::Request { out, valid, command } => {
                let request = request(daemon, screen, command, *valid)?;
                let Some(path) = out else {
                    return screen.text(&approval_file::request_to_json(&request)?);
                };
                approval_file::write_request(path, &request)?;
                let made = json!({ "request": path, "needed": request.needed, "role": request.role });
                screen.show(&made, |_| {
                    format!(
                        "Made a request. The command was not carried out.\n\n{}\nHave {} of those who are {} sign {} \
                         with `approval sign`.",
                        approval_file::shown(&request),
                        request.needed,
                        request.role,
                        path.display()
                    )
                })
            }
            Self::Show { file } => {
                let request = approval_file::read_request(file)?;
                let signed = approval_file::read_approval(file).ok().map(|approval| hex(&approval.ukey));
                let (about, until) = (&request.target, moment(request.expires));
                let told = json!({
                    "command": request.command, "target": about, "details": request.details,
                    "expires": until, "hsm": hex(&request.hsm), "nonce": hex(&request.nonce),
                    "needed": request.needed, "role": request.role, "signed_by": signed,
                });
                screen.show(&told, |_| {
                    let by = match &signed {
                        None => "nobody: this is a request".to_owned(),
                        Some(ukey) => format!("UKey {ukey}, if the signature is good: the daemon checks it"),
                    };
                    format!("{}approved by  {by}\n", approval_file::shown(&request))
                })
            }
            Self::Sign { file, out, yes } => {
                let request = approval_file::read_request(file)?;
                if daemon.caller().spec().is_none() {
                    return Err(Error::Usage("say with --ukey which UKey is to sign".into()));
                }
                if !yes {
                    let asked = format!("This is what you approve:\n\n{}", approval_file::shown(&request));
                    secret::confirm(&asked, "the word", "yes")?;
                }
                let signed = daemon.caller().with_key(|key| {
                    let approval = approval_file::approve(&request, key)?;
                    approval_file::write_approval(out, &approval, key.public().name())
                })?;
                signed.ok_or(Error::Unknown)?;
                screen.show(&json!({ "approval": out }), |_| {
                    format!("Approved. {} goes back to who made the request.", out.display())
                })
            }
        }
    }
}

/// Has the command run as far as its question to the daemon, and makes a request of that.
fn request(
    daemon: &Daemon,
    screen: &Screen,
    words: &[String],
    valid: u64,
) -> Result<wire::admin::approval::Request, Error> {
    let line = Line::try_parse_from(words).map_err(|error| Error::Usage(error.to_string()))?;
    let Typed::Command(command) = line.command else {
        return Err(Error::Usage("this is no command that can be approved".into()));
    };
    daemon.caller().makes_requests(Some(valid));
    let outcome = command.run(daemon, screen);
    daemon.caller().makes_requests(None);
    match outcome {
        Err(Error::Requested(request)) => Ok(*request),
        Err(error) => Err(error),
        Ok(()) => Err(Error::Usage("this command needs no approvals: it was carried out".into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_a_unit() {
        assert_eq!(["30m", "24h", "7d"].map(seconds), [Ok(1800), Ok(86400), Ok(604_800)]);
        for wrong in ["", "m", "7", "7 d", "-1h", "1w", "99999999999999999999d", "é"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }
}
