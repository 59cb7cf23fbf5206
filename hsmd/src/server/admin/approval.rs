//! Approvals: a command that needs several people is signed by each of them.

use hsm::people::Rule;
use wire::List;
use wire::admin::approval::{self, Ask};
use wire::admin::{Act, Told};

use super::people::text;
use super::permission;
use super::talk::Talk;

/// The most approvals that wait on a connection for their command.
const MAX_PRESENTED: usize = 64;

/// The answer, or why there is none.
pub(super) fn answer(talk: &mut Talk<'_>, ask: &Ask) -> Result<Told, String> {
    let hsm = talk.hsm()?;
    let people = hsm.people_by(talk.actor());
    match ask {
        Ask::SetQuorum { command, needed, role } => {
            people.set_quorum(*command, Rule { needed: *needed, role: *role }).map_err(text)?;
            Ok(Told::Done)
        }
        Ask::Quorum => {
            let row = |(command, rule, of): (String, Rule, Option<usize>)| approval::Rule {
                command,
                needed: rule.needed,
                role: rule.role.name().to_owned(),
                of: of.map(|of| of as u64),
            };
            let rules = people.rules().into_iter().map(row).collect();
            let rules = List::new(rules).ok_or("there are more rules than one list brings")?;
            Ok(Told::Approval(approval::Told::Quorum(rules)))
        }
        Ask::Request { command, object, partition, details, valid } => {
            let mut act = Act::new(*command).within(partition.as_deref());
            act.object = object.as_deref();
            let mut given = permission::given(&hsm, &act)?;
            given.details = details.to_vec();
            // Who could not give it cannot have others approve it.
            people.may(given.command, given.scope, talk.by()).map_err(text)?;
            let request = people.request(given, *valid).map_err(text)?;
            Ok(Told::Approval(approval::Told::Request(request)))
        }
        Ask::Present(_) if talk.approvals.len() >= MAX_PRESENTED => {
            Err(format!("no command needs more than {MAX_PRESENTED} approvals"))
        }
        Ask::Present(approval) => {
            talk.approvals.push(approval.clone());
            Ok(Told::Done)
        }
    }
}
