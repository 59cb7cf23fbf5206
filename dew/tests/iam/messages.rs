//! Messages: written with what causes them, tried for a while, and kept for a while.

use std::sync::Arc;

use dew::iam::{Iam, ProjectId};
use dew::message::{Aim, Draft, Event, Filter, Limits, Messages, NewTarget, Outcome, State, To};
use hsm::event::Actor;
use hsm::service::{Deed, Kind, Write};

use super::world::World;

const HOUR: u64 = 3600;
const LIMITS: Limits = Limits { keep: 3, keep_for: 10 * 24 * HOUR * 1000, try_for: HOUR * 1000 };
const IDLE: &dyn Fn(&str) -> bool = &|_| false;
const ROOM: &dyn Fn(ProjectId) -> usize = &|_| 9;

fn messages(world: &World) -> Messages {
    let hsm = world.iam.hsm();
    let iam = Arc::new(Iam::open(Arc::clone(hsm)).unwrap());
    Messages::open(Arc::clone(hsm), iam, LIMITS, Box::new(|| {})).unwrap()
}

fn event(project: ProjectId, to: To, subject: &str) -> Event<'_> {
    Event {
        project,
        source: "csms",
        name: "watch",
        kind: "SECRET_ROTATED",
        subject,
        fields: Vec::new(),
        to,
        title: "a\r\nBcc: eve@example.org",
        content: "{\"number\": 123456}".to_owned(),
        secret: false,
        lasts: None,
    }
}

fn deed() -> Deed<'static> {
    Deed { by: Actor::DAEMON, action: "tell", details: &[] }
}

fn mail() -> To {
    To::Mail("ann@example.org".into())
}

fn again() -> Outcome {
    Outcome::Again { why: "nobody\r\nis there".into(), sent: 1, of_message: false }
}

#[test]
fn a_message_is_there_with_what_causes_it_or_not_at_all() {
    let world = World::new();
    let project = world.account("acme").account.project;
    let of_another = || Write { kind: Kind::CtsTracker, number: 9, was: None, value: Some(vec![1]) };
    let hsm = Arc::clone(world.iam.hsm());
    let kept = messages(&world);
    let Draft { write, pending } = kept.draft(event(project, mail(), "s")).unwrap();
    let version = hsm.service_commit(vec![of_another(), write], &[], &[deed()]).unwrap();
    assert!(kept.due(IDLE, ROOM, 9).unwrap().0.is_empty(), "nobody has said yet that it is there");
    kept.committed(&pending, version);
    assert_eq!(kept.due(IDLE, ROOM, 9).unwrap().0.len(), 1);
    // The record is there already, so that the commit fails.
    let Draft { write, .. } = kept.draft(event(project, mail(), "s")).unwrap();
    assert!(hsm.service_commit(vec![of_another(), write], &[], &[deed()]).is_err());
    // One whose writer is gone before it can say so.
    let Draft { write, .. } = kept.draft(event(project, mail(), "t")).unwrap();
    hsm.service_commit(vec![write], &[], &[deed()]).unwrap();
    drop((kept, hsm));
    let world = world.again();
    let kept = messages(&world);
    let list = kept.list(project, &Filter::default(), None, 9).unwrap();
    let subjects: Vec<_> = list.iter().map(|(_, message)| message.subject.as_str()).collect();
    assert_eq!(subjects, ["t", "s"]);
    assert_eq!(list[0].1.title, "a  Bcc: eve@example.org");
}

#[test]
fn a_message_is_tried_again_and_later_and_given_up_after_a_while() {
    let world = World::new();
    let project = world.account("acme").account.project;
    let kept = messages(&world);
    let number = kept.send(deed(), event(project, mail(), "s")).unwrap();
    let (mut tries, mut waited) = (0, 0);
    world.records();
    while waited < HOUR {
        let (jobs, next) = kept.due(IDLE, ROOM, 9).unwrap();
        match jobs.into_iter().next() {
            Some(job) => {
                tries += 1;
                kept.settle(job, again()).unwrap();
            }
            None => {
                let wait = next.unwrap().saturating_sub(kept.now()).div_ceil(1000);
                assert!(wait <= 20 * 60, "{wait}");
                world.wait(wait);
                waited += wait;
            }
        }
        assert!(tries < 30, "it is tried all the time");
        if kept.message(number).unwrap().unwrap().state.is_final() {
            break;
        }
    }
    kept.tidy(IDLE).unwrap();
    let message = kept.message(number).unwrap().unwrap();
    assert!(
        matches!(&message.state, State::Failed(_, why) if why == "nobody  is there"),
        "{:?}",
        message.state
    );
    assert!(tries > 5 && message.tries == tries && message.sent == 1);
    let given_up = world.records().into_iter().find(|(action, _)| action == "give up a message").unwrap();
    assert!(given_up.1.contains(&("to".to_owned(), "ann@example.org".to_owned())));
}

#[test]
fn what_became_of_messages_is_kept_for_a_while_and_not_without_end() {
    let world = World::new();
    let project = world.account("acme").account.project;
    let kept = messages(&world);
    for subject in ["1", "2", "3", "4"] {
        let secret = Event { secret: true, ..event(project, mail(), subject) };
        kept.send(deed(), secret).unwrap();
        let job = kept.due(IDLE, ROOM, 9).unwrap().0.remove(0);
        assert!(matches!(kept.settle(job, Outcome::Delivered).unwrap(), State::Delivered(_)));
    }
    kept.send(deed(), event(project, mail(), "5")).unwrap();
    assert_eq!(kept.tidy(IDLE).unwrap().forgotten, 2);
    let subjects = |filter: &Filter<'_>, before| -> Vec<_> {
        let list = kept.list(project, filter, before, 2).unwrap();
        list.into_iter().map(|(number, message)| (number, message.subject)).collect()
    };
    let page = subjects(&Filter::default(), None);
    assert_eq!(page, [(5, "5".to_owned()), (4, "4".to_owned())]);
    assert_eq!(subjects(&Filter::default(), Some(4)), [(3, "3".to_owned())]);
    assert_eq!(subjects(&Filter { subject: Some("3"), ..Filter::default() }, None).len(), 1);
    assert!(subjects(&Filter { source: Some("cts"), ..Filter::default() }, None).is_empty());
    let now = kept.now();
    assert!(subjects(&Filter { created: Some(0..=now - 1), ..Filter::default() }, None).is_empty());
    assert_eq!(kept.message(4).unwrap().unwrap().content, "", "a secret that was delivered is gone");
    world.wait(11 * 24 * HOUR);
    kept.tidy(IDLE).unwrap();
    assert!(kept.list(project, &Filter::default(), None, 9).unwrap().is_empty());
}

#[test]
fn a_topic_is_its_projects_alone_and_what_names_another_goes_nowhere() {
    let world = World::new();
    let (ours, theirs) = (world.account("acme").account.project, world.account("evil").account.project);
    let kept = messages(&world);
    let hook = || NewTarget::Webhook("https://example.org/".into());
    let topic = kept.create_topic(Actor::DAEMON, ours, "alerts", hook()).unwrap();
    assert!(kept.create_topic(Actor::DAEMON, ours, "alerts", hook()).is_err(), "the name is taken");
    kept.create_topic(Actor::DAEMON, theirs, "alerts", hook()).unwrap();
    assert!(kept.create_topic(Actor::DAEMON, ours, "a\r\nb", hook()).is_err());
    assert!(kept.topic(ours, "alerts").is_some() && kept.topic(ours, &topic.urn()).is_some());
    assert!(kept.topic(theirs, &topic.urn()).is_none(), "another project's URN");
    let aim = |kept: &Messages, to: &str| {
        kept.send(deed(), event(ours, To::Topic(to.to_owned()), to)).unwrap();
        let job = kept.due(IDLE, ROOM, 9).unwrap().0.remove(0);
        let nowhere = matches!(job.aim, Aim::Nowhere);
        kept.settle(job, Outcome::Never("x".into())).unwrap();
        nowhere
    };
    assert!(!aim(&kept, &topic.urn()));
    let elsewhere = topic.urn().replace("home-1", "home-2");
    assert!(aim(&kept, &elsewhere) && aim(&kept, "alerts") && aim(&kept, "urn:smn:::"));
    kept.delete_topic(Actor::DAEMON, ours, "alerts").unwrap();
    drop(kept);
    let world = world.again();
    let kept = messages(&world);
    assert!(aim(&kept, &topic.urn()) && kept.topics(theirs).len() == 1);
}
