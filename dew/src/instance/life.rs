//! What happens to an instance from its order to its end.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use hsm::partition::{Confinement, NewPartition, Partition};
use hsm::people::UKeyId;
use hsm::policy::Profile;
use hsm::service::{Confining, Deed, Kind, Write};

use super::access::check_label;
use super::kind::Type;
use super::network::{Cidr, MAX_ALLOWED};
use super::order::{check_months, check_name};
use super::record::{Access, Activation, Instance, Limits, months_after};
use super::{InstanceError, Instances, Status, Step, Stored, encoded};

/// What an instance is to be.
#[derive(Clone, Debug)]
pub struct Activating<'a> {
    /// Another name than it was ordered with.
    pub name: Option<&'a str>,
    /// The zone that it is in.
    pub zone: &'a str,
    /// What it offers.
    pub kind: Type,
    /// The network, by name.
    pub vpc: &'a str,
    /// Where its addresses are from.
    pub subnet: Cidr,
    /// Its addresses; none takes three that are free.
    pub addresses: Option<Addresses>,
    /// The port.
    pub port: u16,
    /// The allow-list, by name.
    pub security_group: &'a str,
    /// From where clients may come.
    pub allowed: Vec<Cidr>,
    /// How much it may hold.
    pub limits: Limits,
}

/// The addresses of an instance.
#[derive(Clone, Copy, Debug)]
pub struct Addresses {
    /// The one that clients use.
    pub address: IpAddr,
    /// Those of its nodes.
    pub nodes: [IpAddr; 2],
}

impl Instances<'_> {
    /// Allocates an instance that is ordered.
    ///
    /// # Errors
    /// `Unknown`, `OutOfOrder`; what the vault says.
    pub fn allocate(self, name: &str) -> Result<Instance, InstanceError> {
        self.step(name, Step::Allocate, "allocate an instance", &[], |_| Ok(()))
    }

    /// Says what an instance is to be. Its term begins; it is `Creating` then.
    ///
    /// # Errors
    /// `Unknown`, `OutOfOrder`; what is wrong with names and addresses; what the vault says.
    pub fn activate(self, name: &str, to: &Activating<'_>) -> Result<Instance, InstanceError> {
        let stored = self.ready(name, Step::Activate)?;
        let others: Vec<_> =
            self.all()?.into_iter().filter(|other| other.number != stored.instance.number).collect();
        let new_name = to.name.unwrap_or(&stored.instance.name).to_owned();
        check_name(&new_name)?;
        if others.iter().any(|other| other.name == new_name) {
            return Err(InstanceError::NameTaken(new_name));
        }
        let activation = activation(to, &others)?;
        if [u64::from(to.limits.partitions), to.limits.sessions, to.limits.objects].contains(&0) {
            return Err(InstanceError::Limits);
        }
        let until = months_after(self.now(), stored.instance.months);
        let details = [
            ("name", new_name.clone()),
            ("type", to.kind.name().to_owned()),
            ("vpc", to.vpc.to_owned()),
            ("address", activation.address.to_string()),
        ];
        let name = stored.instance.name.clone();
        self.step(&name, Step::Activate, "activate an instance", &details, |instance| {
            instance.name = new_name;
            instance.until = Some(until);
            instance.limits = to.limits;
            instance.activation = Some(activation);
            Ok(())
        })
    }

    /// Makes an instance that was activated, with this authority over its certificates: it has its first partition
    /// then, and is `Running`.
    ///
    /// # Errors
    /// `OutOfOrder`; what keeps the partition from being made.
    pub fn create(self, name: &str, authority: Access) -> Result<Instance, InstanceError> {
        let stored = self.ready(name, Step::Created)?;
        let mut instance = stored.instance.clone();
        instance.stage = Status::Running;
        instance.access = Some(authority);
        let value = encoded(&instance)?;
        let write = Write {
            kind: Kind::Instance,
            number: instance.number,
            was: Some(stored.version),
            value: Some(value),
        };
        let blank =
            NewPartition { label: &instance.name, profile: Profile::Standard, so_pin: None, user_pin: None };
        let confinement = self.confinement(&instance)?;
        self.hsm.create_confined(&blank, confinement, |_| Ok(vec![write]), &self.by)?;
        Ok(instance)
    }

    /// An instance that was activated could not be made.
    ///
    /// # Errors
    /// `OutOfOrder`; what the vault says.
    pub fn fail(self, name: &str, why: &str) -> Result<Instance, InstanceError> {
        let details = [("why", why.to_owned())];
        self.step(name, Step::Fail, "fail to make an instance", &details, |instance| {
            instance.failure = Some(why.to_owned());
            Ok(())
        })
    }

    /// Initialises an instance's first partition, by its security officer who has logged in with this UKey.
    ///
    /// # Errors
    /// `OutOfOrder`, `NeedsOfficer`; what the initialisation says.
    pub fn initialise(
        self,
        name: &str,
        officer: Option<UKeyId>,
        so_pin: &[u8],
        user_pin: Option<&[u8]>,
    ) -> Result<Instance, InstanceError> {
        let stored = self.ready(name, Step::Initialise)?;
        let first = self.officers_partition(&stored.instance, officer)?;
        self.hsm.init_partition(&first, None, so_pin, user_pin, &self.by)?;
        self.save(stored, "initialise an instance", &[], &[], |instance| {
            instance.initialised = true;
            Ok(())
        })
    }

    /// Gives an instance another partition, by its security officer, who is officer there too.
    ///
    /// # Errors
    /// `OutOfOrder`, `NeedsOfficer`, `Partitions`; what keeps the partition from being made.
    pub fn extend(
        self,
        name: &str,
        officer: Option<UKeyId>,
        new: &NewPartition<'_>,
    ) -> Result<Arc<Partition>, InstanceError> {
        let instance = self.ready(name, Step::Extend)?.instance;
        let first = self.officers_partition(&instance, officer)?;
        let limit = instance.limits.partitions;
        if self.hsm.partitions_of_instance(instance.number).len() >= usize::from(limit) {
            return Err(InstanceError::Partitions { name: instance.name, limit });
        }
        let confinement = self.confinement(&instance)?;
        let made = self.hsm.create_confined(new, confinement, |_| Ok(Vec::new()), &self.by)?;
        self.hsm.give_officers(&first, &made, self.by)?;
        Ok(made)
    }

    /// The instance's first partition, if that is who is there.
    fn officers_partition(
        self,
        instance: &Instance,
        officer: Option<UKeyId>,
    ) -> Result<Arc<Partition>, InstanceError> {
        let needs = || InstanceError::NeedsOfficer(instance.name.clone());
        let first = self.hsm.partitions_of_instance(instance.number).into_iter().next().ok_or_else(needs)?;
        let is_here = officer.is_some_and(|ukey| self.hsm.is_officer_of(ukey, &first));
        if is_here { Ok(first) } else { Err(needs()) }
    }

    /// Takes an instance's term on by so many months: from its end, or from now if that is past.
    ///
    /// # Errors
    /// `OutOfOrder`, `Months`; what the vault says.
    pub fn renew(self, name: &str, months: u8) -> Result<Instance, InstanceError> {
        check_months(months)?;
        let stored = self.ready(name, Step::Renew)?;
        let until = months_after(stored.instance.until.unwrap_or(0).max(self.now()), months);
        let renewed = Instance { until: Some(until), ..stored.instance.clone() };
        let to = self.confinement(&renewed)?;
        let confining: Vec<_> = self
            .hsm
            .partitions_of_instance(renewed.number)
            .iter()
            .map(|partition| Confining { slot: partition.slot().0, to: to.clone() })
            .collect();
        let details = [("months", months.to_string()), ("until", until.to_string())];
        self.save(stored, "renew an instance", &details, &confining, |instance| {
            *instance = renewed;
            Ok(())
        })
    }

    /// Deletes an instance that failed or has expired, with its partitions and their keys.
    ///
    /// # Errors
    /// `OutOfOrder`; what keeps a partition from being deleted; what the vault says.
    pub fn delete(self, name: &str) -> Result<Instance, InstanceError> {
        let Stored { instance, version } = self.ready(name, Step::Delete)?;
        for partition in self.hsm.partitions_of_instance(instance.number) {
            self.hsm.delete_partition(&partition, &self.by)?;
        }
        let details = [("instance", instance.name.clone())];
        let deed = Deed { by: self.by, action: "delete an instance", details: &details };
        let write = Write { kind: Kind::Instance, number: instance.number, was: Some(version), value: None };
        self.hsm.service_commit(vec![write], &[], &[deed])?;
        Ok(instance)
    }

    fn confinement(self, instance: &Instance) -> Result<Confinement, InstanceError> {
        let activation = instance.activation.as_ref().ok_or(InstanceError::Malformed)?;
        let mechanisms = self.hsm.mechanisms().iter().map(|row| (row.id.0, row.name));
        Ok(Confinement {
            instance: instance.number,
            name: instance.name.clone(),
            mechanisms: activation.kind.mechanisms(mechanisms),
            until: instance.until.ok_or(InstanceError::Malformed)?,
            sessions: instance.limits.sessions,
            objects: instance.limits.objects,
        })
    }
}

fn activation(to: &Activating<'_>, others: &[Instance]) -> Result<Activation, InstanceError> {
    for (what, label) in [("a zone", to.zone), ("a VPC", to.vpc), ("a security group", to.security_group)] {
        check_label(what, label)?;
    }
    if to.port == 0 {
        return Err(InstanceError::Port);
    }
    let mut allowed = to.allowed.clone();
    allowed.sort_unstable();
    allowed.dedup();
    match allowed.len() {
        0 => return Err(InstanceError::NobodyAllowed),
        many if many > MAX_ALLOWED => return Err(InstanceError::TooManyAllowed(MAX_ALLOWED)),
        _ => {}
    }
    let Addresses { address, nodes } = addresses(to, others)?;
    Ok(Activation {
        zone: to.zone.to_owned(),
        kind: to.kind,
        vpc: to.vpc.to_owned(),
        subnet: to.subnet,
        address,
        nodes,
        port: to.port,
        security_group: to.security_group.to_owned(),
        allowed,
        public: None::<SocketAddr>,
    })
}

/// The three addresses of an instance, which no other has.
fn addresses(to: &Activating<'_>, others: &[Instance]) -> Result<Addresses, InstanceError> {
    let owner = |address: IpAddr| {
        let has = |other: &&Instance| {
            let activation = other.activation.as_ref().filter(|_| other.stage != Status::CreationFailed);
            activation.is_some_and(|activation| activation.addresses().contains(&address))
        };
        others.iter().find(has).map(|other| other.name.clone())
    };
    let Some(given) = to.addresses else {
        let free = to.subnet.free(|address| owner(address).is_some());
        let [address, one, two] = free.ok_or(InstanceError::NoAddress(to.subnet))?;
        return Ok(Addresses { address, nodes: [one, two] });
    };
    let [one, two] = given.nodes;
    for (address, rest) in [(given.address, [one, two]), (one, [given.address, two])] {
        if rest.contains(&address) {
            return Err(InstanceError::AddressTwice(address));
        }
    }
    for address in [given.address, one, two] {
        if !to.subnet.contains(address) {
            return Err(InstanceError::Outside { address, subnet: to.subnet });
        }
        if let Some(of) = owner(address) {
            return Err(InstanceError::AddressTaken { address, of });
        }
    }
    Ok(given)
}
