//! A connection to a host that has shown a key it is known by, and that has let an account in.

use std::convert::Infallible;
use std::sync::{Arc, OnceLock};

use russh::client::{self, AuthResult, DisconnectReason, Handle, KeyboardInteractiveAuthResponse as Reply};
use russh::keys::ssh_key::private::KeypairData;
use russh::keys::{HashAlg, PrivateKey, PrivateKeyWithHashAlg, PublicKeyOrCertificate};
use russh::{ChannelMsg, Disconnect, MethodKind, MethodSet, Preferred};
use tokio::net::TcpStream;

use crate::fault::told;
use crate::keys::{HostKeys, RsaSigner, fingerprint, private_key};
use crate::{Account, COMMAND_LIMIT, CONNECT_LIMIT, Fault, Host, Proof, within};

/// The most bytes that a command may print.
const OUTPUT_LIMIT: usize = 256 * 1024;
/// The most bytes of output that are on their way.
const WINDOW: u32 = 64 * 1024;
/// How often a host may ask for something in one log-in.
const QUESTIONS: usize = 4;

/// What this side knows of a host, and what it has seen of it.
struct Known {
    name: String,
    keys: HostKeys,
    fault: Arc<OnceLock<Fault>>,
}

impl Known {
    /// Keeps the first fault: those after it come of it.
    fn found(&self, fault: Fault) {
        drop(self.fault.set(fault));
    }
}

impl client::Handler for Known {
    type Error = russh::Error;

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool, russh::Error> {
        let key = shown.public_key();
        let known = shown.certificate().is_none() && self.keys.contain(&key);
        if !known {
            self.found(Fault::Certificate(told(&format!(
                "{} shows the key {}",
                self.name,
                fingerprint(&key)
            ))));
        }
        Ok(known)
    }

    async fn disconnected(&mut self, reason: DisconnectReason<russh::Error>) -> Result<(), russh::Error> {
        self.found(match reason {
            DisconnectReason::ReceivedDisconnect(info) => Fault::Unreachable(told(&info.message)),
            DisconnectReason::Error(error) => error.into(),
        });
        Ok(())
    }
}

/// What came of a command.
pub(crate) struct Output {
    /// Its exit status; none if a signal ended it.
    pub(crate) status: Option<u32>,
    /// What it printed.
    pub(crate) out: Vec<u8>,
    /// What it said.
    pub(crate) err: Vec<u8>,
}

impl Output {
    /// All that it said, for people.
    pub(crate) fn text(&self) -> String {
        let bytes = if self.err.is_empty() { &self.out } else { &self.err };
        String::from_utf8_lossy(bytes).trim().to_owned()
    }
}

/// A connection that has logged in.
pub(crate) struct Session {
    handle: Handle<Known>,
    fault: Arc<OnceLock<Fault>>,
}

impl Session {
    pub(crate) async fn open(host: &Host, account: &Account<'_>) -> Result<Self, Fault> {
        // What is wrong with what was given is told before anybody is asked.
        let keys = HostKeys::parse(&host.host_keys)?;
        let proof = Proven::by(&account.proof)?;
        within(CONNECT_LIMIT, async {
            let mut session = Self::connect(host, keys).await?;
            session.prove(account.name, proof).await?;
            Ok(session)
        })
        .await
    }

    async fn connect(host: &Host, keys: HostKeys) -> Result<Self, Fault> {
        let preferred = Preferred { key: keys.algorithms().into(), ..Preferred::DEFAULT };
        let config = client::Config { preferred, window_size: WINDOW, ..client::Config::default() };
        let fault = Arc::new(OnceLock::new());
        let known = Known { name: host.name.clone(), keys, fault: Arc::clone(&fault) };
        let socket = TcpStream::connect(host.address).await;
        let at = || format!("{} at {}", host.name, host.address);
        let socket = socket.map_err(|error| Fault::Unreachable(told(&format!("{}: {error}", at()))))?;
        match client::connect_stream(Arc::new(config), socket, known).await {
            Ok(handle) => Ok(Self { handle, fault }),
            Err(error) => Err(first(&fault).unwrap_or_else(|| error.into())),
        }
    }

    /// Proves that the account is the caller's.
    async fn prove(&mut self, name: &str, proof: Proven<'_>) -> Result<(), Fault> {
        // Which ways in there are; a password is not sent where none is wanted.
        let ways = match self.handle.authenticate_none(name).await {
            Ok(AuthResult::Success) => {
                return Err(Fault::Login(format!("{name:?} gets in there without any proof")));
            }
            Ok(AuthResult::Failure { remaining_methods, .. }) => remaining_methods,
            Err(error) => return Err(self.broken(error)),
        };
        let method = proof.method(&ways);
        let method = method.ok_or_else(|| self.no_way(name, &ways))?;
        let result = match (&proof, method) {
            (Proven::Password(password), MethodKind::Password) => self
                .handle
                .authenticate_password(name, *password)
                .await
                .map_err(|error| self.broken(error))?,
            (Proven::Password(password), _) => self.answer(name, password).await?,
            (Proven::Key(key), _) => self.sign(name, key).await?,
        };
        match result {
            AuthResult::Success => Ok(()),
            AuthResult::Failure { partial_success: true, .. } => {
                Err(Fault::Refused(format!("for {name:?} it wants a second proof beside this one")))
            }
            AuthResult::Failure { remaining_methods, .. } if remaining_methods.is_empty() => {
                Err(self.no_way(name, &remaining_methods))
            }
            AuthResult::Failure { .. } => Err(Fault::Login(format!("as {name:?}"))),
        }
    }

    /// What to say where there is no way in for the proof.
    fn no_way(&self, name: &str, ways: &MethodSet) -> Fault {
        let names: Vec<_> = ways.iter().map(<&str>::from).collect();
        if names.is_empty() {
            let gone = || Fault::Unreachable("it closed the connection at the log-in".into());
            return first(&self.fault).unwrap_or_else(gone);
        }
        Fault::Login(format!("as {name:?} it takes {} alone", names.join(", ")))
    }

    /// Answers the one question for a password.
    async fn answer(&mut self, name: &str, password: &str) -> Result<AuthResult, Fault> {
        let mut reply = self.handle.authenticate_keyboard_interactive_start(name, None).await;
        let mut answers = vec![password.to_owned()];
        for _ in 0..QUESTIONS {
            let prompts = match reply.map_err(|error| self.broken(error))? {
                Reply::Success => return Ok(AuthResult::Success),
                Reply::Failure { remaining_methods, partial_success } => {
                    return Ok(AuthResult::Failure { remaining_methods, partial_success });
                }
                Reply::InfoRequest { prompts, .. } => prompts,
            };
            let response = match prompts.as_slice() {
                [] => Vec::new(),
                [prompt] if !prompt.echo && !answers.is_empty() => std::mem::take(&mut answers),
                [prompt, ..] => {
                    let asked = told(&prompt.prompt);
                    return Err(Fault::Refused(format!(
                        "for {name:?} it asks more than a password: {asked:?}"
                    )));
                }
            };
            reply = self.handle.authenticate_keyboard_interactive_respond(response).await;
        }
        Err(Fault::Refused(format!("for {name:?} it asks without end")))
    }

    async fn sign(&mut self, name: &str, key: &PrivateKey) -> Result<AuthResult, Fault> {
        let KeypairData::Rsa(pair) = key.key_data() else {
            let key = PrivateKeyWithHashAlg::new(Arc::new(key.clone()), None);
            let result = self.handle.authenticate_publickey(name, key).await;
            return result.map_err(|error| self.broken(error));
        };
        let mut signer = RsaSigner::new(pair)?;
        let public = key.public_key();
        let mut result =
            AuthResult::Failure { remaining_methods: MethodSet::empty(), partial_success: false };
        // Servers name hashes that their configuration does not let them take, so that one must be tried.
        for hash in [HashAlg::Sha512, HashAlg::Sha256] {
            let tried =
                self.handle.authenticate_publickey_with(name, public.clone(), Some(hash), &mut signer);
            result = tried.await.map_err(|unsigned| unsigned.0)?;
            match &result {
                AuthResult::Failure { remaining_methods, partial_success: false }
                    if remaining_methods.contains(&MethodKind::PublicKey) => {}
                _ => break,
            }
        }
        Ok(result)
    }

    /// What an error of the library comes of.
    fn broken(&self, error: russh::Error) -> Fault {
        first(&self.fault).unwrap_or_else(|| error.into())
    }

    /// Whether the account gets a session, without anything that runs in it.
    pub(crate) async fn check(&self) -> Result<(), Fault> {
        within(COMMAND_LIMIT, async {
            let channel = self.handle.channel_open_session().await.map_err(|error| self.no_channel(error))?;
            channel.close().await.map_err(|error| self.broken(error))
        })
        .await
    }

    /// Ends the connection in good order.
    pub(crate) async fn close(self) {
        let _ = self.handle.disconnect(Disconnect::ByApplication, "", "").await;
    }

    fn no_channel(&self, error: russh::Error) -> Fault {
        match error {
            russh::Error::ChannelOpenFailure(why) => {
                Fault::Refused(told(&format!("it opens no session: {}", why.description())))
            }
            error => self.broken(error),
        }
    }

    /// Runs a command in the account's shell, with this on its standard input.
    pub(crate) async fn run(&self, command: &str, input: &[u8]) -> Result<Output, Fault> {
        within(COMMAND_LIMIT, async {
            let channel = self.handle.channel_open_session().await.map_err(|error| self.no_channel(error))?;
            channel.exec(true, command).await.map_err(|error| self.broken(error))?;
            let (mut from, to) = channel.split();
            // A command that does not read to the end has its own reason, which it says.
            let send = async {
                if to.data(input).await.is_ok() {
                    let _ = to.eof().await;
                }
                std::future::pending::<Infallible>().await
            };
            tokio::select! {
                output = receive(&mut from) => output,
                never = send => match never {},
            }
        })
        .await
    }
}

/// Reads what a command prints to its end.
async fn receive(from: &mut russh::ChannelReadHalf) -> Result<Output, Fault> {
    let mut output = Output { status: None, out: Vec::new(), err: Vec::new() };
    let mut ended = false;
    while let Some(message) = from.wait().await {
        match message {
            ChannelMsg::Data { data } => output.out.extend_from_slice(&data),
            ChannelMsg::ExtendedData { data, .. } => output.err.extend_from_slice(&data),
            ChannelMsg::ExitStatus { exit_status } => (output.status, ended) = (Some(exit_status), true),
            ChannelMsg::ExitSignal { .. } => ended = true,
            ChannelMsg::Failure => return Err(Fault::Refused("it runs no commands".into())),
            _ => {}
        }
        if output.out.len() + output.err.len() > OUTPUT_LIMIT {
            return Err(Fault::Refused(format!("a command printed more than {OUTPUT_LIMIT} bytes")));
        }
    }
    let gone = || Fault::Unreachable("the connection ended before the command did".into());
    ended.then_some(output).ok_or_else(gone)
}

/// What was found wrong first.
fn first(fault: &OnceLock<Fault>) -> Option<Fault> {
    fault.get().cloned()
}

/// A proof that has been looked at.
enum Proven<'a> {
    Password(&'a str),
    Key(Box<PrivateKey>),
}

impl<'a> Proven<'a> {
    fn by(proof: &Proof<'a>) -> Result<Self, Fault> {
        Ok(match proof {
            Proof::Password(password) => Self::Password(password),
            Proof::PrivateKey(pem) => Self::Key(Box::new(private_key(pem).map_err(Fault::Login)?)),
        })
    }

    /// The way in that it is for.
    fn method(&self, ways: &MethodSet) -> Option<MethodKind> {
        let wanted: &[_] = match self {
            Self::Password(_) => &[MethodKind::Password, MethodKind::KeyboardInteractive],
            Self::Key(_) => &[MethodKind::PublicKey],
        };
        wanted.iter().copied().find(|method| ways.contains(method))
    }
}
