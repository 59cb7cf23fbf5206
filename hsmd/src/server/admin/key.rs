//! Keys of which each use needs the approval of several people.

use hsm::Hsm;
use hsm::people::Key;
use hsm::quorum::{Authorization, Granted, KeyQuorum, Usages};
use wire::List;
use wire::admin::Told;
use wire::admin::key::{self as protocol, Ask, MAX_KEYS, Told as Answer};
use wire::admin::people::hex;

use super::people::text;
use super::talk::Talk;
use crate::server::describe;

/// The answer, or why there is none.
pub(super) fn answer(talk: &mut Talk<'_>, ask: &Ask) -> Result<Told, String> {
    let (hsm, was) = (talk.hsm()?, talk.approved_by.take());
    let people = hsm.people_by(talk.actor());
    let key = match ask {
        Ask::Quorums { partition, key } => return quorums(talk, &hsm, partition, key.as_deref()),
        Ask::SetQuorum { partition, key, usages, needed, approvers } => {
            let key = named(talk, partition, key)?;
            people.set_key_quorum(&key, was, usages, (*needed, approvers)).map_err(text)?;
            key
        }
        Ask::RemoveQuorum { partition, key } => {
            people.remove_key_quorum(&named(talk, partition, key)?, was).map_err(text)?;
            return Ok(Told::Done);
        }
        Ask::Authorize { partition, key, usages, uses, seconds, only } => {
            let key = named(talk, partition, key)?;
            let allowed =
                Authorization { usages: Usages::default(), uses: *uses, seconds: *seconds, only: *only };
            people.authorize(&key, was, usages, allowed).map_err(text)?;
            key
        }
    };
    let quorum = key.quorum().map_err(|error| error.to_string())?.ok_or("the key is under no quorum")?;
    Ok(Told::Key(Answer::Quorum(Box::new(shown(&hsm, &key, &quorum)?))))
}

fn named(talk: &Talk<'_>, partition: &str, key: &str) -> Result<Key, String> {
    let partition = talk.partition(partition)?;
    Key::named(&partition, key)
        .ok_or_else(|| format!("the partition has no private or secret key of the unique id {key:?}"))
}

fn quorums(talk: &Talk<'_>, hsm: &Hsm, partition: &str, one: Option<&str>) -> Result<Told, String> {
    let partition = talk.partition(partition)?;
    let mut all = Vec::new();
    for (object, quorum) in partition.key_quorums().map_err(|error| error.to_string())? {
        if one.is_none_or(|id| object.unique_id() == id) {
            let key = Key { partition: partition.clone(), object };
            all.push(shown(hsm, &key, &quorum)?);
        }
    }
    let all =
        List::new(all).ok_or_else(|| format!("more than {MAX_KEYS} keys are under a quorum: name one"))?;
    Ok(Told::Key(Answer::Quorums(all)))
}

fn shown(hsm: &Hsm, key: &Key, quorum: &KeyQuorum) -> Result<protocol::KeyQuorum, String> {
    let people = hsm.people();
    let approver = |ukey: hsm::people::UKeyId| protocol::Named {
        ukey: hex(ukey.as_bytes()),
        name: people.of_ukey(ukey).map(|person| person.name),
    };
    let grant = |grant: &Granted| protocol::Grant {
        usages: words(grant.usages),
        left: grant.left,
        expires: grant.expires,
        only: grant.only.to_string(),
    };
    Ok(protocol::KeyQuorum {
        key: key.object.unique_id().to_owned(),
        label: describe::label(&key.object),
        usages: words(quorum.usages()),
        needed: quorum.needed(),
        approvers: quorum.approvers().map(approver).collect(),
        grants: people.granted(key).map_err(text)?.iter().map(grant).collect(),
    })
}

fn words(usages: Usages) -> Vec<String> {
    usages.names().into_iter().map(str::to_owned).collect()
}
