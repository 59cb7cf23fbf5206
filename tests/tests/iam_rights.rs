//! Who may do what to the directory, over the wire: what is denied, and of whom.

use std::time::SystemTime;

use serde_json::{Value, json};
use tests::{Place, Reply, Rest, free_address};

/// An account, used by its root user.
struct Account {
    root: Rest,
    id: String,
}

/// A place whose daemon offers the services.
fn place() -> (Place, std::net::SocketAddr) {
    let address = free_address();
    (Place::new(&format!("[rest]\nlisten = \"{address}\"\n")), address)
}

fn ask(who: &Rest, method: &str, target: &str, body: &Value) -> Reply {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    who.send(&who.signed(method, target, body.as_bytes())).expect("an answer")
}

/// The status of an answer.
fn status(who: &Rest, method: &str, target: &str, body: &Value) -> u16 {
    ask(who, method, target, body).status
}

impl Account {
    fn new(place: &Place, address: std::net::SocketAddr, name: &str) -> Self {
        let root = Rest::new_account(place, address, name);
        let domains = ask(&root, "GET", "/v3/auth/domains", &Value::Null).done();
        Self { root, id: text(&domains["domains"][0]["id"]) }
    }

    /// A thing that the root user makes; its id.
    fn make(&self, target: &str, body: &Value) -> String {
        let made = ask(&self.root, "POST", target, body).done();
        let (_, thing) = made.as_object().and_then(|made| made.iter().next()).expect("a thing");
        text(&thing["id"])
    }

    /// A new user with an access key, and its id.
    fn user(&self, name: &str) -> (Rest, String) {
        let new = json!({ "name": name, "domain_id": self.id, "password": "Correct-1-horse" });
        let user = self.make("/v3.0/OS-USER/users", &json!({ "user": new }));
        let key = ask(&self.root, "POST", KEYS, &key_of(&user)).done();
        let [access_key, secret] = ["access", "secret"].map(|name| text(&key["credential"][name]));
        (self.root.with_key(access_key, secret), user)
    }

    /// Has a policy of one statement hold for a user, by a group.
    fn rule(&self, name: &str, user: &str, statement: &Value) {
        let group = self.make("/v3/groups", &json!({ "group": { "name": name } }));
        let policy = json!({ "Version": "1.1", "Statement": [statement] });
        let role = json!({ "display_name": name, "type": "AX", "description": "", "policy": policy });
        let role = self.make("/v3.0/OS-ROLE/roles", &json!({ "role": role }));
        let account = &self.id;
        for target in [
            format!("/v3/groups/{group}/users/{user}"),
            format!("/v3/domains/{account}/groups/{group}/roles/{role}"),
        ] {
            assert_eq!(status(&self.root, "PUT", &target, &Value::Null), 204, "{target}");
        }
    }

    /// An agency that another account may act through; its id.
    fn agency(&self, name: &str, trusts: &str) -> String {
        let agency = json!({ "name": name, "domain_id": self.id, "trust_domain_name": trusts });
        self.make("/v3.0/OS-AGENCY/agencies", &json!({ "agency": agency }))
    }
}

const KEYS: &str = "/v3.0/OS-CREDENTIAL/credentials";

fn key_of(user: &str) -> Value {
    json!({ "credential": { "user_id": user } })
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

#[test]
fn what_users_may_do_to_themselves_can_be_denied() {
    let (place, address) = place();
    let _daemon = place.start();
    let acme = Account::new(&place, address, "acme");
    let (ann, id) = acme.user("ann");
    let (info, password) = (format!("/v3.0/OS-USER/users/{id}/info"), format!("/v3/users/{id}/password"));
    let mail = json!({ "user": { "email": "ann@example.com" } });
    let change =
        json!({ "user": { "password": "Battery-2-staple", "original_password": "Correct-1-horse" } });
    let statuses = |change: &Value| {
        [
            status(&ann, "GET", &format!("/v3/users/{id}"), &Value::Null),
            status(&ann, "GET", KEYS, &Value::Null),
            status(&ann, "PUT", &info, &mail),
            status(&ann, "POST", &password, change),
        ]
    };
    assert_eq!(statuses(&change), [200, 200, 204, 204]);
    acme.rule("no keys", &id, &json!({ "Effect": "Deny", "Action": ["iam:credentials:*"] }));
    assert_eq!(status(&ann, "POST", KEYS, &key_of(&id)), 403);
    assert_eq!(status(&ann, "GET", KEYS, &Value::Null), 403);
    assert_eq!(status(&ann, "PUT", &info, &mail), 204, "that was not denied");
    acme.rule("nothing", &id, &json!({ "Effect": "Deny", "Action": ["iam:users:*"] }));
    let back = json!({ "user": { "password": "Correct-1-horse", "original_password": "Battery-2-staple" } });
    assert_eq!(statuses(&back), [403; 4]);
}

#[test]
fn who_may_give_policies_to_one_agency_gives_none_to_another() {
    let (place, address) = place();
    let _daemon = place.start();
    let (acme, _other) = (Account::new(&place, address, "acme"), Account::new(&place, address, "other"));
    let (ann, id) = acme.user("ann");
    let [one, two] = ["one", "two"].map(|name| acme.agency(name, "other"));
    let actions = ["grantRoleTo", "revokeRoleFrom"]
        .map(|what| format!("iam:permissions:{what}AgencyOnEnterpriseProject"));
    let may = json!({ "Effect": "Allow", "Action": actions, "Resource": [format!("iam:*:*:agency:{one}")] });
    acme.rule("one agency", &id, &may);
    let role = json!({ "display_name": "look", "type": "XA", "description": "", "policy": {
        "Version": "1.1", "Statement": [{ "Effect": "Allow", "Action": ["kms:cmk:get"] }],
    } });
    let role = acme.make("/v3.0/OS-ROLE/roles", &json!({ "role": role }));
    let target = "/v3.0/OS-PERMISSION/subjects/agency/scopes/enterprise-project/role-assignments";
    let given = |to: &[&str]| {
        let one = |id| json!({ "agency_id": id, "enterprise_project_id": "0", "role_id": role });
        json!({ "role_assignments": to.iter().map(one).collect::<Vec<_>>() })
    };
    for method in ["PUT", "DELETE"] {
        assert_eq!(status(&ann, method, target, &given(&[&one])), 204, "{method}");
        assert_eq!(status(&ann, method, target, &given(&[&two])), 403, "{method}");
        assert_eq!(status(&ann, method, target, &given(&[&one, &two])), 403, "{method}");
        assert_eq!(status(&ann, method, target, &given(&[])), 403, "{method}");
    }
}

#[test]
fn policies_know_agencies_by_their_ids_and_nobody_is_told_what_another_account_has() {
    let (place, address) = place();
    let _daemon = place.start();
    let (acme, other) = (Account::new(&place, address, "acme"), Account::new(&place, address, "other"));
    let [one, _two] = ["one", "two"].map(|name| other.agency(name, "acme"));
    let (ann, id) = acme.user("ann");
    let (bob, _) = acme.user("bob");
    let may = json!({ "Effect": "Allow", "Action": ["iam:agencies:assume"],
        "Resource": { "uri": [format!("/iam/agencies/{one}")] } });
    acme.rule("one agency", &id, &may);

    let token = |who: &Rest, account: &str, agency: &str, project: &str| {
        let through = json!({ "agency_name": agency, "domain_name": account });
        let identity = json!({ "methods": ["assume_role"], "assume_role": through });
        let scope = json!({ "project": { "name": project } });
        let body = json!({ "auth": { "identity": identity, "scope": scope } });
        let reply = ask(who, "POST", "/v3/auth/tokens", &body);
        let body = if reply.status == 201 { Vec::new() } else { reply.body };
        (reply.status, body)
    };
    let key = |who: &Rest, account: &str, agency: &str| {
        let through = json!({ "agency_name": agency, "domain_name": account });
        let identity = json!({ "methods": ["assume_role"], "assume_role": through });
        let body = json!({ "auth": { "identity": identity } });
        status(who, "POST", "/v3.0/OS-CREDENTIAL/securitytokens", &body)
    };
    let region = ask(&other.root, "GET", "/v3/projects", &Value::Null).done();
    let region = text(&region["projects"][0]["name"]);
    assert_eq!(token(&ann, "other", "one", &region).0, 201);
    assert_eq!(key(&ann, "other", "one"), 201);
    assert_eq!((token(&ann, "other", "two", &region).0, key(&ann, "other", "two")), (403, 403));
    // A policy with an agency's name lets nobody act by it.
    let (cid, id) = acme.user("cid");
    let by_name = json!({ "Effect": "Allow", "Action": ["iam:agencies:assume"],
        "Resource": { "uri": ["/iam/agencies/one"] } });
    acme.rule("its name", &id, &by_name);
    assert_eq!((token(&cid, "other", "one", &region).0, key(&cid, "other", "one")), (403, 403));
    // Neither who may not, nor who is not trusted, learns what accounts, agencies and projects there are.
    let refused = token(&bob, "other", "one", &region);
    assert_eq!(refused.0, 403);
    for (account, agency, project) in
        [("other", "one", "nowhere-1"), ("other", "none", &region), ("nobody", "one", &region)]
    {
        assert_eq!(token(&bob, account, agency, project), refused, "{account} {agency} {project}");
    }
    let refused = token(&acme.root, "nobody", "one", &region);
    assert_eq!(refused.0, 403);
    for (agency, project) in [("none", &*region), ("none", "nowhere-1")] {
        assert_eq!(token(&acme.root, "other", agency, project), refused, "{agency} {project}");
    }
}

/// The status of an answer to who has a token.
fn with_token(who: &Rest, token: &str, method: &str, target: &str, body: &Value) -> u16 {
    let (host, body) = (who.host(), body.to_string());
    let length = body.len();
    let head = format!("{method} {target} HTTP/1.1\r\nhost: {host}\r\nx-auth-token: {token}\r\n");
    let bytes = format!("{head}content-length: {length}\r\n\r\n{body}").into_bytes();
    who.send(&bytes).expect("an answer").status
}

#[test]
fn a_key_that_expires_or_a_token_for_one_project_makes_no_key_that_lasts() {
    let (place, address) = place();
    let _daemon = place.start();
    let acme = Account::new(&place, address, "acme");
    let (ann, id) = acme.user("ann");
    let log_in = |scope: &Value| {
        let user = json!({ "id": id, "password": "Correct-1-horse" });
        let identity = json!({ "methods": ["password"], "password": { "user": user } });
        let body = json!({ "auth": { "identity": identity, "scope": scope } });
        let reply = ask(&ann, "POST", "/v3/auth/tokens", &body);
        reply.header("x-subject-token").expect("a token").to_owned()
    };
    let expiring = expiring(&ann);
    assert_eq!(expiring("GET", KEYS, &Value::Null).status, 200);
    assert_eq!(expiring("POST", KEYS, &key_of(&id)).status, 403);
    let [project, account] =
        [json!({ "project": { "id": ann.project } }), json!({ "domain": { "id": acme.id } })]
            .map(|scope| log_in(&scope));
    assert_eq!(with_token(&ann, &project, "POST", KEYS, &key_of(&id)), 403);
    assert_eq!(
        with_token(&ann, &account, "POST", KEYS, &key_of(&id)),
        201,
        "it shows who she is, for all she may do"
    );
}

/// A key that expires, given for a key that lasts; what requests that it signs say.
fn expiring(of: &Rest) -> impl Fn(&str, &str, &Value) -> Reply {
    let body =
        json!({ "auth": { "identity": { "methods": ["token"], "token": { "duration_seconds": 900 } } } });
    let made = ask(of, "POST", "/v3.0/OS-CREDENTIAL/securitytokens", &body).done();
    let [access_key, secret, token] =
        ["access", "secret", "securitytoken"].map(|name| text(&made["credential"][name]));
    let key = of.with_key(access_key, secret);
    move |method, target, body| {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let headers = [("x-security-token", &*token)];
        let bytes = key.signed_with(method, target, &headers, body.as_bytes(), SystemTime::now());
        key.send(&bytes).expect("an answer")
    }
}

#[test]
fn what_expires_makes_no_way_in_that_lasts() {
    let (place, address) = place();
    let _daemon = place.start();
    let acme = Account::new(&place, address, "acme");
    let (_, _other) = (Account::new(&place, address, "other"), Account::new(&place, address, "third"));
    let (his, bob) = acme.user("bob");
    let agency = acme.agency("ops", "other");
    let expiring = expiring(&acme.root);
    let (users, devices) = ("/v3.0/OS-USER/users", "/v3.0/OS-MFA/virtual-mfa-devices");
    let password = json!({ "user": { "password": "Battery-2-staple" } });
    let serial = format!("iam:{}:mfa:phone", acme.id);
    let bind = json!({ "user_id": bob, "serial_number": serial,
        "authentication_code_first": "000000", "authentication_code_second": "111111" });
    let unbind = json!({ "user_id": bob, "serial_number": serial, "authentication_code": "000000" });
    let table = [
        ("POST", users.to_owned(), json!({ "user": { "name": "new-1", "domain_id": acme.id } }), 201),
        ("POST", "/v3/users".to_owned(), json!({ "user": { "name": "new-2" } }), 201),
        ("PUT", format!("{users}/{bob}"), password.clone(), 200),
        ("PATCH", format!("/v3/users/{bob}"), json!({ "user": { "password": "Battery-3-staple" } }), 200),
        ("PUT", format!("{users}/{bob}"), json!({ "user": { "enabled": true } }), 200),
        ("PUT", format!("{users}/{bob}"), json!({ "user": { "access_mode": "default" } }), 200),
        ("PATCH", format!("/v3/users/{bob}"), json!({ "user": { "enabled": true } }), 200),
        ("POST", KEYS.to_owned(), key_of(&bob), 201),
        ("PUT", format!("{KEYS}/{}", his.access_key), json!({ "credential": { "status": "active" } }), 200),
        (
            "POST",
            "/v3.0/OS-AGENCY/agencies".to_owned(),
            json!({ "agency": { "name": "more", "domain_id": acme.id, "trust_domain_name": "other" } }),
            201,
        ),
        (
            "PUT",
            format!("/v3.0/OS-AGENCY/agencies/{agency}"),
            json!({ "agency": { "trust_domain_name": "third" } }),
            200,
        ),
        (
            "POST",
            devices.to_owned(),
            json!({ "virtual_mfa_device": { "name": "phone", "user_id": bob } }),
            201,
        ),
        ("PUT", "/v3.0/OS-MFA/mfa-devices/bind".to_owned(), bind, 401),
        (
            "PUT",
            format!("{users}/{bob}/login-protect"),
            json!({ "login_protect": { "enabled": false, "verification_method": "vmfa" } }),
            200,
        ),
        ("PUT", "/v3.0/OS-MFA/mfa-devices/unbind".to_owned(), unbind, 404),
        ("DELETE", format!("{devices}?user_id={bob}&serial_number={serial}"), Value::Null, 204),
    ];
    for (method, target, body, by_lasting) in &table {
        let refused = expiring(method, target, body);
        let said = refused.json().to_string();
        assert!(refused.status == 403 && said.contains("that lasts"), "{method} {target}: {said}");
        let done = ask(&acme.root, method, target, body);
        assert_eq!(done.status, *by_lasting, "{method} {target}: {}", done.json());
    }
    let change = json!({ "user": { "description": "nothing that lets anybody in", "enabled": false } });
    assert_eq!(expiring("PUT", &format!("{users}/{bob}"), &change).status, 200);
    let ends = json!({ "credential": { "status": "inactive" } });
    assert_eq!(expiring("PUT", &format!("{KEYS}/{}", his.access_key), &ends).status, 200);
}

#[test]
fn the_projects_of_an_account_are_listed_for_whom_they_may_be_and_everybody_learns_its_own() {
    let (place, address) = place();
    let _daemon = place.start();
    let acme = Account::new(&place, address, "acme");
    let (ann, id) = acme.user("ann");
    let get = |target: &str| status(&ann, "GET", target, &Value::Null);
    let (all, own) = ("/v3/projects", format!("/v3/users/{id}/projects"));
    assert_eq!(get(all), 403);
    assert_eq!([get("/v3/auth/projects"), get(&own)], [200; 2]);
    acme.rule("list", &id, &json!({ "Effect": "Allow", "Action": ["iam:projects:listProjects"] }));
    assert_eq!(get(all), 200);
}

#[test]
fn the_console_explains_what_policies_decide() {
    let (place, address) = place();
    let _daemon = place.start();
    let acme = Account::new(&place, address, "acme");
    let (_, id) = acme.user("ann");
    acme.rule("no people", &id, &json!({ "Effect": "Deny", "Action": ["iam:users:*"] }));
    for user in ["acme/ann", &id] {
        let told =
            place.admin(&format!("policy explain {user} iam:users:createUser * --json")).succeeds().out();
        let told: Value = serde_json::from_str(&told).expect("JSON");
        assert_eq!(told[0]["action"], "iam:users:createUser");
        assert_eq!(told[0]["allowed"], false);
        let why = text(&told[0]["why"]);
        assert!(why.starts_with("Statement[0] of the policy \"no people\" of the group no people"), "{why}");
    }
    let told = place.admin("policy explain acme/acme kms:cmk:create *").succeeds().out();
    assert!(told.starts_with("kms:cmk:create: allowed: Statement[0]"), "{told}");
    place.admin("policy explain acme/nobody kms:cmk:create *").fails().says("there is no user").done();
    // What a thing is, and what was given of it, counts.
    let (bob, id) = acme.user("bob");
    let own = json!({ "StringEquals": { "csms:Type": ["COMMON"] } });
    let rule = json!({ "Effect": "Allow", "Action": ["csms:secret:get"], "Condition": own });
    let file = place.path("own.json");
    std::fs::write(&file, json!({ "Version": "1.1", "Statement": [rule] }).to_string()).unwrap();
    for words in [
        "group create acme/team",
        "group add acme/team bob",
        &format!("policy create acme/own {}", file.display()),
        "policy attach acme/own --group team --all-projects",
    ] {
        place.admin(words).succeeds().done();
    }
    let secret = json!({ "name": "db", "secret_string": "hunter2" });
    ask(&acme.root, "POST", "/v1/{project_id}/secrets", &secret).done();
    let key = acme.root.kms("create-key", &json!({ "key_alias": "one" })).done();
    let key = text(&key["key_info"]["key_id"]);
    let explained = |action: &str, thing: &str| {
        place.admin(&format!("policy explain acme/bob {action} {thing}")).succeeds().out()
    };
    assert!(explained("csms:secret:get", "db").contains("allowed: Statement[0] of the policy \"own\""));
    assert!(explained("csms:secret:get", "none").contains("refused"));
    assert!(explained("kms:cmk:get", &key).contains("refused"));
    assert_eq!(bob.kms("describe-key", &json!({ "key_id": key })).status, 403);
    let grant = json!({ "key_id": key, "grantee_principal": id, "operations": ["describe-key"] });
    let grant = text(&acme.root.kms("create-grant", &grant).done()["grant_id"]);
    assert!(explained("kms:cmk:get", &key).contains(&format!("allowed: the grant {grant}")));
    bob.kms("describe-key", &json!({ "key_id": key })).done();
}
