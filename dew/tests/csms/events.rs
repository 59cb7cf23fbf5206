//! Events.

use dew::csms::{EventChange, EventKind, NewSecret, Page, SecretChange, Target};
use dew::message::{Aim, NewTarget};
use hsm::event::Actor;

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

/// What was told, the oldest first: of which kind, of which secret and version.
fn told(here: &Secrets) -> Vec<(String, String, String)> {
    let mut all = here.csms.notifications(&here.root, &Page::default()).unwrap().items;
    all.reverse();
    let one = |one: &dew::csms::Notified| {
        let content: serde_json::Value = serde_json::from_str(one.content()).unwrap();
        assert_eq!(
            (content["event_type"].as_str(), content["secret_name"].as_str()),
            (Some(one.kind()), Some(one.secret().0))
        );
        let version = content["version_id"].as_str().unwrap().to_owned();
        (one.kind().to_owned(), one.secret().0.to_owned(), version)
    };
    all.iter().map(one).collect()
}

/// Requirement: CSMS-092, CSMS-107, CSMS-108, CSMS-110, CSMS-112, CSMS-114, CSMS-122, CSMS-123, CSMS-126
#[test]
fn what_happens_to_a_secret_is_told_once_and_while_its_event_is_enabled() {
    let here = Secrets::new();
    let (csms, root) = (&here.csms, &here.root);
    csms.create_event(root, "ops", kinds(&EventKind::ALL.map(EventKind::name)).unwrap(), true, target())
        .unwrap();
    let given = value("one");
    csms.create_secret(root, NewSecret { event: Some("ops"), ..new("db", &given) }).unwrap();
    here.make("quiet", "x").unwrap();
    here.put("db", "two").unwrap();
    here.put("quiet", "y").unwrap();
    csms.expire_version(root, "db", "v1", csms.now() + 1000).unwrap();
    here.world.pass(1000);
    assert_eq!(here.run_due(), 1);
    let switched = |on| EventChange { enabled: Some(on), ..EventChange::default() };
    csms.update_event(root, "ops", switched(false)).unwrap();
    here.put("db", "three").unwrap();
    csms.update_event(root, "ops", switched(true)).unwrap();
    csms.schedule_secret_deletion(root, "db", 7).unwrap();
    here.world.pass_days(7);
    let here = here.again();
    assert_eq!(here.run_due(), 1);
    let here = here.again();
    assert_eq!(here.run_due(), 0);
    let expected = [
        ("SECRET_VERSION_CREATED", "v1"),
        ("SECRET_VERSION_CREATED", "v2"),
        ("SECRET_VERSION_EXPIRED", "v1"),
        ("SECRET_DELETED", "v3"),
    ];
    let expected = expected.map(|(kind, version)| (kind.to_owned(), "db".to_owned(), version.to_owned()));
    assert_eq!(told(&here), expected);
    let page = here.csms.notifications(&here.root, &Page { limit: Some("3"), marker: None }).unwrap();
    let rest = Page { limit: Some("3"), marker: page.next.as_deref() };
    let rest = here.csms.notifications(&here.root, &rest).unwrap();
    assert_eq!((page.items.len(), rest.items.len(), rest.next), (3, 1, None));
    // What could not be kept is not told either.
    here.csms.create_secret(&here.root, NewSecret { event: Some("ops"), ..new("db", &given) }).unwrap();
    here.world.fail_after(0);
    assert!(here.put("db", "two").is_err());
    let here = here.again();
    assert_eq!(told(&here).len(), 5);
}

#[test]
fn what_an_event_does_not_name_is_not_told_and_a_topic_of_another_project_is_not_reached() {
    let here = Secrets::new();
    let (csms, root) = (&here.csms, &here.root);
    let other = here.world.root(&here.world.account("other"));
    let hook = || NewTarget::Webhook("https://example.org/".into());
    let topic = here.messages.create_topic(Actor::DAEMON, other.project.unwrap(), "theirs", hook()).unwrap();
    here.messages.create_topic(Actor::DAEMON, root.project.unwrap(), "ours", hook()).unwrap();
    let of = |id: String| Target { name: "x".into(), id };
    let deleted = || kinds(&["SECRET_DELETED"]).unwrap();
    csms.create_event(root, "foreign", deleted(), true, of(topic.urn())).unwrap();
    csms.create_event(root, "own", deleted(), true, of("ours".into())).unwrap();
    let given = value("one");
    for event in ["foreign", "own"] {
        csms.create_secret(root, NewSecret { event: Some(event), ..new(event, &given) }).unwrap();
        here.put(event, "two").unwrap();
    }
    assert!(told(&here).is_empty(), "a version was told of");
    csms.delete_secret(root, "foreign").unwrap();
    csms.delete_secret(root, "own").unwrap();
    let (jobs, _) = here.messages.due(&|_| false, &|_| 9, 9).unwrap();
    let aims: Vec<_> =
        jobs.iter().map(|job| (job.message.name.as_str(), matches!(job.aim, Aim::Webhook { .. }))).collect();
    assert_eq!(aims, [("foreign", false), ("own", true)]);
}
