//! Grants on secrets: what users may read whose policies do not allow it.

use dew::caller::Caller;
use dew::csms::{CURRENT, Grantee};
use dew::iam::{NewUser, UserId};
use dew::kms::DAY;
use hsm::event::Actor;

use crate::support::as_caller;
use crate::world::{Secrets, code};

fn user(here: &Secrets, name: &str) -> (UserId, Caller) {
    let (iam, account) = (here.world.kms.iam(), here.root.identity.account);
    let by = iam.by(Actor::DAEMON);
    let id = by.create_user(account, &NewUser { name, ..NewUser::default() }).unwrap().id;
    let key = by.create_access_key(account, id, "").unwrap();
    let identity = iam.access_key(&key.id.to_string(), None).unwrap().identity;
    (id, as_caller(identity, here.root.project.unwrap()))
}

#[test]
fn who_was_granted_a_secret_reads_it_and_no_more_until_the_date() {
    let here = Secrets::new();
    let (csms, root) = (&here.csms, &here.root);
    let secret = here.make("db", "one").unwrap();
    here.make("other", "two").unwrap();
    let id = secret.id.to_string();
    let (ann, by_ann) = user(&here, "ann");
    assert_eq!(code(here.get_by(&by_ann, "db", CURRENT)), "CSMS.0302");
    // It does not learn what is there.
    assert_eq!(code(here.get_by(&by_ann, "no-such", CURRENT)), "CSMS.0302");
    csms.grant_secret(root, &id, Grantee::User(ann), Some(csms.now() + DAY)).unwrap();
    assert_eq!(here.get_by(&by_ann, "db", CURRENT).unwrap(), "one");
    assert_eq!(code(here.get_by(&by_ann, "other", CURRENT)), "CSMS.0302");
    assert_eq!(code(csms.delete_secret(&by_ann, "db")), "CSMS.0302");
    assert_eq!(code(csms.grant_secret(&by_ann, &id, Grantee::User(ann), None)), "CSMS.0302");
    here.world.pass_days(1);
    assert_eq!(code(here.get_by(&by_ann, "db", CURRENT)), "CSMS.0302");
    csms.update_secret_grant(root, &id, Grantee::User(ann), None).unwrap();
    let here = here.again();
    let (csms, root) = (&here.csms, &here.root);
    assert_eq!(here.get_by(&by_ann, "db", CURRENT).unwrap(), "one");
    let (name, grants) = csms.secret_grants(root, &id).unwrap();
    assert_eq!((name.as_str(), grants.len()), ("db", 1));
    csms.revoke_secret(root, &id, Some(&ann.to_string())).unwrap();
    assert_eq!(code(here.get_by(&by_ann, "db", CURRENT)), "CSMS.0302");
    assert_eq!(code(csms.revoke_secret(root, &id, None)), "CSMS.0005");
    assert_eq!(code(csms.update_secret_grant(root, &id, Grantee::User(ann), None)), "CSMS.0005");
    assert_eq!(code(csms.grant_secret(root, &id, Grantee::User(UserId([9; 16])), None)), "CSMS.0002");
    assert_eq!(code(csms.grant_secret(root, &id, Grantee::User(ann), Some(1))), "CSMS.0002");
    // With the secret its grants go: another of its name is not granted.
    csms.grant_secret(root, &id, Grantee::User(ann), None).unwrap();
    csms.delete_secret(root, "db").unwrap();
    here.make("db", "three").unwrap();
    assert_eq!(code(here.get_by(&by_ann, "db", CURRENT)), "CSMS.0302");
}
