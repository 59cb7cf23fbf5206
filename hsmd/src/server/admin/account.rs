//! Accounts of the cloud services.

use std::sync::Arc;

use dew::iam::policy::vocabulary::{self, Offered};
use dew::iam::{self, Explained, Iam, NewAccount, ProtectPolicy, User};
use dew::leaving::delete_account;
use wire::admin::Told;
use wire::admin::account::{Account, Action, Ask, Created, Decision, Step, Told as Answer, Vocabulary};
use wire::{Bytes, List};

use super::kms::{check_code, wrong_code};
use super::talk::Talk;
use crate::services::Services;

/// The answer, or why there is none.
pub(super) fn answer(talk: &mut Talk<'_>, ask: &Ask) -> Result<Told, String> {
    let services = talk.daemon.services()?;
    match ask {
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
            Ok(Told::Account(Answer::Protection { on, device: has_device(&services.iam, &account) }))
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
        Ask::Explain { user, action, resource } => {
            let iam = &services.iam;
            let user = user_named(iam, user)?;
            let known = |service: &str, thing: &str, within| match service {
                "kms" => services.kms.known(thing, within),
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

/// Switches operation protection on, for who has a device that gives codes; or off, with such a code.
fn protect(
    talk: &Talk<'_>,
    services: &Services,
    account: &iam::Account,
    on: bool,
    code: Option<&str>,
) -> Result<bool, String> {
    if on && !has_device(&services.iam, account) {
        return Err(
            "the account's root user has bound no virtual MFA device: `account mfa` comes first".into()
        );
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
