//! A message to people: one mail to each address, over the server of the configuration.

use std::time::Duration;

use lettre::message::header::ContentType;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls as Way, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};

use super::config::{Config, Secured, Smtp};
use super::read_line;

/// How long the server may take for any one thing.
const PATIENCE: Duration = Duration::from_secs(15);

/// The way to the mail server.
pub(super) struct Mail {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Address,
}

/// What a mail says.
pub(super) struct Letter<'a> {
    pub(super) id: &'a str,
    pub(super) title: &'a str,
    pub(super) body: &'a str,
}

/// Why a mail was not taken.
pub(super) struct Unsent {
    pub(super) why: String,
    /// Whether it was the mail that the server did not like.
    pub(super) of_message: bool,
}

impl Mail {
    /// As the configuration has it; none if it has no server.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn new(config: &Config) -> Result<Option<Self>, String> {
        let Some(smtp) = &config.smtp else { return Ok(None) };
        let wrong = |why: &dyn std::fmt::Display| format!("[messages.smtp] {why}");
        let (host, port) = smtp.server().ok_or_else(|| wrong(&"server: expected host:port"))?;
        let from: Address = smtp.from.parse().map_err(|error| wrong(&error))?;
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
            .port(port)
            .timeout(Some(PATIENCE))
            .hello_name(ClientId::Domain(from.domain().to_owned()));
        if smtp.tls != Secured::None {
            let parameters = parameters(config, host).map_err(|why| wrong(&why))?;
            transport = transport.tls(match smtp.tls {
                Secured::Tls => Way::Wrapper(parameters),
                _ => Way::Required(parameters),
            });
        }
        if let Some(credentials) = credentials(smtp).map_err(|why| wrong(&why))? {
            transport = transport.credentials(credentials);
        }
        Ok(Some(Self { transport: transport.build(), from }))
    }

    /// Sends a mail to one address.
    ///
    /// # Errors
    /// Why it was not taken.
    pub(super) async fn send(&self, to: &str, letter: &Letter<'_>) -> Result<(), Unsent> {
        let unfit = |error: &dyn std::fmt::Display| Unsent { why: error.to_string(), of_message: true };
        let to: Address = to.parse().map_err(|error| unfit(&error))?;
        let mail = Message::builder()
            .from(self.from.clone().into())
            .to(to.into())
            .subject(letter.title)
            .date_now()
            .message_id(Some(format!("<{}@{}>", letter.id, self.from.domain())))
            .header(ContentType::TEXT_PLAIN)
            .body(letter.body.to_owned())
            .map_err(|error| unfit(&error))?;
        let sent = self.transport.send(mail).await;
        sent.map(drop).map_err(|error| Unsent { of_message: error.is_permanent(), why: told(&error) })
    }
}

/// What went wrong, with what it comes from.
fn told(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = format!("the mail server: {error}");
    let mut source = error.source();
    while let Some(error) = source {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        source = error.source();
    }
    text
}

fn parameters(config: &Config, host: &str) -> Result<TlsParameters, String> {
    let mut builder = TlsParameters::builder(host.to_owned());
    if let Some(path) = &config.ca {
        let at = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        let pem = std::fs::read(path).map_err(|error| at(&error))?;
        builder = builder.add_root_certificate(Certificate::from_pem(&pem).map_err(|error| at(&error))?);
    }
    builder.build_rustls().map_err(|error| error.to_string())
}

fn credentials(smtp: &Smtp) -> Result<Option<Credentials>, String> {
    let (Some(user), Some(path)) = (&smtp.user, &smtp.password_file) else { return Ok(None) };
    Ok(Some(Credentials::new(user.clone(), read_line(path)?.to_string())))
}
