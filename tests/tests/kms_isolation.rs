//! Tenants do not see each other: each operation of KMS, tried by one account on what is another's, answers as for what
//! does not exist. The table has every operation that names something, by the vendor's list.

use serde_json::{Value, json};
use tests::{Hsm, Reply, Rest, not_on_stand_in};

/// An operation: its method, its path and its body. `KEY` stands for a key's id, and the others likewise.
type Row = (&'static str, &'static str, &'static str);

/// The operations of the interface: name, method and path.
const CATALOGUE: &str = include_str!("../../hsmd/src/rest/huawei/kms/catalogue.txt");

/// Those that name nothing that somebody has: CreatePin only the key store that everybody has.
const NAME_NOTHING: [&str; 13] = [
    "CreateKeyStore",
    "CreatePin",
    "CreateRandom",
    "ListKeyStores",
    "ListKeys",
    "ListKmsByTags",
    "ListKmsTags",
    "ListRetirableGrants",
    "ListSupportRegions",
    "ShowUserInstances",
    "ShowUserQuotas",
    "ShowVersion",
    "ShowVersions",
];

/// The operations that name a key, or something else that somebody has.
const OF_SOMEBODYS: &[Row] = &[
    ("POST", "/v1.0/{project_id}/kms/alias/associate", r#"{"alias":"alias/mine","target_key_id":"KEY"}"#),
    (
        "POST",
        "/v1.0/{project_id}/kms/KEY/tags/action",
        r#"{"action":"create","tags":[{"key":"a","value":"b"}]}"#,
    ),
    ("POST", "/v1.0/{project_id}/kms/KEY/tags", r#"{"tag":{"key":"a","value":"b"}}"#),
    ("DELETE", "/v1.0/{project_id}/kms/KEY/tags/a", ""),
    ("GET", "/v1.0/{project_id}/kms/KEY/tags", ""),
    ("POST", "/v1.0/{project_id}/kms/revoke-grant", r#"{"key_id":"KEY","grant_id":"GRANT"}"#),
    ("POST", "/v1.0/{project_id}/kms/retire-grant", r#"{"key_id":"KEY","grant_id":"GRANT"}"#),
    (
        "POST",
        "/v1.0/{project_id}/kms/create-grant",
        r#"{"key_id":"KEY","grantee_principal":"USER","operations":["encrypt-data"]}"#,
    ),
    ("POST", "/v1.0/{project_id}/kms/list-grants", r#"{"key_id":"KEY"}"#),
    ("POST", "/v1.0/{project_id}/kms/cancel-key-deletion", r#"{"key_id":"KEY"}"#),
    ("POST", "/v1.0/{project_id}/kms/schedule-key-deletion", r#"{"key_id":"KEY","pending_days":"7"}"#),
    ("POST", "/v1.0/{project_id}/kms/aliases", r#"{"key_id":"KEY","alias":"alias/new"}"#),
    ("DELETE", "/v1.0/{project_id}/kms/aliases", r#"{"key_id":"KEY","aliases":["alias/mine"]}"#),
    ("GET", "/v1.0/{project_id}/kms/aliases?key_id=KEY", ""),
    ("POST", "/v1.0/{project_id}/kms/create-datakey", r#"{"key_id":"KEY"}"#),
    ("POST", "/v1.0/{project_id}/kms/create-datakey-without-plaintext", r#"{"key_id":"KEY"}"#),
    (
        "POST",
        "/v1.0/{project_id}/kms/create-ec-datakey-pair",
        r#"{"key_id":"KEY","key_spec":"ECC_NIST_P256"}"#,
    ),
    ("POST", "/v1.0/{project_id}/kms/create-rsa-datakey-pair", r#"{"key_id":"KEY","key_spec":"RSA_2048"}"#),
    ("POST", "/v1.0/{project_id}/kms/decrypt-data", r#"{"key_id":"KEY","cipher_text":"CIPHER"}"#),
    ("POST", "/v1.0/{project_id}/kms/decrypt-data", r#"{"cipher_text":"CIPHER"}"#),
    (
        "POST",
        "/v1.0/{project_id}/kms/decrypt-datakey",
        r#"{"key_id":"KEY","cipher_text":"SEALED","datakey_cipher_length":"32"}"#,
    ),
    ("POST", "/v1.0/{project_id}/kms/delete-imported-key-material", r#"{"key_id":"KEY"}"#),
    (
        "POST",
        "/v1.0/{project_id}/kms/derive-shared-secret",
        r#"{"key_id":"SIGNER","key_agreement_algorithm":"ECDH","public_key":"PUBLIC"}"#,
    ),
    ("POST", "/v1.0/{project_id}/kms/disable-key", r#"{"key_id":"KEY"}"#),
    ("POST", "/v1.0/{project_id}/kms/enable-key", r#"{"key_id":"KEY"}"#),
    ("POST", "/v1.0/{project_id}/kms/enable-key-rotation", r#"{"key_id":"KEY"}"#),
    (
        "POST",
        "/v1.0/{project_id}/kms/update-key-rotation-interval",
        r#"{"key_id":"KEY","rotation_interval":30}"#,
    ),
    ("POST", "/v1.0/{project_id}/kms/get-key-rotation-status", r#"{"key_id":"KEY"}"#),
    ("POST", "/v1.0/{project_id}/kms/disable-key-rotation", r#"{"key_id":"KEY"}"#),
    ("POST", "/v1.0/{project_id}/kms/rotate-on-demand", r#"{"key_id":"KEY"}"#),
    ("POST", "/v1.0/{project_id}/kms/encrypt-data", r#"{"key_id":"KEY","plain_text":"a"}"#),
    (
        "POST",
        "/v1.0/{project_id}/kms/encrypt-datakey",
        r#"{"key_id":"KEY","plain_text":"00000000000000000000000000000000374708fff7719dd5979ec875d56cd2286f6d3cf7ec317a3b25632aab28ec37bb","datakey_plain_length":"16"}"#,
    ),
    (
        "POST",
        "/v1.0/{project_id}/kms/generate-mac",
        r#"{"key_id":"MACKEY","mac_algorithm":"HMAC_SHA_256","message":"YQ=="}"#,
    ),
    (
        "POST",
        "/v1.0/{project_id}/kms/verify-mac",
        r#"{"key_id":"MACKEY","mac_algorithm":"HMAC_SHA_256","message":"YQ==","mac":"ZTNiMGM0NDI5OGZjMWMxNDlhZmJmNGM4OTk2ZmI5MjQ="}"#,
    ),
    (
        "POST",
        "/v1.0/{project_id}/kms/get-parameters-for-import",
        r#"{"key_id":"KEY","wrapping_algorithm":"RSAES_OAEP_SHA_256"}"#,
    ),
    (
        "POST",
        "/v1.0/{project_id}/kms/import-key-material",
        r#"{"key_id":"KEY","import_token":"CIPHER","encrypted_key_material":"CIPHER"}"#,
    ),
    ("POST", "/v1.0/{project_id}/kms/describe-key", r#"{"key_id":"KEY"}"#),
    ("POST", "/v1.0/{project_id}/kms/re-encrypt", r#"{"destination_key_id":"KEY","cipher_text":"CIPHER"}"#),
    ("POST", "/v1.0/{project_id}/kms/get-publickey", r#"{"key_id":"SIGNER"}"#),
    (
        "POST",
        "/v1.0/{project_id}/kms/sign",
        r#"{"key_id":"SIGNER","message":"YQ==","message_type":"RAW","signing_algorithm":"ECDSA_SHA_256"}"#,
    ),
    (
        "POST",
        "/v1.0/{project_id}/kms/verify",
        r#"{"key_id":"SIGNER","message":"YQ==","message_type":"RAW","signature":"YQ==","signing_algorithm":"ECDSA_SHA_256"}"#,
    ),
    ("POST", "/v1.0/{project_id}/kms/update-key-alias", r#"{"key_id":"KEY","key_alias":"renamed"}"#),
    (
        "POST",
        "/v1.0/{project_id}/kms/update-key-description",
        r#"{"key_id":"KEY","key_description":"changed"}"#,
    ),
    (
        "POST",
        "/v2/{project_id}/kms/keys/KEY/replicate",
        r#"{"replica_region":"local-1","key_alias":"replica","replica_project_id":"{project_id}"}"#,
    ),
    ("PUT", "/v2/{project_id}/kms/keys/KEY/update-primary-region", r#"{"primary_region":"local-1"}"#),
    ("POST", "/v1.0/{project_id}/kms/create-key", r#"{"key_alias":"stored","keystore_id":"STORE"}"#),
    ("GET", "/v1.0/{project_id}/keystores/STORE", ""),
    ("POST", "/v1.0/{project_id}/keystores/STORE/disable", ""),
    ("POST", "/v1.0/{project_id}/keystores/STORE/enable", ""),
    (
        "POST",
        "/v1.0/{project_id}/kms/access-points",
        r#"{"keyspace_id":"STORE","access_point_name":"new","type":3}"#,
    ),
    ("GET", "/v1.0/{project_id}/kms/access-points?keyspace_id=STORE", ""),
    ("POST", "/v1.0/{project_id}/kms/access-points/POINT/disable", ""),
    ("POST", "/v1.0/{project_id}/kms/access-points/POINT/enable", ""),
    ("POST", "/v1.0/{project_id}/kms/access-points/POINT/get-privatekey", ""),
    (
        "POST",
        "/v1.0/{project_id}/kms/key-policies",
        r#"{"keyspace_id":"STORE","policy_name":"new","policy":"{\"version\":\"1.0\"}"}"#,
    ),
    ("GET", "/v1.0/{project_id}/kms/key-policies?keyspace_id=STORE", ""),
    ("GET", "/v1.0/{project_id}/kms/key-policies/POLICY", ""),
    ("PUT", "/v1.0/{project_id}/kms/key-policies/POLICY", r#"{"policy":"{\"version\":\"2.0\"}"}"#),
    (
        "POST",
        "/v1.0/{project_id}/kms/datakey-capsule/create",
        r#"{"key_id":"KEY","datakey_length":"256","policy_id":"POLICY"}"#,
    ),
    (
        "POST",
        "/v1.0/{project_id}/kms/datakey-capsule/decrypt",
        r#"{"key_id":"KEY","datakey_capsule":"CIPHER","attestation_document":{"service_token":"a.b.c"}}"#,
    ),
    ("DELETE", "/v1.0/{project_id}/kms/access-points/POINT", ""),
    ("DELETE", "/v1.0/{project_id}/kms/key-policies/POLICY", ""),
    ("DELETE", "/v1.0/{project_id}/keystores/STORE", ""),
];

/// What stands for things in the table, and is put in their place.
const NAMES: [&str; THINGS] =
    ["KEY", "SIGNER", "MACKEY", "STORE", "POINT", "POLICY", "CIPHER", "SEALED", "GRANT", "USER"];
const THINGS: usize = 10;
/// How many of them are ids, which come first.
const IDS: usize = 6;
/// The place of the ciphertext.
const CIPHER: usize = 6;

/// One who uses the services, and what they have: in the order of [`NAMES`].
struct Tenant {
    rest: Rest,
    has: [String; THINGS],
}

impl Tenant {
    fn new(hsm: &Hsm, name: &str) -> Self {
        let admin = format!("{}/hsm-admin", hsm.module().rsplit_once('/').expect("a directory").0);
        let socket = hsm.var("CLAVIGER_ADMIN_SOCKET").to_owned();
        let made =
            hsm.run(admin, ["--socket", &socket, "account", "create", name, "--json"]).succeeds().out();
        let user: Value = serde_json::from_str(&made).expect("JSON");
        let rest = Rest::of(hsm).used_by(&made);
        let key = |spec: &str| {
            let made =
                rest.kms("create-key", &json!({ "key_alias": format!("{name}-{spec}"), "key_spec": spec }));
            text(&made.done()["key_info"]["key_id"])
        };
        let [aes, signer, mac] = ["AES_256", "EC_P256", "HMAC_256"].map(key);
        let make = |path: &str, body: Value, field: &str| {
            let target = format!("/v1.0/{{project_id}}/{path}");
            let reply =
                rest.send(&rest.signed("POST", &target, body.to_string().as_bytes())).expect("an answer");
            text(reply.done().pointer(field).unwrap_or_else(|| panic!("no {field}")))
        };
        let store = json!({ "keystore_alias": name, "keystore_type": "DEFAULT" });
        let store = make("keystores", store, "/keystore/keystore_id");
        let point = json!({ "keyspace_id": store, "access_point_name": name, "type": 3 });
        let point = make("kms/access-points", point, "/access_point_id");
        let policy = json!({ "keyspace_id": store, "policy_name": name, "policy": r#"{"version":"1.0"}"# });
        let policy = make("kms/key-policies", policy, "/policy_id");
        let sealed = rest.kms("encrypt-data", &json!({ "key_id": aes, "plain_text": "hidden" })).done();
        let data_key = rest.kms("create-datakey", &json!({ "key_id": aes })).done();
        let grant =
            json!({ "key_id": aes, "grantee_principal": user["user_id"], "operations": ["describe-key"] });
        let grant = text(&rest.kms("create-grant", &grant).done()["grant_id"]);
        let cipher = [&sealed["cipher_text"], &data_key["cipher_text"]].map(text);
        let [sealed, data_key] = cipher;
        Self {
            rest,
            has: [aes, signer, mac, store, point, policy, sealed, data_key, grant, text(&user["user_id"])],
        }
    }

    /// Asks for an operation on what somebody has.
    fn asks(&self, (method, path, body): Row, has: &[String; THINGS]) -> Reply {
        let put = |text: &str| {
            let named = NAMES.iter().zip(has).rev();
            // Longer names first, as one is within another.
            let text =
                named.fold(text.replace("MACKEY", &has[2]), |text, (name, value)| text.replace(name, value));
            text.replace("PUBLIC", PUBLIC).replace("{project_id}", &self.rest.project)
        };
        let (path, body) = (put(path), put(body));
        self.rest.send(&self.rest.signed(method, &path, body.as_bytes())).expect("an answer")
    }
}

/// A public key on P-256: the generator.
const PUBLIC: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==";

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

fn is_offered(reply: &Reply) -> bool {
    !(matches!(reply.status, 404 | 405) && reply.code() == "APIGW.0101")
}

/// What a refusal says, apart from the id of its own request.
fn said(reply: &Reply) -> (u16, String) {
    let mut json = reply.json();
    json.as_object_mut().expect("an object").remove("request_id");
    (reply.status, json.to_string())
}

/// Ids of nothing, and a ciphertext by a key that does not exist.
fn nothing(has: &[String; THINGS]) -> [String; THINGS] {
    let mut other = has.clone();
    for id in &mut other[..IDS] {
        let last = if id.ends_with('0') { "1" } else { "0" };
        id.replace_range(id.len() - 1.., last);
    }
    // The key's id stands near the beginning.
    let at = 8..9;
    let changed = if &other[CIPHER][at.clone()] == "A" { "B" } else { "A" };
    other[CIPHER].replace_range(at, changed);
    other
}

/// The same, with an alias in the place of the key's id.
fn by_alias(has: &[String; THINGS], alias: &str) -> [String; THINGS] {
    let mut other = has.clone();
    alias.clone_into(&mut other[0]);
    other
}

#[test]
fn what_is_anothers_is_answered_as_what_does_not_exist_and_stays_as_it_was() {
    let hsm = Hsm::start();
    not_on_stand_in!(hsm, "it has no KMS");
    let (owner, stranger) = (Tenant::new(&hsm, "owner"), Tenant::new(&hsm, "stranger"));
    let about = |owner: &Tenant| {
        let shown =
            owner.has[..3].iter().map(|key| owner.rest.kms("describe-key", &json!({ "key_id": key })).done());
        let looks = OF_SOMEBODYS.iter().filter(|(method, ..)| *method == "GET");
        let seen = looks.map(|&row| owner.asks(row, &owner.has).done());
        shown.chain(seen).collect::<Vec<_>>()
    };
    owner.rest.kms("aliases", &json!({ "key_id": owner.has[0], "alias": "alias/owner" })).done();
    let before = about(&owner);
    for &row in OF_SOMEBODYS {
        let (method, path, body) = row;
        let what = format!("{method} {path} {body:.60}");
        let theirs = stranger.asks(row, &owner.has);
        assert!(is_offered(&theirs), "{what} is not offered");
        let refusal = said(&theirs);
        assert_eq!(
            refusal,
            said(&stranger.asks(row, &nothing(&owner.has))),
            "{what}: one can tell whether there is such a key"
        );
        assert!((400..500).contains(&theirs.status), "{what}: {refusal:?}");
        let theirs = stranger.asks(row, &by_alias(&owner.has, "alias/owner"));
        let nobodys = stranger.asks(row, &by_alias(&owner.has, "alias/nobody"));
        assert_eq!(said(&theirs), said(&nobodys), "{what}: one can tell whether there is such an alias");
        assert_eq!(about(&owner), before, "{what} changed another's key");
    }
    // In the owner's own project the stranger is told the same of everything: it is not theirs.
    let mut trespasser = stranger.rest.clone();
    trespasser.project.clone_from(&owner.rest.project);
    let trespasser = Tenant { rest: trespasser, has: stranger.has.clone() };
    for &row in OF_SOMEBODYS {
        let reply = trespasser.asks(row, &owner.has);
        assert_eq!((reply.status, &*reply.code()), (403, "KMS.0321"), "{row:?}");
        assert_eq!(said(&reply), said(&trespasser.asks(row, &nothing(&owner.has))), "{row:?}");
    }
    assert_eq!(about(&owner), before);
    // The table is right: for the owner, nothing of it is missing.
    for &row in OF_SOMEBODYS {
        let reply = owner.asks(row, &owner.has);
        let missing = reply.status == 404 && ["KMS.0207", "KMS.0316"].contains(&&*reply.code());
        assert!(
            !missing || row.1.contains("alias") || row.1.contains("grant"),
            "{row:?} does not find what is the owner's own"
        );
    }
}

#[test]
fn the_table_has_each_operation_that_names_something() {
    let is_at = |place: &str, path: &str| {
        let (place, path): (Vec<_>, Vec<_>) = (place.split('/').collect(), path.split('/').collect());
        let same = |(place, path): (&&str, &&str)| place.starts_with('{') || place == path;
        place.len() == path.len() && place.iter().zip(&path).all(same)
    };
    let lines = CATALOGUE.lines().filter(|line| !line.starts_with('#'));
    for line in lines {
        let words: Vec<_> = line.trim_start_matches('-').split_whitespace().collect();
        let [name, method, place] = words[..] else { panic!("{line}") };
        let rows = OF_SOMEBODYS.iter().filter(|(other, path, _)| {
            *other == method && is_at(place, path.split('?').next().expect("a path"))
        });
        assert_eq!(rows.count() == 0, NAME_NOTHING.contains(&name), "{name}");
    }
}
