//! Dedicated HSM instances: ordered, allocated, activated, initialised, reached, renewed, deleted.

use std::net::IpAddr;
use std::str::FromStr;

use dew::caller::Caller;
use dew::cts;
use dew::iam::{AccountId, EnterpriseProjectId};
use dew::instance::{Activating, Addresses, Cidr, Instance, InstanceError, Instances, Limits, Order, Type};
use hsm::Hsm;
use hsm::partition::NewPartition;
use hsm::policy::Profile;
use wire::admin::Told;
use wire::admin::instance::{self as protocol, Ask, Told as Answer};
use wire::{Bytes, List};

use super::talk::Talk;
use super::{account, organization};
use crate::rest;
use crate::server::describe;
use crate::server::remote::{Remotes, certificate};
use crate::services::Services;
use crate::traces::{Answered, Asked, Resource};

/// The one project.
const PROJECT: &str = "default";

/// What people are told that an address does not read as.
const A_RANGE: &str = "a range: expected a network's first address and its length, as in 192.168.0.0/16";
const A_SUBNET: &str = "a subnet: expected its first address and its length, as in 192.168.0.0/24";

/// The answer, or why there is none.
pub(super) fn answer(talk: &mut Talk<'_>, ask: &Ask) -> Result<Told, String> {
    let hsm = talk.hsm()?;
    let instances = Instances::new(&hsm, talk.actor());
    match ask {
        Ask::TagAdd { instance, key, value } | Ask::TagSet { instance, key, value } => {
            let account = instances.named(instance).ok().and_then(|instance| instance.account);
            organization::check_instance(talk, account, &[(key.clone(), value.clone())])?;
        }
        _ => {}
    }
    let changed = match ask {
        Ask::Order(order) => return ordered(talk, &hsm, instances, order),
        Ask::List { tag } => {
            let mut all = instances.all().map_err(text)?;
            if let Some((key, value)) = tag {
                all.retain(|instance| instance.tags.has(key, value.as_deref()));
            }
            return list(&hsm, &*talk.daemon.services()?, instances, &all, &talk.daemon.remotes);
        }
        Ask::Show { instance } => instances.named(instance),
        Ask::Allocate { instance } => instances.allocate(instance),
        Ask::Activate(to) => traced(talk, instances, &to.instance, "ActivateInstance", || {
            activate(instances, to).and_then(|done| done.map_err(text))
        })
        .map(Ok)?,
        Ask::Initialise { instance, so_pin, user_pin } => {
            instances.initialise(instance, talk.by(), so_pin, user_pin.as_deref())
        }
        Ask::PartitionAdd { instance, label, so_pin, user_pin } => {
            let new = NewPartition {
                label,
                profile: Profile::Standard,
                so_pin: Some(so_pin),
                user_pin: user_pin.as_deref(),
            };
            let made = instances.extend(instance, talk.by(), &new).map_err(text)?;
            let shown = describe::partition(&made, &talk.daemon.config.pins);
            return Ok(Told::Partition(Box::new(shown)));
        }
        Ask::Renew { instance, months } => instances.renew(instance, *months),
        Ask::Delete { instance } => {
            traced(talk, instances, instance, "DeleteInstance", || instances.delete(instance).map_err(text))?;
            talk.daemon.remotes.look();
            return Ok(Told::Done);
        }
        Ask::TagAdd { instance, key, value } => instances.add_tag(instance, key, value),
        Ask::TagSet { instance, key, value } => instances.set_tag(instance, key, value),
        Ask::TagRemove { instance, key } => instances.remove_tag(instance, key),
        Ask::Certificate { instance, client } => return certify(talk, instances, instance, client),
        Ask::Revoke { instance, client } => instances.revoke(instance, client),
        Ask::Allow { instance, range } => instances.allow(instance, parsed(A_RANGE, range)?),
        Ask::Disallow { instance, range } => instances.disallow(instance, parsed(A_RANGE, range)?),
        Ask::Publish { instance, at } => {
            let at = at.as_deref().map(|at| parsed("an address with a port", at)).transpose()?;
            instances.publish(instance, at)
        }
    };
    let changed = changed.map_err(text)?;
    talk.daemon.remotes.look();
    let services = talk.daemon.services()?;
    let shown = shown(&hsm, &services, instances, &changed, &talk.daemon.remotes);
    Ok(Told::Instance(Answer::Instance(Box::new(shown))))
}

fn ordered(
    talk: &Talk<'_>,
    hsm: &Hsm,
    instances: Instances<'_>,
    order: &protocol::Order,
) -> Result<Told, String> {
    let services = talk.daemon.services()?;
    let named = order.account.as_deref().map(|name| account::named(&services.iam, name)).transpose()?;
    let account = named.map(|account| account.id);
    if account.is_some() {
        services.traces.check()?;
    }
    let made = organization::check_instance(talk, account, &order.tags).and_then(|()| {
        let made = instances.order(&Order {
            name: &order.name,
            edition: &order.edition,
            project: &order.project,
            quantity: order.quantity,
            test_only: order.test_only,
            months: order.months,
            tags: &order.tags,
            account,
        });
        made.map_err(text)
    });
    match (account, &made) {
        (Some(account), Err(why)) => leave(&services, account, "OrderInstance", ("", &order.name), Err(why))?,
        (Some(account), Ok(made)) => made.iter().try_for_each(|instance| {
            let about = (instance.id.to_string(), &*instance.name);
            leave(&services, account, "OrderInstance", (&about.0, about.1), Ok(()))
        })?,
        (None, _) => {}
    }
    list(hsm, &services, instances, &made?, &talk.daemon.remotes)
}

/// Does something to an instance that leaves a trace, if it is for an account.
fn traced<T>(
    talk: &Talk<'_>,
    instances: Instances<'_>,
    name: &str,
    operation: &str,
    act: impl FnOnce() -> Result<T, String>,
) -> Result<T, String> {
    let services = talk.daemon.services()?;
    // It is called what it was ordered as, and may be gone afterwards.
    let before = instances.named(name).ok();
    if before.as_ref().is_some_and(|instance| instance.account.is_some()) {
        services.traces.check()?;
    }
    let done = act();
    if let Some((instance, account)) = before.and_then(|one| one.account.map(|account| (one, account))) {
        let outcome = done.as_ref().map(drop).map_err(String::as_str);
        leave(&services, account, operation, (&instance.id.to_string(), &instance.name), outcome)?;
    }
    done
}

/// Leaves the trace of what was done to an instance, in the first project of the account that it is for.
fn leave(
    services: &Services,
    account: AccountId,
    operation: &str,
    (id, name): (&str, &str),
    outcome: Result<(), &str>,
) -> Result<(), String> {
    let Some(account) = services.iam.account(account) else { return Ok(()) };
    let Some(traced) = cts::traced("DHSM", operation) else { return Ok(()) };
    let caller = Caller {
        identity: services.iam.root_of(&account).unwrap_or_else(|| services.nobody()),
        project: Some(account.project),
        request: rest::request_id().into(),
        source: None,
        agent: Some("hsm-admin".into()),
        tls: false,
    };
    let asked = Asked {
        traced,
        kind: cts::Kind::ConsoleAction,
        caller: &caller,
        project: account.project,
        unproven: false,
        access_key: None,
        method: "",
        path: "",
        body: b"",
        fields: vec![("name", name.to_owned())],
    };
    let (status, body) = match outcome {
        Ok(()) => (200, serde_json::json!({ "id": id })),
        Err(why) => (400, serde_json::json!({ "error_msg": why })),
    };
    let enterprise_project = EnterpriseProjectId::DEFAULT;
    let about = Resource { id: id.to_owned(), name: name.to_owned(), enterprise_project };
    let body = body.to_string();
    let answered = Answered { status, body: body.as_bytes() };
    services.traces.leave(&asked, &answered, services.kms.now(), |_| Some(about))
}

fn activate(
    instances: Instances<'_>,
    to: &protocol::Activate,
) -> Result<Result<Instance, InstanceError>, String> {
    let kind = Type::named(&to.kind)
        .ok_or_else(|| format!("{:?} is no type: expected server, finance or signature", to.kind))?;
    let address = |text: &String| parsed::<IpAddr>("an address", text);
    let addresses = match &to.addresses {
        None => None,
        Some([own, one, two]) => {
            Some(Addresses { address: address(own)?, nodes: [address(one)?, address(two)?] })
        }
    };
    let allowed: Result<Vec<Cidr>, _> = to.allowed.iter().map(|range| parsed(A_RANGE, range)).collect();
    let protocol::Limits { partitions, sessions, objects } = to.limits;
    Ok(instances.activate(
        &to.instance,
        &Activating {
            name: to.name.as_deref(),
            zone: &to.zone,
            kind,
            vpc: &to.vpc,
            subnet: parsed(A_SUBNET, &to.subnet)?,
            addresses,
            port: to.port,
            security_group: &to.security_group,
            allowed: allowed?,
            limits: Limits { partitions, sessions, objects },
        },
    ))
}

/// Has the instance's authority sign a certificate, which is good from then on.
fn certify(talk: &Talk<'_>, instances: Instances<'_>, name: &str, client: &str) -> Result<Told, String> {
    let instance = instances.certifying(name, client).map_err(text)?;
    let (Some(access), Some(activation)) = (&instance.access, &instance.activation) else {
        return Err(InstanceError::Malformed.to_string());
    };
    let issued = certificate::for_client(&instance, access, client).map_err(|error| error.to_string())?;
    let instance = instances.certified(name, client, issued.digest).map_err(text)?;
    talk.daemon.remotes.look();
    Ok(Told::Instance(Answer::Certificate(Box::new(protocol::Certificate {
        addresses: activation.doors().iter().map(ToString::to_string).collect(),
        server_name: certificate::server_name(&instance),
        instance: instance.name,
        authority: certificate::pem(&access.authority).map_err(|error| error.to_string())?,
        certificate: issued.certificate,
        key: Bytes::from(issued.key.as_bytes()),
    }))))
}

fn list(
    hsm: &Hsm,
    services: &Services,
    instances: Instances<'_>,
    all: &[Instance],
    remotes: &Remotes,
) -> Result<Told, String> {
    let all = all.iter().map(|instance| shown(hsm, services, instances, instance, remotes)).collect();
    let all = List::new(all).ok_or("there are more instances than one list brings")?;
    Ok(Told::Instance(Answer::Instances(all)))
}

/// An instance, for the console.
fn shown(
    hsm: &Hsm,
    services: &Services,
    instances: Instances<'_>,
    instance: &Instance,
    remotes: &Remotes,
) -> protocol::Instance {
    let now = instances.now();
    let Limits { partitions, sessions, objects } = instance.limits;
    let of_it = hsm.partitions_of_instance(instance.number);
    let active = instance.activation.as_ref().map(|is| protocol::Active {
        zone: is.zone.clone(),
        kind: is.kind.title().to_owned(),
        services: is.kind.services().iter().map(|service| (*service).to_owned()).collect(),
        vpc: is.vpc.clone(),
        subnet: is.subnet.to_string(),
        address: is.address.to_string(),
        nodes: is.nodes.map(|node| node.to_string()),
        port: is.port,
        security_group: is.security_group.clone(),
        allowed: is.allowed.iter().map(ToString::to_string).collect(),
        public: is.public.map(|door| door.to_string()),
    });
    let clients = instance.access.iter().flat_map(|access| &access.issued);
    protocol::Instance {
        name: instance.name.clone(),
        id: instance.id.to_string(),
        status: instance.status(now).name().to_owned(),
        edition: instance.edition.name().to_owned(),
        project: PROJECT.to_owned(),
        account: instance.account.map(|id| {
            services.iam.account(id).map_or_else(|| id.to_string(), |account| account.name.clone())
        }),
        order: instance.order.to_string(),
        test_only: instance.test_only,
        created: instance.ordered,
        months: instance.months,
        expires: instance.until,
        tags: instance.tags.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
        active,
        limits: protocol::Limits { partitions, sessions, objects },
        partitions: of_it.iter().map(|partition| (partition.slot().0, partition.label())).collect(),
        initialised: instance.initialised,
        clients: clients.map(|issued| issued.client.clone()).collect(),
        failure: instance.failure.clone().or_else(|| remotes.trouble(instance.number)),
        next: instance.next(now).words.to_owned(),
    }
}

fn parsed<T: FromStr>(what: &str, text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{text:?} is not {what}"))
}

#[expect(clippy::needless_pass_by_value, reason = "it is handed to map_err")]
fn text(error: InstanceError) -> String {
    error.to_string()
}
