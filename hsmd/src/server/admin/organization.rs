//! Units of accounts, and tag policies.

use std::collections::HashMap;
use std::sync::Arc;

use dew::iam::{self, Breach, Iam, IamError, TagPolicyChange};
use wire::List;
use wire::admin::Told;
use wire::admin::organization::{
    self as protocol, Ask, MAX_ROWS, Policy, Tags, Target, Told as Answer, Unit,
};

use super::account;
use super::talk::Talk;
use crate::services::Services;

/// What tag policies call instances.
const INSTANCE: &str = "dhsm:instance";

/// The answer, or why there is none.
pub(super) fn answer(talk: &mut Talk<'_>, ask: &Ask) -> Result<Told, String> {
    let services = talk.daemon.services()?;
    let (iam, acting) = (&services.iam, services.iam.by(talk.actor()));
    let done = match ask {
        Ask::Units => return units(iam),
        Ask::Policies => return policies(iam),
        Ask::Rules { account } => {
            let rules = iam.tag_rules(account_of(iam, account.as_deref())?);
            return Ok(Told::Organization(Answer::Rules(rules.to_json().to_string())));
        }
        Ask::Breaches { account } => return breaches(talk, &services, account.as_deref()),
        Ask::CreateUnit { name, parent } => {
            acting.create_unit(name, unit_of(iam, parent.as_deref())?).map(drop)
        }
        Ask::DeleteUnit { name } => acting.delete_unit(unit_named(iam, name)?.id),
        Ask::Move { account, unit } => {
            acting.move_account(account::named(iam, account)?.id, unit_of(iam, unit.as_deref())?)
        }
        Ask::Delegated => {
            let account = iam.trace_administrator().and_then(|id| iam.account(id));
            return Ok(Told::Organization(Answer::Delegated(account.map(|account| account.name.clone()))));
        }
        Ask::Delegate { account } => acting.set_trace_administrator(account_of(iam, account.as_deref())?),
        Ask::Switch { on } => acting.set_tag_policies(*on),
        Ask::Put { policy, new, name, description, document, tags } => {
            let change = TagPolicyChange {
                name: if *new { Some(policy) } else { name.as_deref() },
                description: description.as_deref(),
                document: document.as_deref(),
                tags: tags.as_deref(),
            };
            match new {
                true => acting.create_tag_policy(change),
                false => acting.change_tag_policy(policy_named(iam, policy)?.id, change),
            }
            .map(drop)
        }
        Ask::Predefined => {
            let tags = first(iam.predefined_tags().into_iter());
            return Ok(Told::Organization(Answer::Predefined(tags)));
        }
        Ask::Predefine { key, value, on: true } => acting.predefine_tag(key, value),
        Ask::Predefine { key, value, on: false } => acting.forget_predefined_tag(key, value),
        Ask::Delete { policy } => acting.delete_tag_policy(policy_named(iam, policy)?.id),
        Ask::Attach { policy, target, on } => {
            let policy = policy_named(iam, policy)?.id;
            let target = match target {
                Target::Root => iam::Target::Root,
                Target::Unit(name) => iam::Target::Unit(unit_named(iam, name)?.id),
                Target::Account(name) => iam::Target::Account(account::named(iam, name)?.id),
            };
            match on {
                true => acting.attach_tag_policy(policy, target),
                false => acting.detach_tag_policy(policy, target),
            }
        }
    };
    done.map_err(|error: IamError| error.to_string())?;
    Ok(Told::Organization(Answer::Done))
}

/// Refuses tags of an instance, of an account or of none, that an enforced tag policy does not let through.
pub(super) fn check_instance(
    talk: &Talk<'_>,
    account: Option<iam::AccountId>,
    tags: &[(String, String)],
) -> Result<(), String> {
    let rules = talk.daemon.services()?.iam.tag_rules(account);
    let tags = tags.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    let breach = rules.breaches(INSTANCE, tags).into_iter().find(|breach| breach.enforced);
    breach.map_or(Ok(()), |breach| Err(breach.to_string()))
}

fn unit_named(iam: &Iam, name: &str) -> Result<Arc<iam::Unit>, String> {
    iam.unit_named(name).ok_or_else(|| format!("there is no unit {name:?}"))
}

fn unit_of(iam: &Iam, name: Option<&str>) -> Result<Option<iam::UnitId>, String> {
    name.map(|name| unit_named(iam, name).map(|unit| unit.id)).transpose()
}

fn policy_named(iam: &Iam, name: &str) -> Result<Arc<iam::TagPolicy>, String> {
    iam.tag_policy_named(name).ok_or_else(|| format!("there is no tag policy {name:?}"))
}

fn account_of(iam: &Iam, name: Option<&str>) -> Result<Option<iam::AccountId>, String> {
    name.map(|name| account::named(iam, name).map(|account| account.id)).transpose()
}

fn units(iam: &Iam) -> Result<Told, String> {
    let all = iam.units();
    let names: HashMap<_, _> = all.iter().map(|(unit, _)| (unit.id, unit.name.as_str())).collect();
    let unit = |(unit, accounts): &(Arc<iam::Unit>, Vec<Arc<iam::Account>>)| {
        let parent = unit.parent.and_then(|id| names.get(&id)).map(|name| (*name).to_owned());
        let accounts = first(accounts.iter().map(|account| account.name.clone()));
        Unit { name: unit.name.clone(), parent, accounts }
    };
    Ok(Told::Organization(Answer::Units(first(all.iter().map(unit)))))
}

fn policies(iam: &Iam) -> Result<Told, String> {
    let target = |target: iam::Target| match target {
        iam::Target::Root => Target::Root,
        iam::Target::Unit(_) => Target::Unit(iam.target_name(target)),
        iam::Target::Account(_) => Target::Account(iam.target_name(target)),
    };
    let policy = |(policy, attached): (Arc<iam::TagPolicy>, Vec<iam::Target>)| Policy {
        name: policy.name.clone(),
        description: policy.description.clone(),
        document: policy.document.clone(),
        tags: tags(policy.tags.iter()),
        attached: first(attached.into_iter().map(target)),
        updated: policy.updated,
    };
    let policies = first(iam.tag_policies().into_iter().map(policy));
    Ok(Told::Organization(Answer::Policies { on: iam.has_tag_policies(), policies }))
}

fn tags<'a>(tags: impl Iterator<Item = (&'a str, &'a str)>) -> Tags {
    List::new(tags.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()).unwrap_or_default()
}

/// As many as one answer brings.
fn first<T>(all: impl Iterator<Item = T>) -> List<T, MAX_ROWS> {
    List::new(all.take(MAX_ROWS).collect()).unwrap_or_default()
}

/// Keys and instances, of an account or of all and none.
fn breaches(talk: &Talk<'_>, services: &Services, account: Option<&str>) -> Result<Told, String> {
    let of = account_of(&services.iam, account)?;
    let row = |kind: &str, [project, id, name]: [String; 3], breach: Breach| protocol::Breach {
        kind: kind.into(),
        project,
        id,
        name,
        key: breach.key,
        value: breach.value,
        expected: breach.expected,
    };
    let (keys, mut count) = services.kms.breaches(of, MAX_ROWS).map_err(|error| error.to_string())?;
    let keys = keys
        .into_iter()
        .map(|one| row("kms:key", [one.project.to_string(), one.key.to_string(), one.name], one.breach));
    let mut all: Vec<_> = keys.collect();
    let hsm = talk.hsm()?;
    let instances =
        dew::instance::Instances::new(&hsm, talk.actor()).all().map_err(|error| error.to_string())?;
    for instance in instances.into_iter().filter(|instance| of.is_none() || instance.account == of) {
        let whose = [String::new(), instance.id.to_string(), instance.name.clone()];
        let breaches = services.iam.tag_rules(instance.account).breaches(INSTANCE, instance.tags.iter());
        count += breaches.len();
        all.extend(breaches.into_iter().map(|breach| row(INSTANCE, whose.clone(), breach)));
    }
    Ok(Told::Organization(Answer::Breaches { breaches: first(all.into_iter()), count: count as u64 }))
}
