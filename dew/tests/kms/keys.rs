//! What keys are, and what they can be used for.

use dew::caller::Caller;
use dew::iam::Identity;
use dew::kms::spec::{Spec, Usage};
use dew::kms::{
    Algorithm, KeyId, MacAlgorithm, Message, NewAccessPoint, NewKey, Origin, Page, PointKind, Scheme, Search,
    State,
};

use crate::office::Office;
use crate::support::{World, code, new, used};

/// Requirement: KMS-001, KMS-006, KMS-007, KMS-008, KMS-009, KMS-010, KMS-040, KMS-041, KMS-042, KMS-043, KMS-049, KMS-054, KMS-055
#[test]
fn every_type_of_key_is_made_enabled_with_material_and_its_usual_usage() {
    let world = World::new();
    let account = world.account("acme");
    let root = world.root(&account);
    for spec in Spec::ALL {
        let key = world.kms.create_key(&root, new(&format!("a-{}", spec.name()), *spec)).unwrap();
        assert_eq!((key.state, key.usage), (State::Enabled, spec.usages()[0]), "{}", spec.name());
        assert_eq!((key.versions.len(), key.created), (1, crate::support::START));
        let shown = world.kms.describe_key(&root, &key.id.to_string()).unwrap();
        assert_eq!(*shown, *key);
    }
}

/// Requirement: KMS-021, KMS-022, KMS-023, KMS-024, KMS-038, KMS-039
#[test]
fn a_key_does_what_it_is_for_and_nothing_else() {
    let world = World::new();
    let account = world.account("acme");
    let root = world.root(&account);
    let aes = world.key(&root, new("aes", Spec::Aes256));
    let mac = world.key(&root, new("mac", Spec::Hmac256));
    let signer = world.key(&root, new("signer", Spec::Rsa2048));
    let cipher = world.key(&root, used(Usage::EncryptDecrypt, new("cipher", Spec::Rsa2048)));
    let curve = world.key(&root, new("curve", Spec::EcP256));
    let sign = |key: &str| {
        let algorithm = Algorithm::named("RSASSA_PSS_SHA_256").unwrap();
        world.kms.sign(&root, key, algorithm, Message::Raw(b"x"))
    };
    let make_mac =
        |key: &str| world.kms.generate_mac(&root, key, MacAlgorithm::named("HMAC_SHA_256").unwrap(), b"x");
    let encrypt = |key: &str, scheme| world.kms.encrypt_data(&root, key, scheme, b"x", b"");

    assert_eq!(code(sign(&aes)), "KMS.1115");
    assert_eq!(code(make_mac(&aes)), "KMS.0334");
    assert_eq!(code(encrypt(&mac, Scheme::Symmetric)), "KMS.0341");
    assert_eq!(code(sign(&mac)), "KMS.0341");
    assert_eq!(code(encrypt(&signer, Scheme::OaepSha256)), "KMS.0335");
    assert_eq!(code(sign(&cipher)), "KMS.0334");
    assert_eq!(code(encrypt(&curve, Scheme::OaepSha256)), "KMS.1114");
    assert!(sign(&signer).is_ok() && make_mac(&mac).is_ok());
    assert!(encrypt(&aes, Scheme::Symmetric).is_ok() && encrypt(&cipher, Scheme::OaepSha256).is_ok());
    let refused = world.kms.create_key(&root, used(Usage::EncryptDecrypt, new("no", Spec::EcP384)));
    assert_eq!(code(refused), "KMS.1114");
    let refused = world.kms.create_key(&root, used(Usage::SignVerify, new("no", Spec::Aes256)));
    assert_eq!(code(refused), "KMS.0308");
    assert_eq!(Usage::named("WRAP").unwrap_err().code().1, "KMS.0308");
}

/// Requirement: KMS-011, KMS-026, KMS-036, KMS-037, KMS-047, KMS-050, KMS-056, KMS-069
#[test]
fn a_key_that_cannot_be_is_refused_and_leaves_nothing() {
    let world = World::new();
    let account = world.account("acme");
    let root = world.root(&account);
    for bad in ["", "a b", "grüße", "a\u{0}", "own/default", &"x".repeat(256)] {
        assert_eq!(code(world.kms.create_key(&root, new(bad, Spec::Aes256))), "KMS.1101", "{bad:?}");
    }
    assert_eq!(Spec::named("DES").unwrap_err().code().1, "KMS.1110");
    let long = NewKey { description: "x".repeat(256), ..new("long", Spec::Aes256) };
    assert_eq!(code(world.kms.create_key(&root, long)), "KMS.1103");
    let external = NewKey { origin: Origin::External, ..new("outside", Spec::Hmac256) };
    assert_eq!(code(world.kms.create_key(&root, external)), "KMS.0308");

    let described = NewKey { description: "für Rechnungen".into(), ..new(&"x".repeat(255), Spec::Aes256) };
    assert_eq!(world.kms.create_key(&root, described).unwrap().description, "für Rechnungen");
    let external = NewKey { origin: Origin::External, ..new("a_-:/9", Spec::Aes256) };
    let key = world.kms.create_key(&root, external).unwrap();
    assert_eq!((key.state, key.versions.len()), (State::PendingImport, 0));
    assert_eq!(code(world.encrypt(&root, &key.id.to_string(), "x")), "KMS.0309");
    assert_eq!(code(world.kms.create_key(&root, new("a_-:/9", Spec::Aes256))), "KMS.1104");
}

/// Requirement: KMS-018, KMS-019, KMS-025, KMS-163
#[test]
fn a_hundred_custom_keys_can_be_and_default_keys_come_on_top_when_they_are_first_used() {
    let world = World::new();
    let account = world.account("acme");
    let root = world.root(&account);
    for number in 0..100 {
        world.key(&root, new(&format!("key-{number}"), Spec::Aes256));
    }
    assert_eq!(code(world.kms.create_key(&root, new("one-more", Spec::Aes256))), "KMS.1105");
    let cipher = world.encrypt(&root, "evs/default", "small").unwrap();
    assert_eq!(world.decrypt(&root, &cipher).unwrap(), "small");
    let default = world.kms.describe_key(&root, "evs/default").unwrap();
    assert!(default.default && default.name.ends_with("/default"));
    assert_eq!(code(world.kms.disable_key(&root, "evs/default")), "KMS.0211");
    assert_eq!(code(world.kms.describe_key(&root, "other/default")), "KMS.0205");
}

#[test]
fn what_is_acknowledged_is_there_after_a_restart() {
    let world = World::new();
    let account = world.account("acme");
    let root = world.root(&account);
    let key = world.key(&root, new("stays", Spec::Aes256));
    let off = world.key(&root, new("off", Spec::Aes256));
    let (kept, other) =
        (world.encrypt(&root, &key, "kept").unwrap(), world.encrypt(&root, &off, "off").unwrap());
    world.kms.disable_key(&root, &off).unwrap();
    world.kms.rotate_now(&root, &key).unwrap();

    let world = world.again();
    let root = world.root(&account);
    assert_eq!(world.decrypt(&root, &kept).unwrap(), "kept");
    assert_eq!(code(world.decrypt(&root, &other)), "KMS.0209");
    assert_eq!(world.kms.describe_key(&root, &key).unwrap().versions.len(), 2);
    world.kms.enable_key(&root, &off).unwrap();
    assert_eq!(world.decrypt(&root, &other).unwrap(), "off");
}

/// Requirement: KMS-068
#[test]
fn another_account_learns_nothing_of_a_key() {
    let world = World::new();
    let (acme, evil) = (world.account("acme"), world.account("evil"));
    let (root, other) = (world.root(&acme), world.root(&evil));
    let key = world.key(&root, new("mine", Spec::Aes256));
    let cipher = world.encrypt(&root, &key, "secret").unwrap();
    let nobodys = "00000000-0000-4000-8000-000000000000";
    let calls: [&dyn Fn(&str) -> &'static str; 4] = [
        &|key| code(world.kms.describe_key(&other, key)),
        &|key| code(world.encrypt(&other, key, "x")),
        &|key| code(world.kms.disable_key(&other, key)),
        &|key| code(world.kms.rotate_now(&other, key)),
    ];
    for call in calls {
        assert_eq!((call(&key), call(nobodys)), ("KMS.0207", "KMS.0207"));
    }
    assert_eq!(code(world.decrypt(&other, &cipher)), "KMS.0207");
    // Nor through the other's project.
    let through = world.caller(&evil, acme.made.project);
    assert_eq!(code(world.kms.describe_key(&through, &key)), "KMS.0321");
}

#[test]
fn who_is_refused_makes_neither_a_default_key_nor_a_partition() {
    let world = Office::new();
    let none =
        world.user("none", r#"{"Version":"1.1","Statement":[{"Effect":"Allow","Action":["kms:cmk:list"]}]}"#);
    assert_eq!(code(world.kms.describe_key(&none, "kms/default")), "KMS.0330");
    assert_eq!(code(world.kms.sealed_pin(&none)), "KMS.0330");
    let (root, kms, missing) = (&world.root, &world.kms, "00000000-0000-4000-8000-000000000000");
    let there = kms.create_key_in(root, Some(missing), new("k", Spec::Aes256));
    assert_eq!(code(there), "KMS.0316");
    let kind = PointKind::Custom;
    let point =
        NewAccessPoint { keyspace: missing, name: "p", kind, identity: None, cluster: None, description: "" };
    assert_eq!(code(kms.create_access_point(root, point)), "KMS.0316");
    let terms = |point: &str| format!(r#"{{"version":"1.0","allowedAccessPoint":["{point}"]}}"#);
    assert_eq!(code(kms.create_key_policy(root, missing, "p", r#"{"version":"1.0"}"#, "")), "KMS.0316");
    let own = KeyId(world.project.0).to_string();
    assert_eq!(code(kms.create_key_policy(root, &own, "p", &terms(missing), "")), "KMS.0308");
    assert_eq!(code(kms.enable_access_point(root, missing, true)), "KMS.0207");
    assert_eq!(code(kms.show_key_policy(root, missing)), "KMS.0207");
    assert!(kms.list_access_points(root, &own).unwrap().is_empty());
    assert!(kms.list_key_policies(root, &own).unwrap().is_empty());
    assert!(world.hsm.partitions().is_empty());
    world.encrypt("kms/default").unwrap();
    assert_eq!(code(kms.describe_key(&none, "obs/default")), "KMS.0330");
    assert_eq!(kms.list_keys(root, &Search::default(), &Page::default()).unwrap().total, 1);
}

#[test]
fn a_policy_for_a_region_holds_in_all_projects_of_it() {
    let world = Office::new();
    let shop = world.sibling("local-1_shop");
    let key = World::key(&world, &world.root_in(shop), new("key", Spec::Aes256));
    let policy = |region: &str, project: &str| {
        format!(
            r#"{{"Version":"1.1","Statement":[{{"Effect":"Allow","Action":["kms:cmk:get"],
                "Resource":["kms:{region}:*:KeyId:*"],
                "Condition":{{"StringEquals":{{"g:ProjectName":["{project}"]}}}}}}]}}"#
        )
    };
    for (name, region, project, expected) in [
        ("one", "local-1", "local-1_shop", true),
        ("two", "local-1_shop", "local-1_shop", false),
        ("three", "local-1", "local-1", false),
    ] {
        let user = Caller { project: Some(shop), ..world.user(name, &policy(region, project)) };
        assert_eq!(world.kms.describe_key(&user, &key).is_ok(), expected, "{name}");
    }
}

#[test]
fn who_may_work_in_one_project_works_in_no_other_of_the_account() {
    let world = Office::new();
    let shop = world.sibling("local-1_shop");
    let key = world.aes("key");
    let only = |project| Identity { project: Some(project), ..(*world.root.identity).clone() };
    let at = |project| Caller { identity: only(project).into(), ..world.root.clone() };
    assert!(world.kms.describe_key(&at(world.project), &key).is_ok());
    assert_eq!(code(world.kms.describe_key(&at(shop), &key)), "KMS.0321");
}
