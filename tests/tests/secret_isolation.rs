//! Tenants do not see each other's secrets: each operation of CSMS, tried by one account on what is another's, answers as for
//! what does not exist. The table has every operation that names something, by the vendor's list.

use serde_json::{Value, json};
use tests::{Hsm, Reply, Rest, not_on_stand_in};

/// An operation: its method, its path and its body. `MINE`, `ID`, `EVENT` and `USER` stand for what somebody has.
type Row = (&'static str, &'static str, &'static str);

/// The operations of the interface: name, method and path.
const CATALOGUE: &str = include_str!("../../hsmd/src/rest/huawei/csms/catalogue.txt");

/// Those that name nothing that somebody has, that which makes something of a backup, and that which shows a user, whose
/// path has no project (`python/csms/secret_agencies.py` tries it on another account's).
const NAME_NOTHING: [&str; 20] = [
    "BatchImportSecrets",
    "CheckSecrets",
    "CreateAgency",
    "CreateSecret",
    "CreateSecretEvent",
    "GenerateRandomPassword",
    "ListNotificationRecords",
    "ListProjectSecretsTags",
    "ListResourceInstances",
    "ListSecretEvents",
    "ListSecretTask",
    "ListSecrets",
    "ListUsers",
    "ShowAgency",
    "ShowSecretFunctionTemplates",
    "ShowSecretsConfig",
    "ShowUserDetail",
    "UpdateSecretsConfig",
    "UpdateUserPassword",
    "UploadSecretBlob",
];

const OF_SOMEBODYS: &[Row] = &[
    ("GET", "secrets/MINE", ""),
    ("PUT", "secrets/MINE", r#"{"description":"changed"}"#),
    ("POST", "secrets/MINE/versions", r#"{"secret_string":"changed"}"#),
    ("GET", "secrets/MINE/versions", ""),
    ("GET", "secrets/MINE/versions/v1", ""),
    ("GET", "secrets/MINE/versions/SYSCURRENT", ""),
    ("PUT", "secrets/MINE/versions/v1", r#"{"expire_time":4102444800000}"#),
    ("POST", "secrets/MINE/stages", r#"{"name":"green","version_id":"v1"}"#),
    ("PUT", "secrets/MINE/stages/blue", r#"{"version_id":"v1"}"#),
    ("GET", "secrets/MINE/stages/SYSCURRENT", ""),
    ("DELETE", "secrets/MINE/stages/blue", ""),
    ("POST", "secrets/MINE/scheduled-deleted-tasks/create", r#"{"recovery_window_in_days":7}"#),
    ("POST", "secrets/MINE/scheduled-deleted-tasks/cancel", ""),
    ("POST", "secrets/MINE/backup", ""),
    ("POST", "secrets/MINE/rotate", ""),
    ("POST", "csms/ID/tags", r#"{"tag":{"key":"a","value":"b"}}"#),
    ("POST", "csms/ID/tags/action", r#"{"action":"create","tags":[{"key":"a","value":"b"}]}"#),
    ("POST", "csms/ID/tags/action", r#"{"action":"delete","tags":[{"key":"a"}]}"#),
    ("GET", "csms/ID/tags", ""),
    ("DELETE", "csms/ID/tags/a", ""),
    (
        "POST",
        "csms/grants",
        r#"{"resource_id":"ID","type":"SECRET","grantee_type":"0","grantee_target_id":"USER"}"#,
    ),
    (
        "PUT",
        "csms/grants?resource_id=ID",
        r#"{"resource_id":"ID","type":"SECRET","grantee_type":"0","grantee_target_id":"USER"}"#,
    ),
    ("GET", "csms/grants?resource_id=ID", ""),
    ("DELETE", "csms/grants?resource_id=ID&grantee_user=USER", ""),
    ("GET", "csms/events/EVENT", ""),
    ("PUT", "csms/events/EVENT", r#"{"state":"DISABLED"}"#),
    ("DELETE", "csms/events/EVENT", ""),
    ("DELETE", "secrets/MINE", ""),
];

const NAMES: [&str; 4] = ["MINE", "ID", "EVENT", "USER"];

/// One who uses the services, and what they have: in the order of [`NAMES`].
struct Tenant {
    rest: Rest,
    has: [String; 4],
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

impl Tenant {
    fn new(hsm: &Hsm, name: &str) -> Self {
        let admin = std::path::Path::new(hsm.module()).with_file_name("hsm-admin");
        let made = hsm.run(admin, ["account", "create", name, "--json"]).succeeds().out();
        let user: Value = serde_json::from_str(&made).expect("JSON");
        let rest = Rest::of(hsm).used_by(&made);
        let has = [format!("of-{name}"), String::new(), format!("event-of-{name}"), text(&user["user_id"])];
        let mut tenant = Self { rest, has };
        let secret = json!({ "name": tenant.has[0], "secret_string": "a value" });
        let made = tenant.send("POST", "secrets", &secret.to_string()).done();
        tenant.has[1] = text(&made["secret"]["id"]);
        let event = json!({
            "name": tenant.has[2], "event_types": ["SECRET_DELETED"], "state": "ENABLED",
            "notification": { "target_type": "SMN", "target_id": "urn:smn:local-1:0:ops", "target_name": "ops" },
        });
        tenant.send("POST", "csms/events", &event.to_string()).done();
        tenant
    }

    fn send(&self, method: &str, path: &str, body: &str) -> Reply {
        let target = format!("/v1/{}/{path}", self.rest.project);
        self.rest.send(&self.rest.signed(method, &target, body.as_bytes())).expect("an answer")
    }

    /// Asks for an operation on what somebody has.
    fn asks(&self, (method, path, body): Row, has: &[String; 4]) -> Reply {
        let put = |text: &str| {
            NAMES.iter().zip(has).fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
        };
        self.send(method, &put(path), &put(body))
    }
}

/// What a refusal says, with what was asked for taken out of it.
fn said(reply: &Reply, has: &[String; 4]) -> (u16, String) {
    let mut json = reply.json();
    json.as_object_mut().expect("an object").remove("request_id");
    let text = has
        .iter()
        .filter(|word| !word.is_empty())
        .fold(json.to_string(), |text, word| text.replace(word, "…"));
    (reply.status, text)
}

/// Names and ids of nothing; the user is there.
fn nothing(has: &[String; 4]) -> [String; 4] {
    let last = if has[1].ends_with('0') { "1" } else { "0" };
    let id = format!("{}{last}", &has[1][..has[1].len() - 1]);
    ["of-nobody".into(), id, "event-of-nobody".into(), has[3].clone()]
}

#[test]
fn what_is_anothers_is_answered_as_what_does_not_exist_and_stays_as_it_was() {
    let hsm = Hsm::start();
    not_on_stand_in!(hsm, "it has no CSMS");
    let (owner, stranger) = (Tenant::new(&hsm, "owner"), Tenant::new(&hsm, "stranger"));
    let about = || {
        let looks = OF_SOMEBODYS.iter().filter(|(method, ..)| *method == "GET");
        looks.map(|&row| owner.asks(row, &owner.has).done()).collect::<Vec<_>>()
    };
    let before = about();
    let none = nothing(&owner.has);
    for &row in OF_SOMEBODYS {
        let theirs = stranger.asks(row, &owner.has);
        let refusal = said(&theirs, &owner.has);
        assert!(
            (400..500).contains(&theirs.status) && theirs.code().starts_with("CSMS."),
            "{row:?}: {refusal:?}"
        );
        assert_eq!(
            refusal,
            said(&stranger.asks(row, &none), &none),
            "{row:?}: one can tell that it is there"
        );
        assert_eq!(about(), before, "{row:?} changed what is another's");
    }
    // In the owner's own project the stranger is told the same of everything: it is not theirs.
    let mut trespasser = stranger.rest.clone();
    trespasser.project.clone_from(&owner.rest.project);
    let trespasser = Tenant { rest: trespasser, has: stranger.has.clone() };
    for &row in OF_SOMEBODYS {
        let reply = trespasser.asks(row, &owner.has);
        assert_eq!((reply.status, &*reply.code()), (403, "CSMS.0302"), "{row:?}");
        assert_eq!(said(&reply, &owner.has), said(&trespasser.asks(row, &none), &none), "{row:?}");
    }
    assert_eq!(about(), before);
    // The table is right: the owner finds all of it.
    for &row in OF_SOMEBODYS {
        let reply = owner.asks(row, &owner.has);
        let missing = reply.status >= 400 && ["CSMS.0106", "CSMS.0302"].contains(&&*reply.code());
        assert!(!missing, "{row:?} does not find what is the owner's own");
    }
}

#[test]
fn the_table_has_each_operation_that_names_something() {
    let is_at = |place: &str, path: &str| {
        let (place, path): (Vec<_>, Vec<_>) = (place.split('/').collect(), path.split('/').collect());
        let same = |(place, path): (&&str, &&str)| place.starts_with('{') || place == path;
        place.len() == path.len() && place.iter().zip(&path).all(same)
    };
    for line in CATALOGUE.lines().filter(|line| !line.starts_with(['#', '-'])) {
        let words: Vec<_> = line.split_whitespace().collect();
        let [name, method, place] = words[..] else { panic!("{line}") };
        let rows = OF_SOMEBODYS.iter().filter(|(other, path, _)| {
            let path = format!("/v1/{{project_id}}/{}", path.split('?').next().expect("a path"));
            *other == method && is_at(place, &path)
        });
        assert_eq!(rows.count() == 0, NAME_NOTHING.contains(&name), "{name}");
    }
}
