//! The three key policies as README has them: what `strict` refuses, `standard` settles and `legacy` lets pass.

use std::process::Command;

use conformance::mechanism::Mechanism;
use conformance::names::Rv;
use conformance::session::Session;
use conformance::template::Template;
use cryptoki_sys as ck;
use tests::{PIN, Place, Run, SO_PIN};

/// Each pair of roles that together give away a key.
const CONFLICTS: [[ck::CK_ATTRIBUTE_TYPE; 2]; 3] =
    [[ck::CKA_WRAP, ck::CKA_DECRYPT], [ck::CKA_UNWRAP, ck::CKA_ENCRYPT], [ck::CKA_DERIVE, ck::CKA_ENCRYPT]];

fn generate(session: &Session, roles: &[ck::CK_ATTRIBUTE_TYPE]) -> Result<ck::CK_OBJECT_HANDLE, Rv> {
    let none = [ck::CKA_ENCRYPT, ck::CKA_DECRYPT, ck::CKA_WRAP, ck::CKA_UNWRAP, ck::CKA_DERIVE];
    let mut template = Template::new().ulong(ck::CKA_VALUE_LEN, 32).no(&none);
    for role in roles {
        template = template.but(*role, true);
    }
    session.generate(&Mechanism::plain(ck::CKM_AES_KEY_GEN), &template)
}

#[test]
fn strict_refuses_conflicting_roles_when_a_key_is_made() {
    let place = Place::new("");
    let daemon = place.start();
    daemon.partition("strict", "strict");
    let session = place.user("strict");
    for roles in CONFLICTS {
        let from = place.log().len();
        assert_eq!(generate(&session, &roles), Err(Rv(ck::CKR_TEMPLATE_INCONSISTENT)), "{roles:x?}");
        place.logs_after(
            from,
            &["C_GenerateKey", "CKR_TEMPLATE_INCONSISTENT", "contradicts itself or the policy"],
        );
        for role in roles {
            generate(&session, &[role]).unwrap_or_else(|rv| panic!("the role {role:#x} alone: {rv}"));
        }
    }
    generate(&session, &[ck::CKA_ENCRYPT, ck::CKA_DECRYPT]).unwrap();
    generate(&session, &[ck::CKA_WRAP, ck::CKA_UNWRAP]).unwrap();
    drop(daemon);
}

#[test]
fn standard_grants_conflicting_roles_and_takes_the_other_on_first_use() {
    let place = Place::new("");
    let daemon = place.start();
    daemon.partition("standard", "standard");
    let session = place.user("standard");
    for roles in CONFLICTS {
        generate(&session, &roles).unwrap_or_else(|rv| panic!("{roles:x?}: {rv}"));
    }
    let key = generate(&session, &[ck::CKA_WRAP, ck::CKA_DECRYPT]).unwrap();
    let victim = session
        .generate(
            &Mechanism::plain(ck::CKM_AES_KEY_GEN),
            &Template::new().ulong(ck::CKA_VALUE_LEN, 32).yes(&[ck::CKA_SENSITIVE, ck::CKA_EXTRACTABLE]),
        )
        .unwrap();
    let wrap = Mechanism::plain(ck::CKM_AES_KEY_WRAP);
    let blob = session.wrap(&wrap, key, victim);
    let from = place.log().len();
    let read = session.decrypt(&Mechanism::ecb(), key, &[0; 16]);
    assert_eq!((blob.is_ok(), read), (true, Err(Rv(ck::CKR_KEY_FUNCTION_NOT_PERMITTED))));
    place
        .logs_after(from, &["C_DecryptInit", "CKR_KEY_FUNCTION_NOT_PERMITTED", "the key may not be used to"]);
    assert_eq!(session.get_bool(key, ck::CKA_DECRYPT), Ok(false), "the role that lost is false for good");
    drop(daemon);
}

/// Runs the first attack, wrap and decrypt, on the partition `label`.
fn attack(place: &Place, label: &str) -> Run {
    let attacks = place.program("claviger-attacks");
    if !attacks.exists() {
        Run::of(Command::new("cargo").args(["build", "--quiet", "-p", "conformance", "--bins"]))
            .succeeds()
            .done();
    }
    let mut command = Command::new(attacks);
    command
        .args(["--only", "T1", "--label", label, "--pin", PIN, "--so-pin", SO_PIN, "--module"])
        .arg(place.program("libclaviger.so"))
        .env("CLAVIGER_SOCKET", place.path("hsmd.sock"));
    Run::of(&command)
}

#[test]
fn the_first_attack_succeeds_under_legacy_alone_and_that_policy_is_logged() {
    let place = Place::new("");
    let daemon = place.start();
    for policy in ["strict", "standard", "legacy"] {
        let from = place.log().len();
        daemon.partition(policy, policy);
        let log = place.log()[from..].to_owned();
        assert_eq!(log.contains("WARN"), policy == "legacy", "{log}");
        assert_eq!(daemon.show(policy).policy, policy);
    }
    place.logs(&["WARN", "partition \"legacy\" has the legacy policy", "known attacks"]);
    attack(&place, "legacy").fails().says("OBTAINED").done();
    for policy in ["strict", "standard"] {
        attack(&place, policy).succeeds().never_says("OBTAINED").done();
    }
    place.admin("partition create other --policy lax --blank").fails().done();
    drop(daemon);
}
