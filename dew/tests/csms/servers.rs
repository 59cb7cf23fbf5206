//! A server of a database in memory, for what real ones cannot be made to do at a wanted moment: to be cut off within a call.
//! Real ones are asked in `tests/tests/rotation.rs`.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex};
use std::time::Duration;

use dew::csms::{Fault, Login, Server, Servers};
use dew::iam::ProjectId;
use serde_json::Value as Json;
use zeroize::Zeroizing;

const PATIENCE: Duration = Duration::from_secs(10);

/// One server, whatever its address.
#[derive(Default)]
pub(crate) struct FakeServers(Mutex<State>, Condvar);

#[derive(Default)]
struct State {
    /// Accounts, their passwords or the two newest of their keys, and what they may do.
    accounts: BTreeMap<String, (String, String)>,
    /// The calls that were made.
    calls: usize,
    /// The call at which whoever calls is killed: before it has its effect, or after.
    kill: Option<(usize, bool)>,
    /// The calls from which on, and up to which, nobody is there.
    away: Option<(usize, usize)>,
    /// A password that is set when somebody has logged in once more: the answer to it was lost, and it was slow.
    late: Option<(String, String)>,
    /// Whether who calls waits, and how many do.
    silent: bool,
    waiting: usize,
    /// Whether the next password is set so.
    slow: bool,
    /// What the next passwords that are set are refused with.
    refuse: Option<Fault>,
    /// Whether the next log-in is refused.
    locked: bool,
    /// What is good as the program `rotator` sees it, and what it answers when it is to make something new.
    token: String,
    answer: String,
}

impl FakeServers {
    pub(crate) fn account(&self, name: &str, password: &str) {
        let account = (password.to_owned(), format!("the rights of {name}"));
        self.0.lock().unwrap().accounts.insert(name.to_owned(), account);
    }

    pub(crate) fn forget(&self, name: &str) {
        self.0.lock().unwrap().accounts.remove(name).unwrap();
    }

    pub(crate) fn rights(&self, name: &str) -> String {
        self.0.lock().unwrap().accounts[name].1.clone()
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.0.lock().unwrap().accounts.keys().cloned().collect()
    }

    /// Kills whoever makes the call after so many more.
    pub(crate) fn kill_at(&self, call: usize, after: bool) {
        let mut state = self.0.lock().unwrap();
        state.kill = Some((state.calls + call, after));
    }

    /// Nobody is there from the call after so many more on, for some calls.
    pub(crate) fn away_from(&self, call: usize, calls: usize) {
        let mut state = self.0.lock().unwrap();
        state.away = Some((state.calls + call, state.calls.saturating_add(call).saturating_add(calls)));
    }

    /// All is as it should be again.
    pub(crate) fn mend(&self) {
        let mut state = self.0.lock().unwrap();
        (state.kill, state.away, state.refuse) = (None, None, None);
    }

    /// The next password is set only after somebody has logged in, and whoever sets it hears nothing.
    pub(crate) fn slow(&self) {
        self.0.lock().unwrap().slow = true;
    }

    /// Whoever calls waits from now on; or goes on.
    pub(crate) fn silent(&self, silent: bool) {
        self.0.lock().unwrap().silent = silent;
        self.1.notify_all();
    }

    /// Waits until so many wait.
    pub(crate) fn waiting(&self, wanted: usize) {
        let waiting =
            self.1.wait_timeout_while(self.0.lock().unwrap(), PATIENCE, |state| state.waiting < wanted);
        assert!(!waiting.unwrap().1.timed_out(), "nobody calls");
    }

    /// Has the program `rotator` look after something, and make something new as it says.
    pub(crate) fn program(&self, token: &str, answer: &str) {
        let mut state = self.0.lock().unwrap();
        (state.token, state.answer) = (token.to_owned(), answer.to_owned());
    }

    /// What is good as that program sees it.
    pub(crate) fn token(&self) -> String {
        self.0.lock().unwrap().token.clone()
    }

    pub(crate) fn refuse(&self, fault: Fault) {
        self.0.lock().unwrap().refuse = Some(fault);
    }

    /// The next log-in is refused, right or wrong.
    pub(crate) fn lock(&self) {
        self.0.lock().unwrap().locked = true;
    }

    pub(crate) fn logs_in(&self, name: &str, password: &str) -> bool {
        self.0.lock().unwrap().accounts.get(name).is_some_and(|(is, _)| lets_in(is, password))
    }

    fn call<T>(&self, what: impl FnOnce(&mut State) -> Result<T, Fault>) -> Result<T, Fault> {
        let (done, killed) = {
            let mut state = self.0.lock().unwrap();
            state.waiting += 1;
            self.1.notify_all();
            // Not for ever, so that a test that fails ends.
            state = self.1.wait_timeout_while(state, PATIENCE, |state| state.silent).unwrap().0;
            state.waiting -= 1;
            let at = state.calls;
            state.calls += 1;
            if state.kill == Some((at, false)) {
                (Ok(None), true)
            } else if state.away.is_some_and(|(from, to)| (from..to).contains(&at)) {
                (Err(Fault::Unreachable("nobody is there".into())), false)
            } else {
                let done = what(&mut state).map(Some);
                (done, state.kill == Some((at, true)))
            }
        };
        assert!(!killed, "killed");
        done.map(|done| done.unwrap())
    }
}

impl Servers for FakeServers {
    fn log_in(&self, _: &Server, login: &Login) -> Result<(), Fault> {
        self.call(|state| {
            let is_right =
                state.accounts.get(&login.name).is_some_and(|(is, _)| lets_in(is, &login.password))
                    && !std::mem::take(&mut state.locked);
            if let Some((name, password)) = state.late.take() {
                state.accounts.get_mut(&name).unwrap().0 = password;
            }
            if is_right { Ok(()) } else { Err(Fault::Login("wrong name or password".into())) }
        })
    }

    fn set_password(&self, _: &Server, admin: &Login, login: &Login) -> Result<(), Fault> {
        self.call(|state| {
            if state.accounts.get(&admin.name).is_none_or(|(is, _)| *is != *admin.password) {
                return Err(Fault::Login("wrong name or password of the administrator".into()));
            }
            if let Some(fault) = &state.refuse {
                return Err(fault.clone());
            }
            if std::mem::take(&mut state.slow) {
                state.late = Some((login.name.clone(), login.password.to_string()));
                return Err(Fault::Unreachable("the way is cut".into()));
            }
            // What came before is done before.
            state.late = None;
            let account = state.accounts.get_mut(&login.name);
            let (is, _) = account.ok_or(Fault::NoAccount("there is none".into()))?;
            let before = is.split(BETWEEN).rfind(|key| **key != **login.password && login.is_key());
            let before = before.map(|key| format!("{key}{BETWEEN}")).unwrap_or_default();
            *is = before + &login.password;
            Ok(())
        })
    }

    fn clone_account(&self, _: &Server, _: &Login, original: &str, clone: &Login) -> Result<(), Fault> {
        self.call(|state| {
            let (_, rights) = state.accounts.get(original).ok_or(Fault::NoAccount("there is none".into()))?;
            let account = (login_password(clone), rights.clone());
            state.accounts.insert(clone.name.clone(), account);
            Ok(())
        })
    }

    fn drop_account(&self, _: &Server, _: &Login, name: &str) -> Result<(), Fault> {
        self.call(|state| {
            state.accounts.remove(name);
            Ok(())
        })
    }

    fn new_key(&self, seed: &[u8; 32]) -> Result<(Zeroizing<String>, String), Fault> {
        let private = format!("-----BEGIN OPENSSH PRIVATE KEY-----\n{seed:?}");
        Ok((private.into(), "ssh-ed25519 AAAA".into()))
    }

    fn run(&self, _: ProjectId, program: &str, asked: &[u8]) -> Result<Zeroizing<Vec<u8>>, Fault> {
        let asked: Json = serde_json::from_slice(asked).unwrap();
        assert_eq!((asked["version"].as_u64(), &asked["name"]), (Some(1), &"db".into()));
        let text = |field: &str| asked[field].as_str().unwrap().to_owned();
        self.call(|state| {
            if program != "rotator" {
                return Err(Fault::Program(format!("there is no program {program}")));
            }
            if let Some(fault) = &state.refuse {
                return Err(fault.clone());
            }
            let step = text("step");
            let set = match step.as_str() {
                "create" => return Ok(state.answer.replace("PASSWORD", &text("password"))),
                "test" if state.token == text("pending") => return Ok("{}".into()),
                "test" => return Err(Fault::Program("it is not good".into())),
                "set" => text("pending"),
                _ => text("current"),
            };
            state.token = set;
            Ok("{}".into())
        })
        .map(|answer| answer.into_bytes().into())
    }
}

/// What stands between two keys.
const BETWEEN: char = '|';

/// Whether a password, or one of two keys, is this one.
fn lets_in(is: &str, password: &str) -> bool {
    is.split(BETWEEN).any(|one| one == password)
}

fn login_password(login: &Login) -> String {
    login.password.to_string()
}
