//! Keys and the uses, mechanisms and handles that do not fit them.

use cryptoki_sys as ck;

use super::{Bench, Group, Outcome, State, want, want_error, want_refusal};
use crate::mechanism::Mechanism;
use crate::module::Begin;
use crate::template::Template;

type Pick = fn(&Bench) -> Result<u64, Outcome>;

const USES: [u64; 6] =
    [ck::CKA_ENCRYPT, ck::CKA_DECRYPT, ck::CKA_SIGN, ck::CKA_VERIFY, ck::CKA_WRAP, ck::CKA_UNWRAP];

/// A key pair or key of which each use is refused.
fn useless_aes(bench: &Bench) -> Result<u64, Outcome> {
    Ok(bench.aes_with(&Template::new().no(&USES))?)
}

fn useless_hmac(bench: &Bench) -> Result<u64, Outcome> {
    let template = Template::secret(ck::CKK_GENERIC_SECRET).bytes(ck::CKA_VALUE, &[1; 32]).no(&USES);
    Ok(bench.session.create(&template.bool(ck::CKA_TOKEN, false))?)
}

pub(super) fn checks(group: &mut Group<'_>) {
    permissions(group);
    types(group);
    handles(group);
    wrapping(group);
}

fn permissions(group: &mut Group<'_>) {
    let rows: [(&str, Begin, Mechanism, Pick); 5] = [
        ("encrypts", Begin::Encrypt, Mechanism::ecb(), useless_aes),
        ("decrypts", Begin::Decrypt, Mechanism::ecb(), useless_aes),
        ("signs by HMAC", Begin::Sign, Mechanism::plain(ck::CKM_SHA256_HMAC), useless_hmac),
        ("verifies by HMAC", Begin::Verify, Mechanism::plain(ck::CKM_SHA256_HMAC), useless_hmac),
        ("signs by CMAC", Begin::Sign, Mechanism::plain(ck::CKM_AES_CMAC), useless_aes),
    ];
    for (name, which, how, key) in rows {
        group.add(State::User, format!("no key without the right {name}"), move |bench| {
            let rv = bench.session.begin(which, &how, key(bench)?);
            want_refusal(rv.ok(), &[ck::CKR_KEY_FUNCTION_NOT_PERMITTED])
        });
    }
    group.add(State::User, "no RSA key without the right signs or decrypts", |bench| {
        let public = Template::new().bool(ck::CKA_TOKEN, false).ulong(ck::CKA_MODULUS_BITS, 2048);
        let private = Template::new().no(&[ck::CKA_TOKEN, ck::CKA_SIGN, ck::CKA_DECRYPT]);
        let public = public.bytes(ck::CKA_PUBLIC_EXPONENT, &[1, 0, 1]).no(&[ck::CKA_VERIFY, ck::CKA_ENCRYPT]);
        let how = Mechanism::plain(ck::CKM_RSA_PKCS_KEY_PAIR_GEN);
        let (public, private) = bench.session.generate_pair(&how, &public, &private)?;
        let how = Mechanism::plain(ck::CKM_RSA_PKCS);
        let refused = &[ck::CKR_KEY_FUNCTION_NOT_PERMITTED];
        want(bench.session.begin(Begin::Sign, &how, private), refused)?;
        want(bench.session.begin(Begin::Decrypt, &how, private), refused)?;
        want(bench.session.begin(Begin::Verify, &how, public), refused)?;
        want(bench.session.begin(Begin::Encrypt, &how, public), refused)
    });
    group.add(State::User, "no key without the right wraps or unwraps", |bench| {
        let (key, how) = (useless_aes(bench)?, Mechanism::plain(ck::CKM_AES_KEY_WRAP));
        let refused = &[ck::CKR_KEY_FUNCTION_NOT_PERMITTED];
        want_refusal(bench.session.wrap(&how, key, bench.aes()?), refused)?;
        let template = Template::secret(ck::CKK_AES).bool(ck::CKA_TOKEN, false);
        want_refusal(bench.session.unwrap(&how, key, &[1; 40], &template), refused)
    });
    group.add(State::User, "no key without the right derives", |bench| {
        let key = bench.aes_with(&Template::new().bool(ck::CKA_DERIVE, false))?;
        let template = Template::secret(ck::CKK_GENERIC_SECRET).bool(ck::CKA_TOKEN, false);
        let how = Mechanism::text(ck::CKM_AES_ECB_ENCRYPT_DATA, &[0; 16]);
        want_refusal(bench.session.derive(&how, key, &template), &[ck::CKR_KEY_FUNCTION_NOT_PERMITTED])
    });
}

fn types(group: &mut Group<'_>) {
    let wrong = &[ck::CKR_KEY_TYPE_INCONSISTENT, ck::CKR_KEY_FUNCTION_NOT_PERMITTED];
    let rows: [(&str, Begin, u64, Pick); 12] = [
        ("an RSA key encrypts by AES-ECB", Begin::Encrypt, ck::CKM_AES_ECB, |b| Ok(b.rsa()?.0)),
        ("an RSA key decrypts by AES-ECB", Begin::Decrypt, ck::CKM_AES_ECB, |b| Ok(b.rsa()?.1)),
        ("a generic secret encrypts by AES-ECB", Begin::Encrypt, ck::CKM_AES_ECB, |b| Ok(b.hmac()?)),
        ("an AES key encrypts by RSA-PKCS", Begin::Encrypt, ck::CKM_RSA_PKCS, |b| Ok(b.aes()?)),
        ("an AES key signs by RSA-PKCS", Begin::Sign, ck::CKM_RSA_PKCS, |b| Ok(b.aes()?)),
        ("an RSA key signs by ECDSA", Begin::Sign, ck::CKM_ECDSA, |b| Ok(b.rsa()?.1)),
        ("an EC key signs by RSA-PKCS", Begin::Sign, ck::CKM_RSA_PKCS, |b| Ok(b.ec()?.1)),
        ("an EC key verifies by RSA-PKCS", Begin::Verify, ck::CKM_RSA_PKCS, |b| Ok(b.ec()?.0)),
        ("a public key signs", Begin::Sign, ck::CKM_RSA_PKCS, |b| Ok(b.rsa()?.0)),
        ("a private key verifies", Begin::Verify, ck::CKM_RSA_PKCS, |b| Ok(b.rsa()?.1)),
        ("an RSA key signs by HMAC", Begin::Sign, ck::CKM_SHA256_HMAC, |b| Ok(b.rsa()?.1)),
        ("an EC key signs by CMAC", Begin::Sign, ck::CKM_AES_CMAC, |b| Ok(b.ec()?.1)),
    ];
    for (name, which, id, key) in rows {
        group.add(State::User, name, move |bench| {
            want_refusal(bench.session.begin(which, &Mechanism::plain(id), key(bench)?).ok(), wrong)
        });
    }
    let rows: [(&str, Begin, u64, Pick); 6] = [
        ("encrypt by a digest", Begin::Encrypt, ck::CKM_SHA256, |b| Ok(b.aes()?)),
        ("encrypt by key generation", Begin::Encrypt, ck::CKM_AES_KEY_GEN, |b| Ok(b.aes()?)),
        ("sign by AES-ECB", Begin::Sign, ck::CKM_AES_ECB, |b| Ok(b.aes()?)),
        ("decrypt by HMAC", Begin::Decrypt, ck::CKM_SHA256_HMAC, |b| Ok(b.hmac()?)),
        ("encrypt by no mechanism there is", Begin::Encrypt, 0x7fff_fff0, |b| Ok(b.aes()?)),
        ("sign by no mechanism there is", Begin::Sign, 0x7fff_fff0, |b| Ok(b.hmac()?)),
    ];
    for (name, which, id, key) in rows {
        group.add(State::User, name, move |bench| {
            want(bench.session.begin(which, &Mechanism::plain(id), key(bench)?), &[ck::CKR_MECHANISM_INVALID])
        });
    }
    group.add(State::User, "digest by AES-ECB", |bench| {
        want(bench.module.begin_digest(bench.session.handle, &Mechanism::ecb()), &[ck::CKR_MECHANISM_INVALID])
    });
    group.add(State::User, "generate a key by AES-ECB", |bench| {
        let template = Template::new().bool(ck::CKA_TOKEN, false).ulong(ck::CKA_VALUE_LEN, 16);
        want_error(bench.session.generate(&Mechanism::ecb(), &template), &[ck::CKR_MECHANISM_INVALID])
    });
    group.add(State::User, "derive by AES-KEY-GEN", |bench| {
        let key = bench.aes_with(&Template::new().bool(ck::CKA_DERIVE, true))?;
        let how = Mechanism::plain(ck::CKM_AES_KEY_GEN);
        let template = Template::secret(ck::CKK_AES).bool(ck::CKA_TOKEN, false);
        want_error(bench.session.derive(&how, key, &template), &[ck::CKR_MECHANISM_INVALID])
    });
}

fn handles(group: &mut Group<'_>) {
    let invalid = &[ck::CKR_KEY_HANDLE_INVALID];
    for handle in [0, u64::MAX, 0x7777_7777] {
        group.add(State::User, format!("a key handle of {handle:#x}"), move |bench| {
            want(bench.session.begin(Begin::Encrypt, &Mechanism::ecb(), handle), invalid)?;
            want(bench.session.begin(Begin::Decrypt, &Mechanism::ecb(), handle), invalid)?;
            let how = Mechanism::plain(ck::CKM_SHA256_HMAC);
            want(bench.session.begin(Begin::Sign, &how, handle), invalid)?;
            want(bench.session.begin(Begin::Verify, &how, handle), invalid)
        });
        group.add(State::User, format!("wrapping with handle {handle:#x}"), move |bench| {
            let how = Mechanism::plain(ck::CKM_AES_KEY_WRAP);
            let key = bench.aes()?;
            let template = Template::secret(ck::CKK_AES).bool(ck::CKA_TOKEN, false);
            want_refusal(bench.session.wrap(&how, handle, key), &[ck::CKR_WRAPPING_KEY_HANDLE_INVALID])?;
            want_refusal(bench.session.wrap(&how, key, handle), invalid)?;
            let unwrapped = bench.session.unwrap(&how, handle, &[0; 40], &template);
            want_refusal(unwrapped, &[ck::CKR_UNWRAPPING_KEY_HANDLE_INVALID])
        });
    }
    group.add(State::User, "a data object for a key", |bench| {
        want(
            bench.session.begin(Begin::Encrypt, &Mechanism::ecb(), bench.data()?),
            &[ck::CKR_KEY_HANDLE_INVALID, ck::CKR_KEY_TYPE_INCONSISTENT, ck::CKR_KEY_FUNCTION_NOT_PERMITTED],
        )
    });
    group.add(State::User, "a destroyed key", |bench| {
        let key = bench.aes()?;
        bench.session.destroy(key).ok()?;
        want(bench.session.begin(Begin::Encrypt, &Mechanism::ecb(), key), invalid)
    });
}

fn wrapping(group: &mut Group<'_>) {
    let guarded = || {
        Template::new()
            .bool(ck::CKA_SENSITIVE, true)
            .bool(ck::CKA_EXTRACTABLE, false)
            .yes(&[ck::CKA_WRAP, ck::CKA_UNWRAP])
    };
    let how = || Mechanism::plain(ck::CKM_AES_KEY_WRAP);
    group.add(State::User, "a key that is not extractable is not wrapped", move |bench| {
        let (wrapping, key) = (bench.aes_with(&guarded())?, bench.aes_with(&guarded())?);
        let answer = bench.session.wrap(&how(), wrapping, key);
        want_refusal(answer, &[ck::CKR_KEY_UNEXTRACTABLE, ck::CKR_KEY_NOT_WRAPPABLE])
    });
    group.add(State::User, "a wrapped key with a bit flipped is refused", move |bench| {
        let (wrapping, key) = (bench.aes_with(&guarded())?, bench.aes()?);
        let mut blob = bench.session.wrap(&how(), wrapping, key)?;
        blob[3] ^= 1;
        let template = Template::secret(ck::CKK_AES).bool(ck::CKA_TOKEN, false);
        want_error(bench.session.unwrap(&how(), wrapping, &blob, &template), &[ck::CKR_WRAPPED_KEY_INVALID])
    });
    for len in [0, 1, 7, 8, 15, 23, 39] {
        group.add(State::User, format!("a wrapped key of {len} bytes is refused"), move |bench| {
            let wrapping = bench.aes_with(&guarded())?;
            let template = Template::secret(ck::CKK_AES).bool(ck::CKA_TOKEN, false);
            let answer = bench.session.unwrap(&how(), wrapping, &vec![1; len], &template);
            let allowed = [ck::CKR_WRAPPED_KEY_LEN_RANGE, ck::CKR_WRAPPED_KEY_INVALID, ck::CKR_ARGUMENTS_BAD];
            want_refusal(answer, &allowed)
        });
    }
    group.add(State::User, "a wrapped key comes back the same", move |bench| {
        let (wrapping, key) = (bench.aes_with(&guarded())?, bench.aes()?);
        let blob = bench.session.wrap(&how(), wrapping, key)?;
        let template = Template::secret(ck::CKK_AES).bool(ck::CKA_TOKEN, false).bool(ck::CKA_ENCRYPT, true);
        let back = bench.session.unwrap(&how(), wrapping, &blob, &template)?;
        let one = bench.session.encrypt(&Mechanism::ecb(), key, &[1; 16])?;
        let two = bench.session.encrypt(&Mechanism::ecb(), back, &[1; 16])?;
        super::hold(one == two, "the same key", "another")
    });
}
