//! What a decision costs, so that somebody who makes it dear sees it. The bound is far above what is measured, for busy
//! machines: `cargo test -p dew --test policies speed -- --nocapture` prints the figure.

use std::hint::black_box;
use std::time::{Duration, Instant};

use dew::iam::policy::{Attached, Context, Identity, decide};

use crate::{about, actions, context, everywhere, policy, system};

const ROUNDS: u32 = 20_000;

#[test]
fn a_decision_over_a_dozen_policies_takes_microseconds_at_most() {
    let key = "0d0466b0-e727-4d9c-b35d-f84bb474a37f";
    let custom = policy(&format!(
        r#"{{"Version":"1.1","Statement":[
        {{"Effect":"Deny","Action":["kms:cmk:*"],"Condition":{{"NotIpAddress":{{"g:SourceIp":["10.0.0.0/8"]}},"Bool":{{"g:MFAPresent":["false"]}}}}}},
        {{"Effect":"Allow","Action":["kms:cmk:sign"],"Resource":["kms:*:*:KeyId:other","kms:*:*:KeyId:{key}"],
          "Condition":{{"StringStartWith":{{"kms:KeySpec":["RSA_","EC_"]}}}}}}]}}"#
    ));
    let names = [
        "CSMS FullAccess",
        "DEW KeypairFullAccess",
        "CTS FullAccess",
        "Security Administrator",
        "IAM ReadOnlyAccess",
    ];
    let mut attached: Vec<Attached<'_>> =
        names.iter().chain(&names).map(|name| everywhere(system(name))).collect();
    attached.extend([everywhere(system("KMS CMKReadOnlyAccess")), everywhere(&custom)]);
    let facts = [("kms:KeyUsage", "SIGN_VERIFY"), ("kms:KeySpec", "RSA_4096")];
    let context = Context { source: "10.1.2.3".parse().ok(), mfa_age: Some(5), facts: &facts, ..context() };
    let identity = Identity(&attached);
    let request = about(actions("kms", "Sign")[0], Some(key), &context);
    // The fastest of some runs: others use the machine as well.
    let runs = (0..10).map(|_| {
        let start = Instant::now();
        for _ in 0..ROUNDS {
            assert!(decide(black_box(&request), &[black_box(&identity)]).is_allowed());
        }
        start.elapsed() / ROUNDS
    });
    let fastest = runs.min().unwrap();
    println!("a decision over {} policies: {fastest:?}", attached.len());
    assert!(fastest < Duration::from_micros(20), "a decision took {fastest:?}");
}
