//! The tokens to work on, as the command line of both programs names them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;

/// Which module, which token, which PINs.
#[derive(Clone, Debug)]
pub struct Target {
    /// What tables call it.
    pub name: String,
    /// Path of the PKCS#11 module.
    pub module: PathBuf,
    /// Label of the token.
    pub label: String,
    /// The user's PIN.
    pub pin: String,
    /// The security officer's PIN.
    pub so_pin: String,
    /// Label of a second token with the same PINs, which may be locked or lost.
    pub victim: Option<String>,
    /// What the module finds in its environment besides.
    pub env: BTreeMap<String, String>,
}

/// One token by options of its own, or any number by `--token`.
#[derive(Args, Clone, Debug)]
pub struct Targets {
    /// A token: module=PATH,label=L,pin=P,so_pin=S[,name=N][,victim=L][,env=K=V]... Given twice or more, the
    /// tokens stand side by side. Values hold no comma
    #[arg(long = "token", id = "token")]
    tokens: Vec<Target>,
    /// The name of the token that decides on the exit status; the first, if not given
    #[arg(long, value_name = "NAME")]
    judge: Option<String>,
    /// Path of the PKCS#11 module, where no --token is given
    #[arg(long, env = "P11_MODULE", required_unless_present_any = ["token", "list"])]
    module: Option<PathBuf>,
    /// Label of its token
    #[arg(long, env = "P11_LABEL", required_unless_present_any = ["token", "list"])]
    label: Option<String>,
    /// The user's PIN
    #[arg(long, env = "P11_PIN", hide_env_values = true, required_unless_present_any = ["token", "list"])]
    pin: Option<String>,
    /// The security officer's PIN
    #[arg(long, env = "P11_SO_PIN", hide_env_values = true, required_unless_present_any = ["token", "list"])]
    so_pin: Option<String>,
    /// Label of a second token with the same PINs, for attacks that lock a PIN or cross tokens
    #[arg(long, env = "P11_VICTIM_LABEL")]
    victim_label: Option<String>,
}

impl Targets {
    /// The tokens in their order, and the place of the one that is judged.
    ///
    /// # Errors
    /// What is wrong, if the name to judge is no token's or two tokens have one name.
    pub fn resolve(self) -> Result<(Vec<Target>, usize), String> {
        let mut tokens = self.tokens;
        if let (true, Some(module), Some(label), Some(pin), Some(so_pin)) =
            (tokens.is_empty(), self.module, self.label, self.pin, self.so_pin)
        {
            let (name, victim) = (stem(&module), self.victim_label);
            tokens.push(Target { name, module, label, pin, so_pin, victim, env: BTreeMap::new() });
        }
        for (place, token) in tokens.iter().enumerate() {
            if tokens.iter().take(place).any(|other| other.name == token.name) {
                return Err(format!("two tokens are named {}: give each its name=", token.name));
            }
        }
        let judged = match &self.judge {
            Some(name) => tokens.iter().position(|token| token.name == *name),
            None => Some(0),
        };
        judged.map(|judged| (tokens, judged)).ok_or_else(|| "no token has the name to judge".to_owned())
    }
}

impl FromStr for Target {
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
                "name" | "module" | "label" | "pin" | "so_pin" | "victim" => {
                    fields.insert(key, value.to_owned());
                }
                _ => {
                    return Err(format!(
                        "unknown key {key:?}; there are name, module, label, pin, so_pin, victim, env"
                    ));
                }
            }
        }
        let mut take = |key: &str| fields.remove(key).ok_or_else(|| format!("{key}= is missing"));
        let module = PathBuf::from(take("module")?);
        Ok(Self {
            name: take("name").unwrap_or_else(|_| stem(&module)),
            label: take("label")?,
            pin: take("pin")?,
            so_pin: take("so_pin")?,
            victim: take("victim").ok(),
            module,
            env,
        })
    }
}

fn stem(module: &std::path::Path) -> String {
    module.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_with_its_environment() {
        let token: Target =
            "module=/lib/x.so,label=L,pin=12,so_pin=34,victim=V,env=A=1,env=B=2=3".parse().unwrap();
        assert_eq!((token.name.as_str(), token.so_pin.as_str()), ("x", "34"));
        assert_eq!((token.victim.as_deref(), token.env["B"].as_str()), (Some("V"), "2=3"));
    }

    #[test]
    fn a_misspelt_or_missing_key_is_refused() {
        assert!("module=/lib/x.so,lable=L,pin=1,so_pin=2".parse::<Target>().is_err());
        assert!("module=/lib/x.so,label=L,pin=1".parse::<Target>().is_err());
    }

    #[test]
    fn the_token_to_judge_is_the_first_or_the_named_one() {
        let token = |name: &str| format!("name={name},module=m,label=l,pin=p,so_pin=s").parse().unwrap();
        let targets = |judge: Option<&str>, names: [&str; 2]| Targets {
            tokens: names.map(token).to_vec(),
            judge: judge.map(str::to_owned),
            module: None,
            label: None,
            pin: None,
            so_pin: None,
            victim_label: None,
        };
        assert_eq!(targets(None, ["a", "b"]).resolve().unwrap().1, 0);
        assert_eq!(targets(Some("b"), ["a", "b"]).resolve().unwrap().1, 1);
        assert!(targets(Some("c"), ["a", "b"]).resolve().is_err());
        assert!(targets(None, ["a", "a"]).resolve().is_err());
    }
}
