//! The command line.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Parser, ValueEnum};
use serde::{Deserialize, Serialize};

/// Measures PKCS#11 modules side by side.
///
/// Each module runs in a process of its own; rounds of all modules alternate, so that a machine that
/// gets slower or faster during the run does so for all. Only operations that answered CKR_OK count, and
/// one result of each workload is verified before it is timed. With two tokens or more, the ratio is
/// taken round by round against the second.
#[derive(Parser, Debug)]
#[command(name = "claviger-bench", version)]
pub(crate) struct Options {
    /// A token to measure: name=N,module=PATH,label=L,pin=P[,env=K=V]... Values hold no comma.
    #[arg(long = "token", required_unless_present = "list")]
    pub(crate) tokens: Vec<TokenOption>,

    /// How many threads, each with a session; a comma between several.
    #[arg(long, value_delimiter = ',', default_value = "1,2,8")]
    pub(crate) threads: Vec<usize>,

    /// Seconds of one round of one workload on one token.
    #[arg(long, default_value_t = 0.5)]
    pub(crate) seconds: f64,

    /// Rounds of each workload.
    #[arg(long, default_value_t = 5)]
    pub(crate) rounds: usize,

    /// Only workloads whose name holds one of these words; a comma between several.
    #[arg(long, value_delimiter = ',')]
    pub(crate) only: Vec<String>,

    /// How many token objects the find workloads search among.
    #[arg(long, default_value_t = 10_000)]
    pub(crate) objects: u32,

    /// Where the keys that are used live.
    #[arg(long, value_enum, default_value_t = Keys::Token)]
    pub(crate) keys: Keys,

    /// Also report the peak memory of this process (the daemon behind a module).
    #[arg(long)]
    pub(crate) daemon_pid: Option<u32>,

    /// A Markdown table instead of plain text.
    #[arg(long)]
    pub(crate) markdown: bool,

    /// JSON instead of a table.
    #[arg(long, conflicts_with = "markdown")]
    pub(crate) json: bool,

    /// Leave what was made on the tokens: quicker, for tokens that are thrown away.
    #[arg(long)]
    pub(crate) leave: bool,

    /// Lists the workloads and ends.
    #[arg(long)]
    pub(crate) list: bool,
}

/// Where keys live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
pub(crate) enum Keys {
    /// In the token's store, as a server's keys do.
    Token,
    /// In the session's memory.
    Session,
}

/// How to reach one token.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct TokenOption {
    pub(crate) name: String,
    pub(crate) module: PathBuf,
    pub(crate) label: String,
    pub(crate) pin: String,
    pub(crate) env: BTreeMap<String, String>,
}

impl FromStr for TokenOption {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut env = BTreeMap::new();
        let mut fields = BTreeMap::new();
        for part in text.split(',') {
            let (key, value) = part.split_once('=').ok_or_else(|| format!("{part:?} is not key=value"))?;
            match key {
                "env" => {
                    let (name, value) =
                        value.split_once('=').ok_or_else(|| format!("{part:?} is not env=NAME=VALUE"))?;
                    env.insert(name.to_owned(), value.to_owned());
                }
                "name" | "module" | "label" | "pin" | "so_pin" => {
                    fields.insert(key, value.to_owned());
                }
                _ => {
                    return Err(format!(
                        "unknown key {key:?}; there are name, module, label, pin, so_pin, env"
                    ));
                }
            }
        }
        let mut take = |key: &str| fields.remove(key).ok_or_else(|| format!("{key}= is missing"));
        let module = PathBuf::from(take("module")?);
        let stem = module.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self { name: take("name").unwrap_or(stem), label: take("label")?, pin: take("pin")?, module, env })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_with_its_environment() {
        let token: TokenOption = "name=a,module=/lib/x.so,label=L,pin=12,env=A=1,env=B=2=3".parse().unwrap();
        assert_eq!((token.name.as_str(), token.pin.as_str()), ("a", "12"));
        assert_eq!(token.env["A"], "1");
        assert_eq!(token.env["B"], "2=3");
    }

    #[test]
    fn a_token_without_name_is_called_after_its_module() {
        let token: TokenOption = "module=/lib/x.so,label=L,pin=12".parse().unwrap();
        assert_eq!(token.name, "x");
    }

    #[test]
    fn a_misspelt_or_missing_key_is_refused() {
        assert!("module=/lib/x.so,lable=L,pin=1".parse::<TokenOption>().is_err());
        assert!("label=L,pin=1".parse::<TokenOption>().is_err());
    }
}
