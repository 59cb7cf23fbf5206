//! Tests of notifications.

use super::*;
use crate::cts::{Kind, Rating, User};
use crate::iam::EnterpriseProjectId;

fn trace() -> Trace {
    Trace {
        request_id: String::new(),
        name: "createKey".into(),
        operation: "CreateKey".into(),
        rating: Rating::Normal,
        kind: Kind::ApiCall,
        time: 10,
        request: String::new(),
        response: String::new(),
        code: 200,
        api_version: "v1.0".into(),
        message: String::new(),
        user: User { name: "ann".into(), ..User::default() },
        service: "KMS".into(),
        resource_type: "CMK".into(),
        resource_id: "1".into(),
        resource_name: "one".into(),
        source_ip: String::new(),
        project: ProjectId([7; 16]),
        enterprise_project: EnterpriseProjectId::DEFAULT,
        count: 1,
    }
}

fn notification(change: impl FnOnce(&mut Notification)) -> Notification {
    let operations =
        Operations { service: "KMS".into(), resource: "CMK".into(), names: vec!["createKey".into()] };
    let terms = Terms {
        name: "n".into(),
        complete: false,
        operations: vec![operations],
        users: vec![("admin".into(), vec!["ann".into()])],
        topic: Some("alerts".into()),
        agency: String::new(),
        rules: None,
        enabled: true,
    };
    let (project, account) = (ProjectId([7; 16]), AccountId([8; 16]));
    let mut made = Notification { id: Uuid([1; 16]), project, account, created: 0, since: 10, terms };
    change(&mut made);
    made
}

#[test]
fn a_notification_takes_what_it_names_of_its_project_from_its_time_on() {
    assert!(notification(|_| {}).takes(&trace()));
    let others: [fn(&mut Notification); 8] = [
        |one| one.project = ProjectId([9; 16]),
        |one| one.since = 11,
        |one| one.terms.enabled = false,
        |one| one.terms.topic = None,
        |one| one.terms.operations[0].service = "CSMS".into(),
        |one| one.terms.operations[0].resource = "KeyStore".into(),
        |one| one.terms.operations[0].names = vec!["deleteKey".into()],
        |one| one.terms.users[0].1 = vec!["bob".into()],
    ];
    for (number, change) in others.into_iter().enumerate() {
        assert!(!notification(change).takes(&trace()), "{number}");
    }
    let all = |one: &mut Notification| {
        (one.terms.complete, one.terms.operations, one.terms.users) = (true, Vec::new(), Vec::new());
    };
    assert!(notification(all).takes(&trace()));
}

#[test]
fn rules_hold_all_or_one_and_come_back_as_text() {
    let parse = |on, condition: &str, rules: &[&str]| {
        Rules::parse(on, condition, &rules.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    let (holds, fails) = ("code = 200", "resource_name != one");
    for (condition, rules, fits) in [
        ("AND", vec![holds], true),
        ("AND", vec![holds, fails], false),
        ("OR", vec![holds, fails], true),
        ("OR", vec![fails], false),
        (
            "AND",
            vec!["trace_rating = normal", "trace_type = ApiCall", "api_version=v1.0", "resource_id=1"],
            true,
        ),
    ] {
        let parsed = parse(true, condition, &rules).unwrap();
        assert_eq!(parsed.fit(&trace()), fits, "{condition} {rules:?}");
        let texts: Vec<_> = parsed.texts().collect();
        let again = Rules::parse(true, condition, &texts).unwrap();
        assert_eq!(again, parsed);
    }
    assert!(parse(false, "AND", &[fails]).unwrap().fit(&trace()), "they are off");
    let long = format!("code = {}", "1".repeat(257));
    for bad in [&["size = 1"][..], &["code"], &["code ="], &[long.as_str()], &[holds; 7]] {
        assert!(parse(true, "AND", bad).is_err() && parse(false, "AND", bad).is_err(), "{bad:?}");
    }
    assert!(parse(true, "AND", &[]).is_err() && parse(true, "XOR", &[holds]).is_err());
}
