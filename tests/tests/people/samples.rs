//! A question for each command, for those who are refused it: nothing of it is ever carried out.

use wire::admin::approval::{Ask as Approval, MAX_DETAILS};
use wire::admin::import::Ask as Import;
use wire::admin::people::{Ask as People, Registered};
use wire::admin::{Ask, Command, Role};
use wire::{Bytes, List};

/// What gives this command, about `dev-1`. A command that has no question of its own here is asked for by a request
/// for its approval, which only those get who may give it.
pub(crate) fn sample(command: Command) -> Ask {
    let partition = || "dev-1".to_owned();
    let pin = || Bytes::from(&b"0000"[..]);
    let create = |policy: &str| Ask::PartitionCreate {
        label: "new".into(),
        policy: policy.into(),
        so_pin: None,
        user_pin: None,
    };
    match command {
        Command::PartitionCreate => create("standard"),
        Command::LegacyCreate => create("legacy"),
        Command::PartitionList => Ask::PartitionList,
        Command::PartitionShow => Ask::PartitionShow { partition: partition() },
        Command::PartitionInit => {
            Ask::PartitionInit { partition: partition(), label: None, so_pin: pin(), user_pin: None }
        }
        Command::PartitionRename => Ask::PartitionRename { partition: partition(), label: "x".into() },
        Command::PartitionDelete => Ask::PartitionDelete { partition: partition() },
        Command::ObjectList => Ask::ObjectList { partition: partition(), after: 0 },
        Command::KeyDestroy => Ask::Import(Import::Destroy { partition: partition(), pin: pin(), number: 1 }),
        Command::PeopleInit => {
            Ask::People(People::Init { officers: List::new(Vec::new()).unwrap(), quorum: 0 })
        }
        Command::PeopleList => Ask::People(People::List),
        Command::PeopleShow => Ask::People(People::Show { person: "Ada".into() }),
        Command::PeopleUnlock => Ask::People(People::Unlock { person: "Ada".into() }),
        Command::CeremonyRecord => Ask::People(People::Ceremony { digest: [0; 32] }),
        Command::QuorumList => Ask::Approval(Approval::Quorum),
        Command::QuorumSet => Ask::Approval(Approval::SetQuorum {
            command: Command::PartitionDelete,
            needed: 0,
            role: Role::HsmSo,
        }),
        other => role_of(other, &add).or(role_of(other, &remove)).unwrap_or_else(|| request(other)),
    }
}

/// A request for the approval of a command.
pub(crate) fn request(command: Command) -> Ask {
    Ask::Approval(Approval::Request {
        command,
        object: Some("dev-1".into()),
        partition: None,
        details: List::<_, MAX_DETAILS>::new(Vec::new()).unwrap(),
        valid: 60,
    })
}

/// The question about whichever role makes it this command.
fn role_of(command: Command, ask: &dyn Fn(Role) -> Ask) -> Option<Ask> {
    Role::ALL.into_iter().map(ask).find(|ask| ask.act().command == command)
}

fn place(role: Role) -> Option<String> {
    role.is_of_partitions().then(|| "dev-1".to_owned())
}

fn add(role: Role) -> Ask {
    let ukey = Registered { id: [0; 32], public: Bytes::default(), signature: None };
    Ask::People(People::Add { person: "New".into(), ukey: Some(ukey), role, partition: place(role) })
}

fn remove(role: Role) -> Ask {
    Ask::People(People::Remove { person: "Ada".into(), role, partition: place(role) })
}
