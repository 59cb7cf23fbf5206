//! Shares: enough of them make the secret, and what is not one of them is refused by its number.

use proptest::prelude::*;
use proptest::sample::subsequence;
use ukey::shares::{MAX_SECRET, Share, combine, split};
use ukey::{Error, Secret};

fn secret() -> Secret {
    Secret::new((0..32).collect())
}

fn again(share: &Share) -> Share {
    Share::from_bytes(share.to_bytes().as_bytes()).unwrap()
}

/// The shares of these numbers.
fn pick(shares: &[Share], numbers: &[u8]) -> Vec<Share> {
    numbers.iter().map(|&number| again(&shares[usize::from(number) - 1])).collect()
}

#[test]
fn any_three_of_five_make_the_secret_and_no_two_do() {
    let shares = split(&secret(), 3, 5).unwrap();
    for set in 0u8..32 {
        let numbers: Vec<u8> = (1..=5).filter(|number| set >> (number - 1) & 1 == 1).collect();
        let made = combine(&pick(&shares, &numbers));
        match numbers.len() {
            0 => assert_eq!(made.err(), Some(Error::TooFewShares { have: 0, need: 1 })),
            have @ 1..=2 => assert_eq!(made.err(), Some(Error::TooFewShares { have, need: 3 })),
            _ => assert_eq!(made.unwrap(), secret(), "{numbers:?}"),
        }
    }
}

#[test]
fn a_share_of_another_set_is_refused_by_its_number() {
    let (ours, theirs) = (split(&secret(), 2, 3).unwrap(), split(&secret(), 2, 3).unwrap());
    let mixed = [again(&ours[0]), again(&theirs[2])];
    assert_eq!(
        combine(&mixed).err(),
        Some(Error::ForeignShare { index: 3, set: theirs[0].set(), expected: ours[0].set() })
    );
    let text = combine(&mixed).unwrap_err().to_string();
    assert_eq!(text, format!("share 3 is of the set {}, not of {}", theirs[0].set(), ours[0].set()));
    // Also where there would be enough without it.
    let more = [again(&ours[0]), again(&ours[1]), again(&theirs[2])];
    assert!(matches!(combine(&more), Err(Error::ForeignShare { index: 3, .. })));
}

#[test]
fn a_share_that_is_there_twice_counts_once() {
    let shares = split(&secret(), 2, 3).unwrap();
    assert_eq!(combine(&pick(&shares, &[2, 2])).err(), Some(Error::RepeatedShare { index: 2 }));
}

/// A change is found in the share itself, or makes it one of another set: it never makes another secret.
#[test]
fn a_share_with_any_byte_changed_is_refused() {
    let shares = split(&secret(), 2, 3).unwrap();
    let bytes = shares[1].to_bytes();
    let fields = 13 + 3 * 32;
    for at in 0..bytes.len() {
        let mut changed = bytes.as_bytes().to_vec();
        changed[at] ^= 1;
        match Share::from_bytes(&changed) {
            Err(Error::AlteredShare { index }) => assert!(index == 2 || at == 10, "byte {at}"),
            Err(_) => assert!(at < 13, "byte {at}"),
            Ok(share) => {
                assert!((8..fields).contains(&at), "byte {at} is in nothing that the set is known by");
                let both = combine(&[again(&shares[0]), share]).err();
                assert!(matches!(both, Some(Error::ForeignShare { index: 2, .. })), "byte {at}: {both:?}");
            }
        }
    }
}

#[test]
fn a_holder_cannot_make_another_share_that_passes_for_one_of_the_set() {
    let shares = split(&secret(), 2, 3).unwrap();
    // The second share's random part and value under the first one's number.
    let mut grafted = shares[1].to_bytes().as_bytes().to_vec();
    grafted[10] = 1;
    assert_eq!(Share::from_bytes(&grafted).err(), Some(Error::AlteredShare { index: 1 }));
}

#[test]
fn malformed_shares_are_refused_with_what_is_wrong() {
    let bytes = split(&secret(), 2, 3).unwrap()[0].to_bytes();
    let bytes = bytes.as_bytes();
    for len in 1..bytes.len() {
        assert!(
            matches!(Share::from_bytes(&bytes[..len]), Err(Error::Truncated { at, .. }) if at == len),
            "cut at {len}"
        );
    }
    assert!(matches!(Share::from_bytes(&[bytes, &[0]].concat()), Err(Error::Trailing { extra: 1, .. })));
    assert_eq!(Share::from_bytes(b"").err(), Some(Error::Foreign { what: "a share of a secret" }));
    let with = |at: usize, value: u8| {
        let mut changed = bytes.to_vec();
        changed[at] = value;
        Share::from_bytes(&changed).unwrap_err().to_string()
    };
    assert!(with(7, 2).contains("format version 2"));
    assert_eq!(with(8, 0), "0 of 3 shares cannot be needed: a threshold is 1 to the number of shares");
    assert_eq!(with(8, 4), "4 of 3 shares cannot be needed: a threshold is 1 to the number of shares");
    assert!(with(10, 0).contains("its number is not one of the set's"));
    assert!(with(10, 4).contains("its number is not one of the set's"));
    assert!(with(12, 255).contains("its secret cannot be that long"));
}

#[test]
fn thresholds_and_secrets_have_their_bounds() {
    for (threshold, count) in [(0, 3), (4, 3), (0, 0), (1, 0)] {
        assert_eq!(split(&secret(), threshold, count).err(), Some(Error::Threshold { threshold, count }));
    }
    for len in [0, MAX_SECRET + 1] {
        let refused = split(&Secret::new(vec![1; len]), 2, 3).err();
        assert!(matches!(refused, Some(Error::SecretLength { len: said, .. }) if said == len));
    }
    let shares = split(&secret(), 255, 255).unwrap();
    assert_eq!(combine(&shares).unwrap(), secret());
    assert!(combine(&shares[1..]).is_err());
}

#[test]
fn a_share_says_of_what_it_is_and_not_what_it_holds() {
    let shares = split(&secret(), 2, 3).unwrap();
    let share = again(&shares[2]);
    assert_eq!((share.index(), share.threshold(), share.count()), (3, 2, 3));
    assert_eq!(share.set(), shares[0].set());
    assert_eq!(format!("{share:?}"), format!("Share(3 of 3, set {})", share.set()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn as_many_as_are_needed_make_it_whichever_they_are(
        bytes in prop::collection::vec(any::<u8>(), 1..64),
        (threshold, numbers, count) in (1u8..12).prop_flat_map(|count| (1..=count, Just(count)))
            .prop_flat_map(|(threshold, count)| {
                let all: Vec<u8> = (1..=count).collect();
                let some = subsequence(all, usize::from(threshold)..=usize::from(count));
                (Just(threshold), some.prop_shuffle(), Just(count))
            }),
    ) {
        let secret = Secret::new(bytes);
        let shares = split(&secret, threshold, count).unwrap();
        prop_assert_eq!(combine(&pick(&shares, &numbers)).unwrap(), secret);
    }

    #[test]
    fn what_reads_as_a_share_is_written_the_same(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let bytes = [b"UKSHARE\x01".as_slice(), &bytes].concat();
        if let Ok(share) = Share::from_bytes(&bytes) {
            let written = share.to_bytes();
            prop_assert_eq!(written.as_bytes(), &bytes[..]);
        }
    }
}
