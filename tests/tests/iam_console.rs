//! Users, groups, access keys and policies of an account from the console of a daemon alone, and what those users can then
//! do over the wire, by their own keys and with the official SDK.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use serde_json::{Value, json};
use tests::{Hsm, Rest, Run, Staff, authenticator, huawei_cloud_python, needs, not_on_stand_in};
use wire::admin::iam::Ask as Iam;
use wire::admin::{Ask, Told};

#[path = "iam_console/accounts.rs"]
mod accounts;
#[path = "iam_console/build.rs"]
mod build;
#[path = "iam_console/console.rs"]
mod console;
#[path = "iam_console/shown.rs"]
mod shown;
#[path = "iam_console/wrong.rs"]
mod wrong;

use console::{Console, READ_KEYS, list_and_create};

/// What the official SDK is let do by the user's key in the file that `ak create --out` wrote.
const SDK: &str = r#"
import json, os, sys
from huaweicloudsdkcore.auth.credentials import BasicCredentials, GlobalCredentials
from huaweicloudsdkcore.exceptions.exceptions import ServiceResponseException
from huaweicloudsdkcore.http.http_config import HttpConfig
from huaweicloudsdkiam import v3 as iam
from huaweicloudsdkiam.v3 import IamClient
from huaweicloudsdkkms import v2 as kms
from huaweicloudsdkkms.v2 import KmsClient

key = json.load(open(sys.argv[1]))
config = HttpConfig.get_default_config()
config.ssl_ca_cert = os.environ["CA_FILE"]

def client(service, credentials):
    builder = service.new_builder().with_http_config(config).with_credentials(credentials)
    return builder.with_endpoint(os.environ["ENDPOINT"]).build()

half = key["access_key"], key["secret_key"]
keys = client(KmsClient, BasicCredentials(*half, key["project_id"]))
directory = client(IamClient, GlobalCredentials(*half, key["domain_id"]))
assert keys.list_keys(kms.ListKeysRequest(body=kms.ListKeysRequestBody())).keys is not None
try:
    keys.create_key(kms.CreateKeyRequest(body=kms.CreateKeyRequestBody(key_alias="no")))
    raise AssertionError("it may make keys")
except ServiceResponseException as error:
    assert error.status_code == 403, error
try:
    directory.keystone_list_users(iam.KeystoneListUsersRequest())
    raise AssertionError("it may list users")
except ServiceResponseException as error:
    assert error.status_code == 403, error
print("sdk: ok")
"#;

/// Requirement: IAM-001, IAM-002, IAM-076, IAM-083
#[test]
fn a_user_made_at_the_console_may_do_what_it_is_given_there_and_nothing_else() {
    let console = Console::new();
    let _daemon = console.place.start();
    let root = console.account("acme");
    console.run(&["user", "create", "acme/ann"]).succeeds().says("It may do nothing yet").done();
    let ann = console.key(&root, "acme/ann");
    assert_eq!(list_and_create(&ann), [403, 403], "a new user has no permission");

    console.write("read.json", READ_KEYS);
    console.done(&["policy", "create", "acme/read keys", "read.json", "--description", "reads"]);
    console.done(&["group", "create", "acme/readers"]);
    console.done(&["group", "add", "acme/readers", "ann"]);
    assert_eq!(list_and_create(&ann), [403, 403]);
    let attach = |act, place: &[&str]| {
        console.run(&[&["policy", act, "acme/read keys", "--group", "readers"], place].concat())
    };
    let project = ["--project", "local-1"];
    attach("attach", &project).succeeds().says("in project local-1").done();
    assert_eq!(list_and_create(&ann), [200, 403], "what is given to a group reaches its users");
    attach("attach", &project).succeeds().done();
    attach("detach", &project).succeeds().says("no more").done();
    assert_eq!(list_and_create(&ann), [403, 403]);
    attach("detach", &project).fails_with(1).says("there is no such assignment").done();
    for place in [&["--all-projects"][..], &["--enterprise-project", "default"]] {
        attach("attach", place).succeeds().done();
        assert_eq!(list_and_create(&ann)[1], 403, "{place:?}");
        attach("detach", place).succeeds().done();
    }
    // A policy of the system, by its name; a user itself is given one in an enterprise project.
    let full = ["policy", "attach", "acme/KMS CMKFullAccess"];
    console.done(&[&full[..], &["--group", "readers", "--all-projects"]].concat());
    assert_eq!(list_and_create(&ann), [200, 200]);
    console.done(&["group", "remove", "acme/readers", "ann"]);
    assert_eq!(list_and_create(&ann), [403, 403]);
    console.run(&[&full[..], &["--user", "ann", "--all-projects"]].concat()).fails_with(2).done();
    console.done(&[&full[..], &["--user", "ann", "--enterprise-project", "default"]].concat());
    assert_eq!(list_and_create(&ann)[1], 200);
    let shown = console.json(&["user", "show", "acme/ann"]);
    assert_eq!(shown["policies"][0]["name"], "KMS CMKFullAccess");
    // Global services have their own.
    let users = |who: &Rest| who.send(&who.signed("GET", "/v3/users", b"")).expect("an answer").status;
    console.write("users.json", &READ_KEYS.replace("kms:cmk:list\", \"kms:cmk:get", "iam:users:listUsers"));
    console.run(&["policy", "create", "acme/users", "users.json"]).fails_with(1).says("--global").done();
    console.done(&["policy", "create", "acme/users", "users.json", "--global"]);
    console.done(&["group", "add", "acme/readers", "ann"]);
    assert_eq!(users(&ann), 403);
    console.done(&["policy", "attach", "acme/users", "--group", "readers", "--global"]);
    assert_eq!(users(&ann), 200);
    // A policy that is changed is another one for all at once.
    console.done(&["policy", "update", "acme/users", "--name", "no users"]);
    console.write("deny.json", &READ_KEYS.replace("Allow", "Deny"));
    console.done(&["policy", "update", "acme/read keys", "deny.json"]);
    attach("attach", &["--all-projects"]).succeeds().done();
    assert_eq!(list_and_create(&ann), [403, 200], "what is denied is denied whatever else is allowed");
    console.run(&["policy", "delete", "acme/read keys", "--yes"]).fails_with(1).says("in use").done();
}

/// Requirement: IAM-001
#[test]
fn the_official_sdk_works_with_the_key_file_that_the_console_wrote() {
    let Some(python) = huawei_cloud_python() else { return };
    let console = Console::new();
    let _daemon = console.place.start();
    console.account("acme");
    console.write("read.json", READ_KEYS);
    for words in [
        &["user", "create", "acme/ann"][..],
        &["group", "create", "acme/readers"],
        &["group", "add", "acme/readers", "ann"],
        &["policy", "create", "acme/read", "read.json"],
        &["policy", "attach", "acme/read", "--group", "readers", "--all-projects"],
        &["ak", "create", "acme/ann", "--out", "ann.json"],
    ] {
        console.done(words);
    }
    let ca = console.place.path("rest/ca.pem");
    let mut command = Command::new(python);
    command.env("CA_FILE", ca).env("ENDPOINT", format!("https://{}", console.address));
    Run::of(command.args(["-c", SDK]).arg(console.place.path("ann.json"))).succeeds().says("sdk: ok").done();
}

#[test]
fn a_key_s_secret_is_told_once_and_a_file_of_it_is_its_owners() {
    let console = Console::new();
    let _daemon = console.place.start();
    let root = console.account("acme");
    console.done(&["user", "create", "acme/ann", "--description", "signs invoices"]);
    let told = console.run(&["ak", "create", "acme/ann", "--out", "ann.json"]).succeeds().out();
    let file = console.place.path("ann.json");
    assert_eq!(file.metadata().expect("the file").permissions().mode() & 0o777, 0o600);
    let made: Value = serde_json::from_slice(&std::fs::read(&file).expect("the file")).expect("JSON");
    let [key, secret] = ["access_key", "secret_key"].map(|name| made[name].as_str().expect(name).to_owned());
    assert!(told.contains(&key) && !told.contains(&secret), "{told}");
    // A file that is there is not written over, and no key is made for it.
    console.run(&["ak", "create", "acme/ann", "--out", "ann.json"]).fails_with(1).says("ann.json").done();
    console.run(&["ak", "create", "acme/nobody", "--out", "new.json"]).fails_with(1).done();
    assert!(!console.place.path("new.json").exists());
    assert_eq!(console.json(&["ak", "list", "acme/ann"]).as_array().map(Vec::len), Some(1));

    let ann = root.with_key(key.clone(), secret.clone());
    let own =
        || ann.send(&ann.signed("GET", "/v3.0/OS-CREDENTIAL/credentials", b"")).expect("an answer").status;
    assert_eq!(own(), 200);
    for (words, status) in [(["ak", "disable", "acme/ann"], 401), (["ak", "enable", "acme/ann"], 200)] {
        console.done(&[&words[..], &[&key]].concat());
        console.done(&[&words[..], &[&key]].concat());
        assert_eq!(own(), status, "{words:?}");
    }
    console.run(&["ak", "list", "acme/ann"]).succeeds().says("enabled").never_says(&secret).done();
    let second = console.run(&["ak", "create", "acme/ann"]).succeeds().says("not shown again").out();
    assert!(second.contains("Secret key"));
    let quota = "the quota is used up: 2 is the most access keys";
    console.run(&["ak", "create", "acme/ann", "--out", "third.json"]).fails_with(1).says(quota).done();
    assert!(!console.place.path("third.json").exists(), "no file is left of a key that was not made");
    console.run(&["ak", "delete", "acme/ann", &key]).fails_with(2).says("--yes").done();
    assert_eq!(own(), 200, "what nobody confirms is not done");
    console.done(&["ak", "delete", "acme/ann", &key, "--yes"]);
    assert_eq!(own(), 401);
    console.run(&["ak", "delete", "acme/ann", &key, "--yes"]).fails_with(1).says("has no access key").done();
}

#[test]
fn a_password_is_read_from_a_file_and_lets_its_user_in_and_none_stands_in_a_command() {
    let console = Console::new();
    let _daemon = console.place.start();
    let root = console.account("acme");
    console.write("good", "Correct-1-horse\n");
    console.write("better", "Battery-2-staple\n");
    console.write("weak", "abc\n");
    let log_in = |password: &str| {
        let user = json!({ "name": "ann", "password": password, "domain": { "name": "acme" } });
        let body =
            json!({ "auth": { "identity": { "methods": ["password"], "password": { "user": user } } } });
        let (host, body) = (root.host(), body.to_string());
        let length = body.len();
        let head =
            format!("POST /v3/auth/tokens HTTP/1.1\r\nhost: {host}\r\ncontent-length: {length}\r\n\r\n");
        let reply = root.send(format!("{head}{body}").as_bytes()).expect("an answer");
        (reply.status, String::from_utf8_lossy(&reply.body).contains("must be changed"))
    };
    console.run(&["user", "create", "acme/ann", "--password", "Correct-1-horse"]).fails_with(2).done();
    console
        .run(&["user", "create", "acme/ann", "--password-file", "weak"])
        .fails_with(1)
        .says("password")
        .done();
    console.run(&["user", "create", "acme/ann", "--must-change"]).fails_with(2).done();
    console.done(&["user", "create", "acme/ann", "--password-file", "good"]);
    assert_eq!(log_in("Correct-1-horse"), (201, false));
    console.run(&["user", "password", "acme/ann"]).fails_with(2).says("--password-file").done();
    console
        .run(&["user", "password", "acme/ann", "--password-file", "none"])
        .fails_with(1)
        .says("none")
        .done();
    console.run(&["user", "password", "acme/ann", "--password-file", "weak"]).fails_with(1).done();
    assert_eq!(log_in("Correct-1-horse"), (201, false), "what was refused changed nothing");
    console.done(&["user", "password", "acme/ann", "--password-file", "better"]);
    assert_eq!([log_in("Correct-1-horse").0, log_in("Battery-2-staple").0], [401, 201]);
    // The same again is none of the last ones.
    let same = console.run(&["user", "password", "acme/ann", "--password-file", "better"]).fails_with(1);
    same.says("none of the last").done();
    console.write("third", "Saddle-3-stirrup\n");
    console.done(&["user", "password", "acme/ann", "--password-file", "third", "--must-change"]);
    assert_eq!(log_in("Saddle-3-stirrup"), (401, true));
    console.run(&["user", "show", "acme/ann"]).succeeds().says("to be changed at the next log-in").done();
    for record in console.place.verified() {
        let told = format!("{record:?}");
        assert!(["horse", "staple", "stirrup"].iter().all(|word| !told.contains(word)), "{told}");
    }
}

#[test]
fn a_user_that_is_disabled_or_deleted_does_nothing_any_more() {
    let console = Console::new();
    let _daemon = console.place.start();
    let root = console.account("acme");
    console.done(&["user", "create", "acme/ann", "--disabled"]);
    let ann = console.key(&root, "acme/ann");
    let own =
        || ann.send(&ann.signed("GET", "/v3.0/OS-CREDENTIAL/credentials", b"")).expect("an answer").status;
    assert_eq!(own(), 401);
    for (act, status) in [("enable", 200), ("disable", 401), ("disable", 401), ("enable", 200)] {
        console.done(&["user", act, "acme/ann"]);
        assert_eq!(own(), status, "{act}");
    }
    console.run(&["user", "disable", "acme/acme"]).fails_with(1).says("the root user").done();
    console.run(&["user", "delete", "acme/acme", "--yes"]).fails_with(1).says("the root user").done();
    console.run(&["user", "delete", "acme/ann"]).fails_with(2).says("--yes").done();
    assert_eq!(own(), 200);
    console.done(&["user", "delete", "acme/ann", "--yes"]);
    assert_eq!(own(), 401);
    console.run(&["user", "delete", "acme/ann", "--yes"]).fails_with(1).says("no user \"ann\"").done();
    // Its name is free again.
    console.done(&["user", "create", "acme/ann"]);
    assert_eq!(own(), 401);
}

#[test]
fn an_agency_shows_whom_it_trusts_and_what_it_may() {
    let console = Console::new();
    let _daemon = console.place.start();
    let root = console.account("acme");
    console.account("other");
    let domain = console.json(&["account", "show", "acme"])["id"].clone();
    let agency = json!({ "agency": { "name": "auditors", "domain_id": domain, "trust_domain_name": "other",
        "duration": "FOREVER" } });
    let made = root.signed("POST", "/v3.0/OS-AGENCY/agencies", agency.to_string().as_bytes());
    root.send(&made).expect("an answer").done();
    console.run(&["agency", "list", "acme"]).succeeds().says("auditors").says("other").says("never").done();
    let shown = console.json(&["agency", "show", "acme/auditors"]);
    assert_eq!((&shown["trust_domain_name"], &shown["policies"]), (&json!("other"), &json!([])));
    console.run(&["agency", "show", "acme/auditors"]).succeeds().says("It is given no policies").done();
}

#[test]
fn each_act_is_recorded_with_who_gave_it_and_no_look_is() {
    let console = Console::new();
    let _daemon = console.place.start();
    console.account("acme");
    let count = || console.place.verified().len();
    let before = count();
    for words in [
        &["user", "list", "--account", "acme"][..],
        &["account", "show", "acme"],
        &["policy", "list", "acme"],
        &["ak", "list", "acme/acme"],
        &["user", "show", "acme/acme"],
    ] {
        console.done(words);
    }
    assert_eq!(count(), before);
    console.done(&["user", "create", "acme/ann"]);
    console.run(&["user", "create", "acme/ann"]).fails_with(1).done();
    console.done(&["ak", "create", "acme/ann"]);
    console.done(&["user", "delete", "acme/ann", "--yes"]);
    let records = console.place.verified();
    let of = |action: &str| records.iter().filter(|record| record.action.as_str() == action).count();
    // The console's own record, also of what was refused, and the directory's of what was done.
    assert_eq!([of("iam change"), of("iam credential"), of("iam delete")], [2, 1, 1]);
    assert_eq!([of("create a user"), of("create an access key"), of("delete a user")], [1, 1, 1]);
    let detail = |name: &str| {
        let change = records.iter().find(|record| record.action.as_str() == "iam change").expect("it");
        let found = change.details.iter().find(|(one, _)| one.as_str() == name);
        found.map(|(_, value)| value.as_str().to_owned()).unwrap_or_default()
    };
    assert_eq!(detail("operation"), "CreateUser");
    assert!(detail("fields").contains("\"ann\""), "{}", detail("fields"));
}

/// Requirement: IAM-091
#[test]
fn with_operation_protection_on_credentials_and_deletions_take_a_code() {
    needs!("python3");
    let console = Console::new();
    let _daemon = console.place.start();
    let root = console.account("acme");
    console.done(&["user", "create", "acme/ann"]);
    console.write("good", "Correct-1-horse\n");
    let seed = console.json(&["account", "mfa", "create", "acme"])["secret"].as_str().expect("it").to_owned();
    let codes = authenticator(&seed);
    console.done(&["account", "mfa", "bind", "acme", &codes[0], &codes[1]]);
    console.done(&["account", "protect", "acme", "on"]);
    for words in [
        &["ak", "create", "acme/ann"][..],
        &["user", "password", "acme/ann", "--password-file", "good"],
        &["user", "create", "acme/bob", "--password-file", "good"],
        &["user", "delete", "acme/ann", "--yes"],
    ] {
        console.run(words).fails_with(2).says("--code").done();
        let wrong = [words, &["--code", &codes[1]]].concat();
        console.run(&wrong).fails_with(1).says("used before").done();
    }
    assert_eq!(console.json(&["ak", "list", "acme/ann"]), json!([]));
    // What can be taken back needs none, and programs are decided on by policies.
    console.done(&["user", "disable", "acme/ann"]);
    console.done(&["group", "create", "acme/readers"]);
    let ann = console.json(&["user", "show", "acme/ann"])["id"].clone();
    let key = json!({ "credential": { "user_id": ann } }).to_string();
    let made = root.send(&root.signed("POST", "/v3.0/OS-CREDENTIAL/credentials", key.as_bytes()));
    assert_eq!(made.expect("an answer").status, 201);
    console.done(&["user", "delete", "acme/ann", "--code", &codes[2]]);
    console.run(&["user", "show", "acme/ann"]).fails_with(1).done();
}

#[test]
fn security_officers_alone_manage_accounts_and_several_can_be_made_to_approve_it() {
    let hsm = Hsm::start();
    not_on_stand_in!(hsm, "it has no IAM");
    let staff = Staff::new(&hsm, &["Ada", "Ben", "Aida"]);
    staff.initialise(&["Ada", "Ben"], 0);
    let auditor =
        ["people", "add", "Aida", "--role", "auditor", "--key", "Aida.ukey", "--key-pin-file", "Aida.pin"];
    staff.nobody(&auditor).succeeds().done();
    let create = ["user", "create", "dev/ann"];
    staff.nobody(&create).fails_with(1).says("nobody is logged in").done();
    staff.by("Aida", &create).fails_with(1).says("may not give `iam change`").done();
    staff.by("Aida", &["user", "list", "--account", "dev"]).succeeds().done();
    staff.by("Ada", &create).succeeds().done();
    staff.by("Aida", &["ak", "create", "dev/ann"]).fails_with(1).says("`iam credential`").done();
    staff.by("Aida", &["user", "delete", "dev/ann", "--yes"]).fails_with(1).says("`iam delete`").done();

    staff.by("Ada", &["quorum", "set", "iam delete", "2", "--role", "hsm-so"]).succeeds().done();
    let delete = ["user", "delete", "dev/ann", "--yes"];
    staff.by("Ada", &delete).fails_with(1).says("approv").done();
    staff.together(&["Ada", "Ben"], &delete).succeeds().done();
    staff.by("Ada", &["user", "show", "dev/ann"]).fails_with(1).says("there is no user").done();
}

#[test]
fn a_password_among_the_fields_of_a_raw_question_is_refused_and_recorded_nowhere() {
    let console = Console::new();
    let daemon = console.place.start();
    console.account("acme");
    console.done(&["user", "create", "acme/ann"]);
    let ann = console.json(&["user", "show", "acme/ann"])["id"].as_str().expect("an id").to_owned();
    let fields = json!({ "user_id": ann, "user": { "password": "Correct-1-horse" } }).to_string();
    let told = daemon.ask(&Ask::Iam(Iam::Do {
        account: "acme".into(),
        operation: "UpdateUser".into(),
        project: None,
        fields: fields.as_bytes().into(),
        password: None,
        code: None,
    }));
    assert!(matches!(&told, Told::Failed { reason } if reason.contains("password")), "{told:?}");
    let records = console.place.verified();
    let of_it =
        |record: &&audit::Record| record.details.iter().any(|(_, value)| value.as_str() == "UpdateUser");
    let refused = records.iter().rfind(of_it).expect("a record");
    assert!(!format!("{refused:?}").contains("horse"), "{refused:?}");
}
