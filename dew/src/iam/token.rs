//! Tokens, and access keys that expire. Neither is kept: each says what it is, with a MAC by the directory's key, and is
//! good for as long as what it was given for is there as it was.

use std::fmt;
use std::sync::Arc;

use crypto::{Hash, Secret, equal};
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};

use super::directory::Directory;
use super::id::{AccessKeyId, AgencyId, ProjectId, SECRET_KEY_RANDOM, UserId, secret_key};
use super::identity::{Assumed, Credential, Identity, Principal};
use super::login::LoggedIn;
use super::policy::Policy;
use super::{Iam, IamError, name};

/// For how many seconds a token is good.
const TOKEN_SECONDS: u64 = 24 * 3600;
/// For how many seconds a key that expires may be good: at the least, and at the most.
const KEY_SECONDS: (u64, u64) = (15 * 60, 24 * 3600);
/// The longest text that is looked at as a token.
const MAX_TOKEN: usize = 8192;
/// The most bytes of a policy that a key which expires is held to.
const MAX_SESSION: usize = 2048;
const MAC: usize = 32;

/// How somebody showed who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Method {
    /// By a password.
    Password,
    /// By a code of a device.
    Totp,
    /// By another token.
    Token,
    /// By a request that was signed.
    AccessKey,
    /// Through an agency.
    AssumeRole,
}

impl Method {
    /// As the interface writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Totp => "totp",
            Self::Token => "token",
            Self::AccessKey => "hw_access_key",
            Self::AssumeRole => "assume_role",
        }
    }
}

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TokenScope {
    /// The account.
    Account,
    /// One of its projects.
    Project(ProjectId),
}

/// What a token says.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Claims {
    /// Tells it from all others.
    nonce: [u8; 16],
    /// The user that it was given to, and its epoch then.
    user: (UserId, u64),
    /// The agency that the user acts through, its epoch then, and what the user calls itself.
    agency: Option<(AgencyId, u64, Option<String>)>,
    scope: TokenScope,
    methods: Vec<Method>,
    mfa: Option<u64>,
    issued: u64,
    expires: u64,
    /// The access key that it comes with; none of a token.
    key: Option<AccessKeyId>,
    /// The policy that it is held to.
    session: Option<String>,
    /// Whether a key that expires is among what it was given for.
    by_expiring_key: bool,
}

/// A token that is good.
#[derive(Clone, Debug)]
pub struct Token {
    /// Who has it.
    pub identity: Arc<Identity>,
    /// What it is for.
    pub scope: TokenScope,
    /// How its holder showed who it is.
    pub methods: Vec<Method>,
    /// Since when it is good, in seconds since 1970.
    pub issued: u64,
    /// Until when.
    pub expires: u64,
}

/// A token that was given out.
#[derive(Clone)]
pub struct Issued {
    /// Its text.
    pub text: String,
    /// What it says.
    pub token: Token,
}

/// Its text is not printed.
impl fmt::Debug for Issued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issued").field("token", &self.token).finish_non_exhaustive()
    }
}

/// An access key that expires.
#[derive(Debug)]
pub struct TemporaryKey {
    /// The public half.
    pub id: AccessKeyId,
    /// The secret half.
    pub secret: Secret,
    /// What goes with each request that it signs.
    pub security_token: Secret,
    /// Until when it is good, in seconds since 1970.
    pub expires: u64,
}

/// What a MAC is for: one for the one is none for the other.
#[derive(Clone, Copy)]
enum Purpose {
    Token,
    SecurityToken,
    SecretKey(u8),
}

impl Purpose {
    const fn label(self) -> [u8; 2] {
        match self {
            Self::Token => [1, 0],
            Self::SecurityToken => [2, 0],
            Self::SecretKey(block) => [3, block],
        }
    }
}

impl Iam {
    /// Gives a token to somebody who has logged in.
    ///
    /// # Errors
    /// `Unknown` for a project that is not its account's; `NoToken` if it is there no more.
    pub fn issue_token(&self, to: &LoggedIn, scope: TokenScope) -> Result<Issued, IamError> {
        self.issue(&to.identity, scope, to.methods.clone())
    }

    /// Gives a token to somebody who has one: it ends no later, and is for no more.
    ///
    /// # Errors
    /// As [`Self::issue_token`]; `NeedsUser` if it is no user, or acts by a key that expires; `Forbidden` for another scope
    /// than the one project of the token that it has.
    pub fn issue_token_for(&self, to: &Identity, scope: TokenScope) -> Result<Issued, IamError> {
        if to.session.is_some() || to.by_expiring_key {
            return Err(IamError::NeedsUser);
        }
        match to.project {
            Some(only) if scope != TokenScope::Project(only) => Err(IamError::Forbidden(
                "a token for one project gives none for another, or for more".to_owned(),
            )),
            _ => self.issue(to, scope, vec![Method::Token]),
        }
    }

    fn issue(&self, to: &Identity, scope: TokenScope, methods: Vec<Method>) -> Result<Issued, IamError> {
        let directory = self.directory.read();
        let claims = self.claims(to, TOKEN_SECONDS)?;
        self.issued(&directory, &Claims { methods, scope, ..claims })
    }

    /// Gives a token to a user who acts through an agency of another account. It ends no later than what
    /// the user came with, and is held to the same policy, if that is held to one.
    ///
    /// # Errors
    /// `Unknown` for a project that is not there; `NotTrusted`, also without such an agency; `NeedsUser`;
    /// `Forbidden` for who has a token for one project.
    pub fn assume(&self, by: &Identity, agency: AgencyId, scope: TokenScope) -> Result<Issued, IamError> {
        let directory = self.directory.read();
        let claims = self.assumed(&directory, by, agency, TOKEN_SECONDS)?;
        self.issued(&directory, &Claims { scope, ..claims })
    }

    fn assumed(
        &self,
        directory: &Directory,
        by: &Identity,
        agency: AgencyId,
        seconds: u64,
    ) -> Result<Claims, IamError> {
        let claims = self.claims(by, seconds)?;
        let agency = directory.agencies.get(agency).ok_or(IamError::NotTrusted)?;
        if !agency.trusts(by.account, self.hsm.time()) {
            return Err(IamError::NotTrusted);
        }
        if by.project.is_some() {
            let why = "a token for one project gives nothing in another account".to_owned();
            return Err(IamError::Forbidden(why));
        }
        let methods = vec![Method::AssumeRole];
        Ok(Claims { agency: Some((agency.id, agency.epoch, None)), methods, ..claims })
    }

    /// What a text says, if it is a token that is good.
    ///
    /// # Errors
    /// `NoToken`, whatever is wrong with it.
    pub fn token(&self, text: &str) -> Result<Token, IamError> {
        let directory = self.directory.read();
        let claims = open(&directory, Purpose::Token, text).filter(|claims| claims.key.is_none());
        let claims = claims.ok_or(IamError::NoToken)?;
        let identity = self.holder(&directory, &claims).ok_or(IamError::NoToken)?;
        Ok(Token::of(&claims, identity))
    }

    /// Gives an access key that expires to whoever has a token: it ends no later than that.
    ///
    /// # Errors
    /// `Range`, `Policy`, `NoToken`; `Forbidden` if another policy is asked for than the one that the token is held to.
    pub fn key_by_token(
        &self,
        token: &str,
        seconds: u64,
        session: Option<&str>,
    ) -> Result<TemporaryKey, IamError> {
        check_seconds(seconds)?;
        let directory = self.directory.read();
        let claims = open(&directory, Purpose::Token, token).ok_or(IamError::NoToken)?;
        self.holder(&directory, &claims).ok_or(IamError::NoToken)?;
        let (nonce, issued) = (self.hsm.random()?, self.hsm.time());
        let expires = issued.saturating_add(seconds).min(claims.expires);
        self.key(&directory, Claims { nonce, issued, expires, ..claims }, session)
    }

    /// Gives an access key that expires to a user, for itself.
    ///
    /// # Errors
    /// `Range`, `Policy`; `NeedsUser` if it is no user, or has such a key already.
    pub fn key_for(
        &self,
        to: &Identity,
        seconds: u64,
        session: Option<&str>,
    ) -> Result<TemporaryKey, IamError> {
        check_seconds(seconds)?;
        if to.session.is_some() || to.temporary {
            return Err(IamError::NeedsUser);
        }
        let directory = self.directory.read();
        let claims = self.claims(to, seconds)?;
        self.key(&directory, Claims { methods: vec![Method::AccessKey], ..claims }, session)
    }

    /// Gives an access key that expires to a user who acts through an agency of another account.
    ///
    /// # Errors
    /// As [`Self::assume`]; `Range`, `Policy`, `Name` for what it calls itself.
    pub fn key_by_agency(
        &self,
        by: &Identity,
        agency: AgencyId,
        seconds: u64,
        called: Option<&str>,
        session: Option<&str>,
    ) -> Result<TemporaryKey, IamError> {
        check_seconds(seconds)?;
        called.map_or(Ok(()), |called| name::SESSION.check(called))?;
        let directory = self.directory.read();
        let mut claims = self.assumed(&directory, by, agency, seconds)?;
        if let Some((_, _, name)) = &mut claims.agency {
            *name = called.map(str::to_owned);
        }
        self.key(&directory, claims, session)
    }

    /// What a signature by a key that expires is checked with, and who signs.
    pub(super) fn temporary_credential(&self, key: AccessKeyId, security_token: &str) -> Option<Credential> {
        let directory = self.directory.read();
        let claims = open(&directory, Purpose::SecurityToken, security_token)?;
        if claims.key != Some(key) {
            return None;
        }
        let identity = Arc::new(self.holder(&directory, &claims)?);
        let secret = Arc::new(derived(&directory, &postcard::to_allocvec(&claims).ok()?).ok()?);
        Some(Credential { secret, identity })
    }

    fn key(
        &self,
        directory: &Directory,
        claims: Claims,
        session: Option<&str>,
    ) -> Result<TemporaryKey, IamError> {
        if let Some(session) = session {
            if session.len() > MAX_SESSION {
                return Err(IamError::Policy(format!("a key's own policy has at most {MAX_SESSION} bytes")));
            }
            Policy::parse("of the session", session).map_err(|why| IamError::Policy(why.to_string()))?;
        }
        let (user, _) = claims.user;
        if directory.known(user).is_some_and(|known| !known.by_key) {
            let why = "a user who comes in by the console alone has no keys".to_owned();
            return Err(IamError::Forbidden(why));
        }
        let id = AccessKeyId::temporary(self.hsm.random()?);
        let session = match (&claims.session, session) {
            (Some(_), Some(_)) => {
                let why = "who is held to a policy is given no key that is held to another".to_owned();
                return Err(IamError::Forbidden(why));
            }
            (held, asked) => held.clone().or(asked.map(str::to_owned)),
        };
        let claims = Claims { key: Some(id), session, ..claims };
        self.holder(directory, &claims).ok_or(IamError::NoToken)?;
        let payload = postcard::to_allocvec(&claims).map_err(|_| IamError::Malformed)?;
        let security_token = Secret::new(seal(directory, Purpose::SecurityToken, &payload)?.into_bytes());
        Ok(TemporaryKey {
            id,
            secret: derived(directory, &payload)?,
            security_token,
            expires: claims.expires,
        })
    }

    /// What is given to a user says at the least: it ends no later than what the user came with, and is held to as much.
    fn claims(&self, to: &Identity, seconds: u64) -> Result<Claims, IamError> {
        let issued = self.hsm.time();
        Ok(Claims {
            nonce: self.hsm.random()?,
            user: (to.user().ok_or(IamError::NeedsUser)?, to.epoch),
            agency: None,
            scope: TokenScope::Account,
            methods: Vec::new(),
            mfa: to.mfa,
            issued,
            expires: issued.saturating_add(seconds).min(to.until.unwrap_or(u64::MAX)),
            key: None,
            session: to.session.as_deref().map(str::to_owned),
            by_expiring_key: to.by_expiring_key,
        })
    }

    fn issued(&self, directory: &Directory, claims: &Claims) -> Result<Issued, IamError> {
        let identity = self.holder(directory, claims).ok_or(IamError::NoToken)?;
        if let TokenScope::Project(project) = claims.scope {
            let project = directory.projects.get(project);
            let own =
                project.is_some_and(|project| project.account == identity.account && !project.suspended);
            own.then_some(()).ok_or(IamError::Unknown("project"))?;
        }
        let payload = postcard::to_allocvec(claims).map_err(|_| IamError::Malformed)?;
        let text = seal(directory, Purpose::Token, &payload)?;
        Ok(Issued { text, token: Token::of(claims, identity) })
    }

    /// Who has what says this, if it is good now.
    fn holder(&self, directory: &Directory, claims: &Claims) -> Option<Identity> {
        let now = self.hsm.time();
        let (id, epoch) = claims.user;
        let user = directory.users.get(id).filter(|user| user.epoch == epoch && now < claims.expires)?;
        let known = directory.known(id).filter(|known| known.by_key || claims.key.is_none())?;
        let known = &known.identity;
        let identity = match &claims.agency {
            None => Identity::clone(known),
            Some((id, epoch, called)) => {
                let agency = directory.agencies.get(*id).filter(|agency| agency.epoch == *epoch)?;
                agency.trusts(user.account, now).then_some(())?;
                let account = directory.accounts.get(agency.account).filter(|account| account.enabled)?;
                let by = Assumed::User {
                    account: user.account,
                    account_name: Arc::clone(&known.account_name),
                    id: user.id,
                    name: user.name.as_str().into(),
                    session: called.as_deref().map(Arc::from),
                };
                Identity::of(
                    account,
                    Principal::Agency { id: agency.id, name: agency.name.as_str().into(), by },
                )
            }
        };
        let project = match claims.scope {
            TokenScope::Account => None,
            TokenScope::Project(project) => Some(project),
        };
        let session = claims.session.as_deref().map(Arc::from);
        let by_expiring_key = claims.by_expiring_key || claims.key.is_some();
        let (mfa, until) = (claims.mfa, Some(claims.expires));
        Some(Identity { project, mfa, session, temporary: true, by_expiring_key, until, ..identity })
    }
}

impl Token {
    fn of(claims: &Claims, identity: Identity) -> Self {
        let Claims { scope, methods, issued, expires, .. } = claims;
        Self {
            identity: Arc::new(identity),
            scope: *scope,
            methods: methods.clone(),
            issued: *issued,
            expires: *expires,
        }
    }
}

fn check_seconds(seconds: u64) -> Result<(), IamError> {
    let (min, max) = KEY_SECONDS;
    if (min..=max).contains(&seconds) {
        Ok(())
    } else {
        Err(IamError::Range { field: "duration_seconds", min, max })
    }
}

fn mac(directory: &Directory, purpose: Purpose, hash: Hash, payload: &[u8]) -> Result<Vec<u8>, IamError> {
    let key = directory.key.as_ref().ok_or(IamError::NoToken)?;
    let mut mac = crypto::mac::Hmac::new(hash, key.as_bytes())?;
    mac.update(&purpose.label())?;
    mac.update(payload)?;
    Ok(mac.finish()?)
}

/// The text of a token: what it says, then the MAC.
fn seal(directory: &Directory, purpose: Purpose, payload: &[u8]) -> Result<String, IamError> {
    let mac = mac(directory, purpose, Hash::Sha256, payload)?;
    Ok(BASE64URL_NOPAD.encode(&[payload, &mac].concat()))
}

/// What a token says, if it is one of ours for this.
fn open(directory: &Directory, purpose: Purpose, text: &str) -> Option<Claims> {
    if text.len() > MAX_TOKEN {
        return None;
    }
    let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).ok()?;
    let (payload, tag) = bytes.split_last_chunk::<MAC>()?;
    let right = mac(directory, purpose, Hash::Sha256, payload).ok()?;
    equal(&right, tag).then_some(())?;
    postcard::from_bytes(payload).ok()
}

/// The secret half of the key that comes with a security token: whoever has the directory's key works it out.
fn derived(directory: &Directory, payload: &[u8]) -> Result<Secret, IamError> {
    let mut random = Vec::new();
    for block in 0.. {
        random.extend(mac(directory, Purpose::SecretKey(block), Hash::Sha512, payload)?);
        if random.len() >= SECRET_KEY_RANDOM {
            break;
        }
    }
    let random = Secret::new(random);
    Ok(secret_key(random.as_bytes()))
}
