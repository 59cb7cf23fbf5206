//! Accounts of the cloud services.

use std::sync::Arc;
use std::time::Duration;

use dew::iam::policy::Policy;
use dew::iam::policy::vocabulary::{self, Offered};
use dew::iam::{
    self, CODE_SECONDS, Explained, Iam, Identity, NewAccount, ProtectPolicy, Reach, User, UserChange, Way,
};
use dew::leaving::delete_account;
use dew::message::{Event, State, To, is_phone};
use hsm::service::Deed;
use wire::admin::Told;
use wire::admin::account::{
    self as protocol, Account, Action, Ask, Created, Decision, Step, Told as Answer, Vocabulary,
};
use wire::{Bytes, List};

use super::kms::{check_code, wrong_code};
use super::talk::Talk;
use crate::services::Services;

/// How long it takes at the most until it is known whether a code was sent.
const SENDING: Duration = Duration::from_secs(20);

/// The answer, or why there is none.
pub(super) fn answer(talk: &mut Talk<'_>, ask: &Ask) -> Result<Told, String> {
    let services = talk.daemon.services()?;
    match ask {
        Ask::SendCode { account, by } => {
            drop(services); // sealing waits for nobody outside
            send_code(talk, account, by)
        }
        Ask::Create { name, region } => {
            let new = NewAccount { name, region };
            let made =
                services.iam.by(talk.actor()).create_account(new).map_err(|error| error.to_string())?;
            Ok(Told::Account(Answer::Created(Created {
                account: shown(&made.account),
                user: made.root.to_string(),
                access_key: made.key.id.to_string(),
                secret_key: made.key.secret.as_bytes().into(),
            })))
        }
        Ask::List => {
            let accounts = services.iam.accounts().iter().map(|account| shown(account)).collect();
            let accounts = List::new(accounts).ok_or("there are more accounts than one list brings")?;
            Ok(Told::Account(Answer::Accounts(accounts)))
        }
        Ask::Protect { account, on, code } => {
            let account = named(&services.iam, account)?;
            let on = match on {
                None => account.protection.on,
                Some(on) => protect(talk, &services, &account, *on, code.as_deref())?,
            };
            let device = has_device(&services.iam, &account);
            let reaches = reaches(talk, &services, &account).iter().map(hinted).collect();
            let reaches = List::new(reaches).unwrap_or_default();
            Ok(Told::Account(Answer::Protection { on, device, reaches }))
        }
        Ask::Contact { account, email, phone, code } => {
            let account = named(&services.iam, account)?;
            if account.protection.on {
                check_code(talk, &services, &account, code.as_deref())?;
            }
            let areacode = phone.as_ref().map(|_| "");
            let (email, phone) = (email.as_deref(), phone.as_deref());
            let change = UserChange { email, areacode, phone, ..UserChange::default() };
            let changed = services.iam.by(talk.actor()).change_user(account.id, account.root, &change);
            changed.map(|_| Told::Account(Answer::Done)).map_err(|error| error.to_string())
        }
        Ask::Device { account, step } => {
            let account = named(&services.iam, account)?;
            device(talk, &services, &account, step).map(Told::Account)
        }
        Ask::Delete { account, code } => {
            let account = named(&services.iam, account)?;
            if account.protection.on {
                check_code(talk, &services, &account, code.as_deref())?;
            }
            delete(talk, &services, &account).map(|()| Told::Account(Answer::Done))
        }
        Ask::Set { account, enterprise_projects } => {
            let account = named(&services.iam, account)?;
            let iam = services.iam.by(talk.actor());
            iam.use_enterprise_projects(account.id, *enterprise_projects)
                .map_err(|error| error.to_string())?;
            Ok(Told::Account(Answer::Done))
        }
        Ask::Vocabulary => {
            let owned = |(name, kind): (&str, &str)| (name.to_owned(), kind.to_owned());
            let action = |one: Offered| Action {
                name: one.name.to_owned(),
                service: one.service.to_owned(),
                access: one.access.to_owned(),
                resource: one.resource.to_owned(),
                global: one.global,
            };
            let all = || {
                Some(Vocabulary {
                    actions: List::new(vocabulary::actions().map(action).collect())?,
                    keys: List::new(vocabulary::keys().map(owned).collect())?,
                    operators: List::new(vocabulary::operators().map(owned).collect())?,
                })
            };
            let all = all().ok_or("policies can say more than one answer brings")?;
            Ok(Told::Account(Answer::Vocabulary(Box::new(all))))
        }
        Ask::Check { document } => {
            let document = String::from_utf8_lossy(document);
            let policy = Policy::parse("", &document).map_err(|error| error.to_string())?;
            let unknown = policy.unknown_actions().map(str::to_owned).collect();
            let unknown = List::new(unknown).ok_or("the policy names too many actions")?;
            Ok(Told::Account(Answer::Unknown(unknown)))
        }
        Ask::Explain { user, action, resource } => {
            let iam = &services.iam;
            let user = user_named(iam, user)?;
            let known = |who: &Identity, service: &str, thing: &str, within: Option<_>| match service {
                "kms" => services.kms.known(who, thing, within),
                "csms" => services.csms.known(thing, within?, who.account),
                _ => None,
            };
            let all = iam.explain(&user, action, resource, known).map_err(|error| error.to_string())?;
            let decision = |one: Explained| Decision {
                action: one.action.to_owned(),
                allowed: one.allowed,
                why: one.why,
            };
            let all = List::new(all.into_iter().map(decision).collect());
            Ok(Told::Account(Answer::Explained(all.ok_or("the name stands for too many actions")?)))
        }
    }
}

/// The user of this id, or `account/name`.
fn user_named(iam: &Iam, text: &str) -> Result<Arc<User>, String> {
    let by_name = |(account, name)| named(iam, account).ok().and_then(|of| iam.user_named(of.id, name));
    let by_id = || text.parse().ok().and_then(|id| iam.any_user(id));
    let user = text.split_once('/').and_then(by_name).or_else(by_id);
    user.ok_or_else(|| format!("there is no user {text:?}: give its id, or ACCOUNT/NAME"))
}

/// The account of this name or id.
pub(super) fn named(iam: &Iam, name: &str) -> Result<Arc<iam::Account>, String> {
    let by_id = || name.parse().ok().and_then(|id| iam.account(id));
    iam.account_named(name).or_else(by_id).ok_or_else(|| format!("there is no account {name:?}"))
}

fn has_device(iam: &Iam, account: &iam::Account) -> bool {
    iam.user(account.id, account.root).is_some_and(|root| root.has_device())
}

/// Where codes for an account can be sent: what is bound, as far as something is there to send them by.
fn reaches(talk: &Talk<'_>, services: &Services, account: &iam::Account) -> Vec<Reach> {
    let ways = &talk.daemon.config.messages;
    let is_there = |reach: &Reach| match reach.way {
        Way::Mail => ways.smtp.is_some(),
        Way::Sms => ways.sms.is_some() && is_phone(&reach.address),
    };
    services.iam.reaches(account).into_iter().filter(is_there).collect()
}

fn hinted(reach: &Reach) -> protocol::Reach {
    protocol::Reach { by: reach.way.name().to_owned(), hint: reach.to_string() }
}

/// Sends a code, and waits a while for it to leave. Nothing of the services is held meanwhile.
fn send_code(talk: &Talk<'_>, account: &str, by: &str) -> Result<Told, String> {
    let (reach, number) = post_code(talk, account, by)?;
    let look = || {
        let services = talk.daemon.services().ok()?;
        let message = services.messages.message(number).ok().flatten()?;
        (message.state.is_final() || message.tries > 0).then_some(message.state)
    };
    match talk.daemon.office.wait(SENDING, look) {
        Some(State::Delivered(_)) => Ok(Told::Account(Answer::Sent(hinted(&reach)))),
        Some(state) => Err(format!("the code is not sent to {reach}: {}", state.why())),
        None => Err(format!("it is not known whether the code was sent to {reach}")),
    }
}

fn post_code(talk: &Talk<'_>, account: &str, by: &str) -> Result<(Reach, u64), String> {
    let services = talk.daemon.services()?;
    let account = named(&services.iam, account)?;
    let reach = reaches(talk, &services, &account).into_iter().find(|reach| reach.way.name() == by);
    let reach = reach.ok_or_else(|| {
        format!(
            "no code can be sent for account {:?} by {by:?}: `account contact` says where to, and [messages] in hsmd.toml \
             by what",
            account.name
        )
    })?;
    let code = services.iam.by(talk.actor()).make_code(account.root).map_err(|error| error.to_string())?;
    let content = format!(
        "{} is the code for an operation on account {} at the HSM's console. It is good once, for {} minutes. If you did not \
         ask for it, somebody else did: tell whoever runs the HSM.",
        String::from_utf8_lossy(code.as_bytes()),
        account.name,
        CODE_SECONDS / 60
    );
    let to = match reach.way {
        Way::Mail => To::Mail(reach.address.clone()),
        Way::Sms => To::Phone(reach.address.clone()),
    };
    let event = Event {
        project: account.project,
        source: "iam",
        name: "operation protection",
        kind: "CODE",
        subject: &account.root.to_string(),
        fields: Vec::new(),
        to,
        title: "A code for the HSM's console",
        content,
        secret: true,
        lasts: Some(CODE_SECONDS * 1000),
    };
    let details = [("account", account.name.clone()), ("by", by.to_owned()), ("to", reach.to_string())];
    let deed = Deed { by: talk.actor(), action: "send a code", details: &details };
    let number = services.messages.send(deed, event).map_err(|error| error.to_string())?;
    Ok((reach, number))
}

/// Switches operation protection on, for who has a device that gives codes, or has shown one that was sent; or off, with such
/// a code.
fn protect(
    talk: &Talk<'_>,
    services: &Services,
    account: &iam::Account,
    on: bool,
    code: Option<&str>,
) -> Result<bool, String> {
    if on && !account.protection.on && !has_device(&services.iam, account) {
        if reaches(talk, services, account).is_empty() {
            return Err("the account's root user has bound nothing that codes come by: `account mfa` or `account contact` \
                        comes first"
                .into());
        }
        // An address that was mistyped would lock its owner out.
        check_code(talk, services, account, code)?;
    }
    if !on && account.protection.on {
        check_code(talk, services, account, code)?;
    }
    let change = |policy| Ok(ProtectPolicy { on, ..policy });
    let changed = services.iam.by(talk.actor()).set_protection(account.id, change);
    changed.map(|account| account.protection.on).map_err(|error| error.to_string())
}

/// Deletes an account, unless something of it or about it must go first.
fn delete(talk: &Talk<'_>, services: &Services, account: &iam::Account) -> Result<(), String> {
    let Services { iam, kms, cts, .. } = services;
    delete_account(iam, kms, cts, account.id, talk.actor()).map_err(|error| error.to_string())
}

fn device(
    talk: &Talk<'_>,
    services: &Services,
    account: &iam::Account,
    step: &Step,
) -> Result<Answer, String> {
    let (iam, id, root) = (services.iam.by(talk.actor()), account.id, account.root);
    let done = match step {
        Step::Create => {
            let made = iam.create_device(id, root, "console").map_err(|error| error.to_string())?;
            let seed = made.device.as_ref().map(|device| Bytes::from(device.seed().as_bytes()));
            return seed.map(Answer::Seed).ok_or_else(|| "no device was made".to_owned());
        }
        Step::Bind { first, second } => iam.bind_device(id, root, first, second),
        Step::Remove { code } => iam.unbind_device(id, root, code),
    };
    done.map(|()| Answer::Done).map_err(wrong_code)
}

fn shown(account: &iam::Account) -> Account {
    Account {
        id: account.id.to_string(),
        name: account.name.clone(),
        enabled: account.enabled,
        project: account.project.to_string(),
        created: account.created,
    }
}
