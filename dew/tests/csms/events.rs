//! Events.

use dew::csms::{EventChange, EventKind, NewSecret, Page, SecretChange, Target};

use crate::world::{Secrets, code, new, value};

fn target() -> Target {
    Target { id: "urn:smn:local-1:0123:ops".into(), name: "ops".into() }
}

fn kinds(names: &[&str]) -> Result<std::collections::BTreeSet<EventKind>, dew::csms::CsmsError> {
    EventKind::named(&names.iter().map(ToString::to_string).collect::<Vec<_>>())
}

/// Requirement: CSMS-106, CSMS-107, CSMS-108, CSMS-109, CSMS-110, CSMS-111, CSMS-113, CSMS-115
#[test]
fn events_have_names_and_types_and_there_are_thirty() {
    let here = Secrets::new();
    let (csms, root) = (&here.csms, &here.root);
    let all = kinds(&EventKind::ALL.map(EventKind::name)).unwrap();
    assert_eq!(all.len(), 5);
    let levels: Vec<_> = EventKind::ALL.iter().map(|kind| kind.level()).collect();
    assert_eq!(levels, ["normal", "warning", "normal", "warning", "warning"]);
    assert_eq!(code(kinds(&[])), "CSMS.0002");
    assert_eq!(code(kinds(&["SECRET_READ"])), "CSMS.0002");
    for number in 0..30 {
        csms.create_event(root, &format!("e{number}"), all.clone(), true, target()).unwrap();
    }
    assert_eq!(code(csms.create_event(root, "more", all.clone(), true, target())), "CSMS.0202");
    assert_eq!(code(csms.create_event(root, "e3", all.clone(), true, target())), "CSMS.0101");
    csms.delete_event(root, "e3").unwrap();
    for bad in ["", "a b", "ä", &"e".repeat(65)] {
        assert_eq!(code(csms.create_event(root, bad, all.clone(), true, target())), "CSMS.0002", "{bad}");
    }
    let nowhere = Target { id: String::new(), ..target() };
    assert_eq!(code(csms.create_event(root, "e3", all, true, nowhere)), "CSMS.0002");
    let here = here.again();
    let page = here.csms.list_events(&here.root, &Page { limit: Some("10"), marker: None }).unwrap();
    assert_eq!((page.items.len(), page.next.is_some()), (10, true));
}

/// Requirement: CSMS-030, CSMS-060, CSMS-116, CSMS-121, CSMS-124, CSMS-125
#[test]
fn an_event_stays_while_secrets_are_told_of_by_it() {
    let here = Secrets::new();
    let (csms, root) = (&here.csms, &here.root);
    let created = kinds(&["SECRET_VERSION_CREATED"]).unwrap();
    csms.create_event(root, "ops", created, true, target()).unwrap();
    let given = value("one");
    let secret = NewSecret { event: Some("ops"), ..new("db", &given) };
    assert_eq!(csms.create_secret(root, secret).unwrap().event.as_deref(), Some("ops"));
    here.make("other", "two").unwrap();
    let told = csms.list_secrets(root, Some("ops"), &Page::default()).unwrap().items;
    assert_eq!(told.iter().map(|secret| secret.name.as_str()).collect::<Vec<_>>(), ["db"]);
    let refused = csms.delete_event(root, "ops").unwrap_err();
    assert!(refused.to_string().contains("db"), "{refused}");
    let changed = EventChange {
        kinds: Some(kinds(&["SECRET_DELETED"]).unwrap()),
        enabled: Some(false),
        ..EventChange::default()
    };
    let changed = csms.update_event(root, "ops", changed).unwrap();
    assert!(!changed.enabled && changed.kinds.contains(&EventKind::Deleted) && changed.kinds.len() == 1);
    assert_eq!(changed.target, target());
    let none = SecretChange { event: Some("none"), ..SecretChange::default() };
    assert_eq!(code(csms.update_secret(root, "db", none)), "CSMS.0005");
    let without = SecretChange { event: Some(""), ..SecretChange::default() };
    assert_eq!(csms.update_secret(root, "db", without).unwrap().event, None);
    csms.delete_event(root, "ops").unwrap();
    assert_eq!(code(csms.show_event(root, "ops")), "CSMS.0005");
    assert_eq!(code(csms.update_event(root, "ops", EventChange::default())), "CSMS.0005");
}
