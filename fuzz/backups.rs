//! What the fuzz targets of backup files do with bytes from outside, so that plain tests can do the same.
#![allow(dead_code, unreachable_pub)]

use backup::{CarriedShare, DomainSecret, Opener, Sealed};
use crypto::{Hash, Secret, hash};

/// The cloning domain that the samples are sealed for.
pub fn domain() -> DomainSecret {
    DomainSecret { id: [9; 16], secret: Secret::new(vec![7; 32]) }
}

/// A backup, whose header's checksum is mended first: else hardly any input would get past it.
pub fn backup(data: &[u8]) -> bool {
    whole(data) || whole(&mended(data))
}

fn whole(data: &[u8]) -> bool {
    let Ok(sealed) = Sealed::read(data) else { return false };
    assert!(sealed.header().file_len().is_some());
    assert!(!sealed.header().lock.opens_with().is_empty());
    let intact = Sealed::read(data).is_ok_and(|sealed| sealed.check_hash().is_ok());
    let Ok(mut reader) = sealed.open(&Opener::Domain(domain())) else { return false };
    loop {
        match reader.next() {
            Ok(Some((_, bytes))) => assert!(bytes.len() <= data.len()),
            Ok(None) => {
                assert!(intact, "what opens is as its hash says");
                return true;
            }
            Err(_) => return false,
        }
    }
}

fn mended(data: &[u8]) -> Vec<u8> {
    let mut data = data.to_vec();
    let len = data.get(9..13).and_then(|len| len.try_into().ok()).map_or(0, u32::from_le_bytes) as usize;
    if len >= 77 && len <= data.len() {
        let sum = hash::digest(Hash::Sha256, &data[..len - 64]).expect("SHA-256");
        data[len - 64..len - 32].copy_from_slice(&sum);
    }
    data
}

/// A share on its way to the one who restores.
pub fn carried_share(data: &[u8]) -> bool {
    CarriedShare::from_bytes(data).is_ok_and(|share| {
        assert_eq!(share.to_bytes(), data);
        true
    })
}
