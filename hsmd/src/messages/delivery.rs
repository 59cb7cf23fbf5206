//! One try to deliver one message. It knows what the message is and where it goes, and nothing of the HSM.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use crypto::Secret;
use dew::message::{Aim, Job, Message, Networks, Outcome};
use hyper::StatusCode;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use serde_json::json;
use tracing::warn;

use super::config::{Config, Sms};
use super::mail::{Letter, Mail};
use super::read_line;
use super::webhook::{self, Post, Trouble, Url};

/// The ways out.
pub(super) struct Ways {
    networks: Networks,
    tls: Arc<ClientConfig>,
    mail: Option<Mail>,
    sms: Option<Gateway>,
}

/// A gateway for SMS.
struct Gateway {
    url: Url,
    secret: Secret,
}

impl Ways {
    /// As the configuration has them.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn new(config: &Config) -> Result<Self, String> {
        Ok(Self {
            networks: config.networks(),
            tls: Arc::new(tls(config)?),
            mail: Mail::new(config)?,
            sms: config.sms.as_ref().map(Gateway::new).transpose()?,
        })
    }

    /// Tries to deliver a message, and notes as it goes which of several mailboxes have it.
    pub(super) async fn deliver(&self, job: &Job, sent: &AtomicU32) -> Outcome {
        let message = &job.message;
        match &job.aim {
            Aim::Nowhere => Outcome::Never("there is no such topic".to_owned()),
            Aim::Webhook { url, secret } => match Url::parse(url) {
                Ok(url) => {
                    self.post(&url, secret, message, message.content.clone(), Some(&self.networks)).await
                }
                Err(why) => Outcome::Never(why),
            },
            Aim::Phone(number) => match &self.sms {
                Some(Gateway { url, secret }) => {
                    let body = json!({ "to": number, "text": message.content }).to_string();
                    self.post(url, secret, message, body, None).await
                }
                None => Outcome::Never(
                    "there is no gateway for SMS: [messages.sms] in hsmd.toml is not set".to_owned(),
                ),
            },
            Aim::Mailboxes(addresses) => match &self.mail {
                Some(mail) => send(mail, addresses, message, sent).await,
                None => Outcome::Never(
                    "there is no mail server: [messages.smtp] in hsmd.toml is not set".to_owned(),
                ),
            },
        }
    }

    async fn post(
        &self,
        url: &Url,
        secret: &Secret,
        message: &Message,
        body: String,
        networks: Option<&Networks>,
    ) -> Outcome {
        let id = message.id.to_string();
        let time = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let again = |why, of_message| Outcome::Again { why, sent: 0, of_message };
        match webhook::post(url, Post { id: &id, time, body, secret }, networks, &self.tls).await {
            Ok(()) => Outcome::Delivered,
            Err(Trouble::Refused(why)) => Outcome::Never(why),
            Err(Trouble::Unreachable(why)) => again(why, false),
            Err(Trouble::Answered(status)) => {
                let hint = if status.is_redirection() { ", and redirects are not followed" } else { "" };
                let busy = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS].contains(&status);
                again(format!("it answers {status}{hint}"), status.is_client_error() && !busy)
            }
        }
    }
}

/// Sends a mail to each address that has none yet.
async fn send(mail: &Mail, addresses: &[String], message: &Message, sent: &AtomicU32) -> Outcome {
    let id = message.id.to_string();
    let letter = Letter { id: &id, title: &message.title, body: &message.content };
    let (mut why, mut of_message) = (String::new(), true);
    for (bit, address) in (0..u32::BITS).zip(addresses).filter(|(bit, _)| message.sent & (1 << bit) == 0) {
        match mail.send(address, &letter).await {
            Ok(()) => drop(sent.fetch_or(1 << bit, Ordering::Relaxed)),
            Err(unsent) => {
                let _ = write!(why, "{}{address}: {}", if why.is_empty() { "" } else { "; " }, unsent.why);
                of_message &= unsent.of_message;
            }
        }
    }
    match why.is_empty() {
        true => Outcome::Delivered,
        false => Outcome::Again { why, sent: sent.load(Ordering::Relaxed), of_message },
    }
}

impl Gateway {
    fn new(config: &Sms) -> Result<Self, String> {
        let wrong = |why: &dyn std::fmt::Display| format!("[messages.sms] {why}");
        let text = read_line(&config.secret_file).map_err(|why| wrong(&why))?;
        let secret = webhook::read_secret(&text).ok_or_else(|| {
            let path = config.secret_file.display();
            wrong(&format!("secret_file: {path}: expected whsec_ and at least 16 bytes in base64"))
        })?;
        Ok(Self { url: Url::parse(&config.url).map_err(|why| wrong(&why))?, secret })
    }
}

/// Whom receivers are believed by: the system's authorities, and those of the configuration.
fn tls(config: &Config) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        warn!("an authority of the system cannot be read: {error}");
    }
    roots.add_parsable_certificates(found.certs);
    if let Some(path) = &config.ca {
        let at = |error: &dyn std::fmt::Display| format!("[messages] ca: {}: {error}", path.display());
        let all = CertificateDer::pem_file_iter(path).map_err(|error| at(&error))?;
        for certificate in all {
            let added = certificate.map_err(|error| at(&error)).map(|certificate| roots.add(certificate))?;
            added.map_err(|error| at(&error))?;
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| error.to_string())?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}
