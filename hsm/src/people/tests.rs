//! Tests of what people are and may, without a vault: what is kept of them, and the scopes of roles.

use proptest::prelude::*;
use ukey::file::{self, Cost};
use ukey::{Algorithm, Public};
use wire::admin::command::Effect;
use wire::admin::{Command, Role};

use super::person::check_name;
use super::{Held, MAX_TRIES, Person, Rule, Scope, quorum};

fn public() -> Public {
    file::create("Ada", Algorithm::Ed25519, b"123456", Cost::new(8, 1, 1).unwrap()).unwrap().1
}

fn any_held() -> impl Strategy<Value = Held> {
    (0..Role::ALL.len(), any::<Option<u64>>())
        .prop_map(|(role, partition)| Held { role: Role::ALL[role], partition })
}

proptest! {
    #[test]
    fn what_is_kept_of_a_person_comes_back(
        name in ".{1,16}", roles in prop::collection::vec(any_held(), 0..5), failed in any::<u8>(),
    ) {
        let person = Person { name, ukey: public(), roles, failed };
        let record = person.to_record().unwrap();
        prop_assert_eq!(&Person::from_record(&record).unwrap(), &person);
        // Of another form, or cut off anywhere, it is not read as something else.
        let bytes = record.as_bytes();
        for end in 0..bytes.len() {
            prop_assert!(Person::from_record(&crypto::Secret::new(bytes[..end].to_vec())).is_err());
        }
        let newer = [&[2], &bytes[1..]].concat();
        prop_assert!(Person::from_record(&crypto::Secret::new(newer)).is_err());
        prop_assert_eq!(person.is_locked(), failed >= MAX_TRIES);
    }

    /// A role of one partition gives no right in another, nor over anything that is no partition.
    #[test]
    fn a_role_of_a_partition_ends_at_its_border(of in any::<u64>(), slot in any::<u64>()) {
        let role = Role::PartitionSo;
        let person = Person {
            name: "Pia".into(),
            ukey: public(),
            roles: vec![Held { role, partition: Some(of) }],
            failed: 0,
        };
        for effect in [Effect::Look, Effect::Change] {
            prop_assert_eq!(person.may_as(role, effect, Scope::Partition(slot)), of == slot);
            prop_assert!(!person.may_as(role, effect, Scope::Other));
            prop_assert!(!person.may_as(Role::HsmSo, effect, Scope::Partition(of)));
        }
        prop_assert!(person.may_as(role, Effect::Look, Scope::Open));
        prop_assert!(!person.may_as(role, Effect::Change, Scope::Open));
        prop_assert!(!person.approves_as(role, Scope::Open));
    }

    #[test]
    fn the_rules_come_back_as_they_were_kept(needed in 1u8..) {
        let rules = quorum::first_rules(needed);
        let expected = Rule { needed, role: Role::HsmSo };
        prop_assert_eq!(rules.get(Command::QuorumSet.name()), Some(&expected));
        prop_assert_eq!(quorum::rules_of(&quorum::record(&rules).unwrap()).unwrap(), rules);
    }
}

#[test]
fn without_a_quorum_there_are_no_rules() {
    assert!(quorum::first_rules(0).is_empty());
}

#[test]
fn a_name_is_what_people_see() {
    for good in ["Ada", "Ada Lovelace", "Ада", "a".repeat(64).as_str()] {
        assert!(check_name(good).is_ok(), "{good:?}");
    }
    for bad in ["", " Ada", "Ada ", "A\nB", "A\u{202e}B", "A\u{200b}", "\u{feff}A", "a".repeat(65).as_str()] {
        assert!(check_name(bad).is_err(), "{bad:?}");
    }
}
