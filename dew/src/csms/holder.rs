//! Whom a rotation gives a new value: an account of a server, or whatever a program of the operator's looks after.
//!
//! Each of its acts can be done twice. A program is asked as [`Asked`] says, and README.md for whoever writes one.

use crypto::Secret as Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use zeroize::Zeroizing;

use super::Csms;
use super::database::{Login, Server, check_account};
use super::error::{CsmsError, Result};
use super::fault::Fault;
use super::password::PasswordRules;
use super::secret::{Secret, SecretKind};
use super::value::Value;
use crate::iam::ProjectId;

/// Whom it is.
pub(super) enum Holder {
    /// An account of a server, and the one that sets passwords there.
    Account {
        /// The kind of the secret.
        kind: SecretKind,
        /// The server.
        server: Server,
        /// The account that sets passwords.
        admin: Login,
    },
    /// What a program looks after.
    Program {
        /// The project of the secret.
        project: ProjectId,
        /// The program.
        program: String,
        /// The secret's name and id.
        secret: [String; 2],
    },
}

/// The version of what programs are asked and answer.
const CONTRACT: u32 = 1;

/// What a program is asked on its standard input: one object of JSON, and then the input's end.
#[derive(Serialize)]
struct Asked<'a> {
    version: u32,
    /// `create`, `set`, `test` or `undo`.
    step: &'a str,
    name: &'a str,
    id: &'a str,
    /// What is `SYSCURRENT`.
    current: &'a str,
    /// What is to become current; not known yet in `create`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pending: Option<&'a str>,
    /// Of `create`: random characters, to make a value of.
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<&'a str>,
}

/// What a program answers on its standard output: one object of JSON, empty if it did what it was asked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answered {
    /// Of `create`: the new value.
    value: Option<Zeroizing<String>>,
    /// Why it did not do it, and what somebody should do.
    error: Option<Zeroizing<String>>,
}

/// How many characters of what a program says are passed on.
const SAID: usize = 300;

impl Csms {
    /// A value that is to follow another.
    pub(super) fn value_after(&self, holder: &Holder, current: &Value) -> Result<Value> {
        match holder {
            Holder::Account { kind, admin, .. } => {
                let fields = Fields::of(*kind, current)?;
                let login = fields.login()?;
                check_other(admin, &login)?;
                let name = login.name;
                let (password, public) = self.new_password(*kind)?;
                fields.with(&Login { name, password }, public.as_deref())
            }
            Holder::Program { .. } => {
                let (password, _) = self.new_password(SecretKind::Program)?;
                let answered = self.run(holder, "create", current, None, Some(&password))?;
                match answered.value {
                    Some(value) => text_value(value.as_bytes().to_vec()),
                    None => with_password(current, &password),
                }
            }
        }
    }

    /// Has a value be good from now on.
    pub(super) fn set(&self, holder: &Holder, current: &Value, pending: &Value) -> Result<()> {
        match holder {
            Holder::Account { kind, server, admin } => {
                let login = Fields::of(*kind, pending)?.login()?;
                Ok(self.servers.set_password(server, admin, &login)?)
            }
            Holder::Program { .. } => self.run(holder, "set", current, Some(pending), None).map(drop),
        }
    }

    /// Whether a value is good.
    pub(super) fn try_out(&self, holder: &Holder, current: &Value, pending: &Value) -> Result<()> {
        match holder {
            Holder::Account { kind, server, .. } => {
                let login = Fields::of(*kind, pending)?.login()?;
                Ok(self.servers.log_in(server, &login)?)
            }
            Holder::Program { .. } => self.run(holder, "test", current, Some(pending), None).map(drop),
        }
    }

    /// Has a value be good that was to be followed by another. It may have been set, or be about to be, if the answer was
    /// `lost`.
    pub(super) fn set_back(
        &self,
        holder: &Holder,
        current: &Value,
        pending: &Value,
        lost: bool,
    ) -> Result<()> {
        let Holder::Account { kind, server, admin } = holder else {
            return self.run(holder, "undo", current, Some(pending), None).map(drop);
        };
        let old = Fields::of(*kind, current)?.login()?;
        // If the answer was lost, the server may still be about to set the new one: it is told the old one behind that. And
        // of two keys that let somebody in, the next rotation lets the newest be: that is to be the old one.
        if !lost && *kind != SecretKind::SshKey {
            match self.servers.log_in(server, &old) {
                Err(Fault::Login(_)) => {}
                tried => return Ok(tried?),
            }
        }
        match self.servers.set_password(server, admin, &old) {
            // There is no account that could have another password.
            Err(Fault::NoAccount(_)) => Ok(()),
            set => {
                set?;
                Ok(self.servers.log_in(server, &old)?)
            }
        }
    }

    /// Has a program do a step.
    fn run(
        &self,
        holder: &Holder,
        step: &str,
        current: &Value,
        pending: Option<&Value>,
        password: Option<&str>,
    ) -> Result<Answered> {
        let Holder::Program { project, program, secret: [name, id] } = holder else {
            return Err(CsmsError::Internal("a program is run for what it looks after"));
        };
        let asked = Asked {
            version: CONTRACT,
            step,
            name,
            id,
            current: text_of(current)?,
            pending: pending.map(text_of).transpose()?,
            password,
        };
        let bytes = serde_json::to_vec(&asked).map(Zeroizing::new);
        let bytes = bytes.map_err(|_| CsmsError::Internal("a question has an encoding"))?;
        let failed = |why: &str| CsmsError::Database(Fault::Program(asked.without_secrets(why)));
        let answered = self.servers.run(*project, program, &bytes).map_err(|fault| match fault {
            Fault::Program(why) => failed(&why),
            other => other.into(),
        })?;
        let answered: Answered = serde_json::from_slice(&answered).map_err(|_| {
            failed(&format!(
                "the program {program} answers to {step} with no object of its contract: expected {{}}, {{\"value\": a text}} to \
                 create, or {{\"error\": why it did not do it}}"
            ))
        })?;
        match &answered.error {
            Some(why) => Err(failed(&format!("the program {program} did not {step}: {}", why.as_str()))),
            None => Ok(answered),
        }
    }

    /// What lets somebody in: a password, or a private key and the public half of it.
    fn new_password(&self, kind: SecretKind) -> Result<(Zeroizing<String>, Option<String>)> {
        if kind == SecretKind::SshKey {
            let seed = self.hsm.random_secret(32)?;
            let seed = <&[u8; 32]>::try_from(seed.as_bytes())
                .map_err(|_| CsmsError::Internal("as many bytes as were asked for"))?;
            let (private, public) = self.servers.new_key(seed)?;
            return Ok((private, Some(public)));
        }
        let made = self.password(&rules())?;
        let text = String::from_utf8(made.as_bytes().to_vec());
        let text = text.map_err(|_| CsmsError::Internal("a password is of ASCII"))?;
        Ok((Zeroizing::new(text), None))
    }

    /// A password for the clone of an account.
    pub(super) fn clone_of(&self, kind: SecretKind, name: String) -> Result<Login> {
        Ok(Login { name, password: self.new_password(kind)?.0 })
    }
}

impl Asked<'_> {
    /// What a program says of it, safe to record: one line, not long, and nothing if any of the values is in it.
    fn without_secrets(&self, said: &str) -> String {
        let values = [Some(self.current), self.pending, self.password];
        let parts = values.into_iter().flatten().flat_map(secret_parts);
        if parts.into_iter().any(|part| said.contains(&*part)) {
            return "the program failed, and says why in words that hold a value, which are kept back"
                .to_owned();
        }
        said.chars().map(|char| if char.is_control() { ' ' } else { char }).take(SAID).collect()
    }
}

/// A value, and the texts within it that could be told for it: those of its JSON, and lines of each, such as of a key.
fn secret_parts(value: &str) -> Vec<Zeroizing<String>> {
    let mut parts = vec![Zeroizing::new(value.to_owned())];
    add_text(value, &mut parts);
    if let Ok(Json::Object(all)) = serde_json::from_str(value) {
        all.iter().filter(|(name, _)| *name != "name").for_each(|(_, part)| texts_of(part, &mut parts));
    }
    parts
}

/// Adds the texts within a part of a value.
fn texts_of(part: &Json, parts: &mut Vec<Zeroizing<String>>) {
    match part {
        Json::String(text) => add_text(text, parts),
        Json::Array(all) => all.iter().for_each(|part| texts_of(part, parts)),
        Json::Object(all) => all.values().for_each(|part| texts_of(part, parts)),
        _ => {}
    }
}

/// Adds a text and its lines, of which each may be told alone.
fn add_text(text: &str, parts: &mut Vec<Zeroizing<String>>) {
    let all = text.lines().map(str::trim).chain([text]).filter(|part| part.len() >= SHORT);
    parts.extend(all.map(|part| Zeroizing::new(part.to_owned())));
}

/// What is shorter is in a sentence by chance.
const SHORT: usize = 6;

impl Holder {
    /// That of a secret's program.
    pub(super) fn program(project: ProjectId, program: &str, secret: &Secret) -> Self {
        let secret = [secret.name.clone(), secret.id.to_string()];
        Self::Program { project, program: program.to_owned(), secret }
    }
}

/// Refuses the password of the account that sets passwords: once it was another, no other could be set.
pub(super) fn check_other(admin: &Login, login: &Login) -> Result<()> {
    if admin.name != login.name || admin.is_key() || login.is_key() {
        return Ok(());
    }
    Err(CsmsError::Field(format!(
        "{:?} is the account that sets passwords there, and not one whose password is set: register the server with \
         another account for that",
        login.name
    )))
}

/// Of what a new password is: what no server and no address of one has a meaning for.
fn rules() -> PasswordRules {
    PasswordRules {
        length: 32,
        exclude: "\"#$%&'()*,./:;<>?@[\\]^`{|}".to_owned(),
        each: true,
        ..PasswordRules::default()
    }
}

/// The value of an account's secret: a JSON object with `name` and `password`, or with `name` and `private_key`, and
/// whatever else somebody keeps there.
pub(super) struct Fields {
    kind: SecretKind,
    all: Map<String, Json>,
}

impl Fields {
    pub(super) fn of(kind: SecretKind, value: &Value) -> Result<Self> {
        match (value, serde_json::from_slice(value.as_bytes())) {
            (Value::Text(_), Ok(Json::Object(all))) => Ok(Self { kind, all }),
            _ => Err(wrong_value(kind)),
        }
    }

    pub(super) fn login(&self) -> Result<Login> {
        let get = |name| self.all.get(name).and_then(Json::as_str).ok_or_else(|| wrong_value(self.kind));
        let (name, password) = (get("name")?.to_owned(), get(password_field(self.kind))?);
        let login = Login { name, password: Zeroizing::new(password.to_owned()) };
        check_account(&login)?;
        if login.is_key() != (self.kind == SecretKind::SshKey) {
            return Err(wrong_value(self.kind));
        }
        Ok(login)
    }

    /// The same with another account.
    pub(super) fn with(mut self, login: &Login, public: Option<&str>) -> Result<Value> {
        self.all.insert("name".to_owned(), login.name.clone().into());
        self.all.insert(password_field(self.kind).to_owned(), login.password.as_str().into());
        if let Some(public) = public {
            self.all.insert("public_key".to_owned(), public.into());
        }
        let text =
            serde_json::to_vec(&self.all).map_err(|_| CsmsError::Internal("a value has an encoding"))?;
        text_value(text)
    }
}

const fn password_field(kind: SecretKind) -> &'static str {
    if matches!(kind, SecretKind::SshKey) { "private_key" } else { "password" }
}

/// What follows a value if its program does not say: a new `password` of a JSON object, or the password alone.
fn with_password(current: &Value, password: &str) -> Result<Value> {
    let Ok(Json::Object(mut all)) = serde_json::from_slice(current.as_bytes()) else {
        return text_value(password.as_bytes().to_vec());
    };
    if !all.contains_key("password") {
        let text = "the program makes no new value, and the current one is a JSON object without a password to replace";
        return Err(CsmsError::Database(Fault::Program(text.to_owned())));
    }
    all.insert("password".to_owned(), password.into());
    text_value(serde_json::to_vec(&all).map_err(|_| CsmsError::Internal("a value has an encoding"))?)
}

fn text_value(text: Vec<u8>) -> Result<Value> {
    let value = Value::Text(Bytes::new(text));
    value.check()?;
    Ok(value)
}

fn text_of(value: &Value) -> Result<&str> {
    match value {
        Value::Text(text) => std::str::from_utf8(text.as_bytes()).ok(),
        Value::Binary(_) => None,
    }
    .ok_or_else(|| {
        CsmsError::Field("the value of a secret that a program rotates: expected secret_string".to_owned())
    })
}

fn wrong_value(kind: SecretKind) -> CsmsError {
    CsmsError::Field(format!(
        "secret_string of a secret of type {}: expected a JSON object with the texts name and {} of an account",
        kind.name(),
        match kind {
            SecretKind::SshKey => "private_key (OpenSSH's PEM, without a passphrase)",
            _ => "password",
        }
    ))
}
