//! Objects: creating, finding, copying, destroying, and who sees them.

use cryptoki_sys as ck;

use super::{Checked, Group, Outcome, State, hold, want, want_error};
use crate::session::Session;
use crate::template::Template;

fn label(text: &str) -> Template {
    Template::new().bytes(ck::CKA_LABEL, text.as_bytes())
}

fn found(session: Session, template: &Template, number: usize) -> Checked {
    let got = session.find(template)?.len();
    hold(got == number, &format!("{number} found"), format!("{got} found"))
}

pub(super) fn checks(group: &mut Group<'_>) {
    for handle in [0, u64::MAX, 0x7777_7777] {
        group.add(State::User, format!("object handle {handle:#x}"), move |bench| {
            let invalid = &[ck::CKR_OBJECT_HANDLE_INVALID];
            let session = bench.session;
            want_error(session.get(handle, ck::CKA_CLASS), invalid)?;
            want(session.set(handle, &label("x")), invalid)?;
            want_error(session.copy(handle, &Template::new()), invalid)?;
            want_error(session.object_size(handle), invalid)?;
            want(session.destroy(handle), invalid)
        });
    }
    group.add(State::User, "an object destroyed twice", |bench| {
        let object = bench.data()?;
        want(bench.session.destroy(object), &[ck::CKR_OK])?;
        want(bench.session.destroy(object), &[ck::CKR_OBJECT_HANDLE_INVALID])
    });
    group.add(State::User, "C_GetObjectSize gives a size or says that it is unknown", |bench| {
        let size = bench.session.object_size(bench.data()?)?;
        hold(size > 0, "a size", size)
    });
    finding(group);
    copying(group);
    private(group);
}

fn finding(group: &mut Group<'_>) {
    group.add(State::User, "find by label, and by label and value", |bench| {
        bench.session.create(&Template::data("one", b"1"))?;
        bench.session.create(&Template::data("two", b"2"))?;
        found(bench.session, &label("one"), 1)?;
        found(bench.session, &label("one").bytes(ck::CKA_VALUE, b"1"), 1)?;
        found(bench.session, &label("one").bytes(ck::CKA_VALUE, b"2"), 0)?;
        found(bench.session, &label("o"), 0)
    });
    group.add(State::User, "find by an attribute that no object has", |bench| {
        bench.data()?;
        found(bench.session, &Template::new().bytes(0x8000_0bad, b"x"), 0)
    });
    group.add(State::User, "an empty template finds all", |bench| {
        let before = bench.session.find(&Template::new())?.len();
        bench.data()?;
        found(bench.session, &Template::new(), before + 1)
    });
    group.add(State::User, "find by key type finds no data object", |bench| {
        bench.session.create(&Template::data("typed", b"1"))?;
        found(bench.session, &label("typed").ulong(ck::CKA_KEY_TYPE, ck::CKK_AES), 0)
    });
    group.add(State::User, "a second C_FindObjectsInit", |bench| {
        bench.session.find_begin(&Template::new()).ok()?;
        want(bench.session.find_begin(&Template::new()), &[ck::CKR_OPERATION_ACTIVE])
    });
    group.add(State::User, "C_FindObjects before and after a search", |bench| {
        let none = &[ck::CKR_OPERATION_NOT_INITIALIZED];
        want_error(bench.session.find_next(1), none)?;
        want(bench.session.find_end(), none)?;
        bench.session.find_begin(&Template::new()).ok()?;
        want(bench.session.find_end(), &[ck::CKR_OK])?;
        want_error(bench.session.find_next(1), none)
    });
    group.add(State::User, "C_FindObjects in steps finds each object once", |bench| {
        for _ in 0..5 {
            bench.session.create(&Template::data("stepwise", b"x"))?;
        }
        bench.session.find_begin(&label("stepwise")).ok()?;
        let mut all = Vec::new();
        loop {
            let some = bench.session.find_next(2)?;
            hold(some.len() <= 2, "at most 2", some.len())?;
            if some.is_empty() {
                break;
            }
            all.extend(some);
        }
        want(bench.session.find_end(), &[ck::CKR_OK])?;
        all.sort_unstable();
        all.dedup();
        hold(all.len() == 5, "5 objects", all.len())
    });
    group.add(State::User, "searches of two sessions do not disturb each other", |bench| {
        let other = Session::open(bench.module, bench.slot)?;
        bench.session.create(&Template::data("here", b"x"))?;
        bench.session.find_begin(&label("here")).ok()?;
        found(other, &label("nowhere"), 0)?;
        let some = bench.session.find_next(10)?.len();
        hold(some == 1, "1 found", some)
    });
    group.add(State::User, "an object made during a search is not found twice", |bench| {
        bench.session.create(&Template::data("during", b"x"))?;
        bench.session.find_begin(&label("during")).ok()?;
        bench.session.create(&Template::data("during", b"x"))?;
        let some = bench.session.find_next(10)?.len();
        hold((1..=2).contains(&some), "1 or 2 found", some)
    });
}

fn copying(group: &mut Group<'_>) {
    group.add(State::User, "a copy has another handle and the same value", |bench| {
        let object = bench.data()?;
        let copy = bench.session.copy(object, &label("a copy"))?;
        hold(copy != object, "another handle", copy)?;
        let value = bench.session.get(copy, ck::CKA_VALUE)?;
        hold(value == b"its value", "the same value", format!("{value:x?}"))?;
        let name = bench.session.get(object, ck::CKA_LABEL)?;
        hold(name == b"a data object", "the original unchanged", format!("{name:x?}"))
    });
    group.add(State::User, "a copy of an object with CKA_COPYABLE false", |bench| {
        let template = Template::data("single", b"x").bool(ck::CKA_COPYABLE, false);
        let object = bench.session.create(&template)?;
        want_error(bench.session.copy(object, &Template::new()), &[ck::CKR_ACTION_PROHIBITED])
    });
    group.add(State::User, "an object with CKA_DESTROYABLE false is not destroyed", |bench| {
        let template = Template::data("eternal", b"x").bool(ck::CKA_DESTROYABLE, false);
        let object = bench.session.create(&template)?;
        want(bench.session.destroy(object), &[ck::CKR_ACTION_PROHIBITED])
    });
    group.add(State::User, "an object with CKA_MODIFIABLE false is not changed", |bench| {
        let template = Template::data("fixed", b"x").bool(ck::CKA_MODIFIABLE, false);
        let object = bench.session.create(&template)?;
        let allowed = [ck::CKR_ACTION_PROHIBITED, ck::CKR_ATTRIBUTE_READ_ONLY];
        want(bench.session.set(object, &label("y")), &allowed)
    });
    group.add(State::User, "a copy may be less sensitive in nothing", |bench| {
        let key = bench
            .aes_with(&Template::new().bool(ck::CKA_SENSITIVE, true).bool(ck::CKA_EXTRACTABLE, false))?;
        let open = Template::new().bool(ck::CKA_SENSITIVE, false);
        let allowed = [ck::CKR_ATTRIBUTE_READ_ONLY, ck::CKR_TEMPLATE_INCONSISTENT];
        want_error(bench.session.copy(key, &open), &allowed)?;
        let open = Template::new().bool(ck::CKA_EXTRACTABLE, true);
        want_error(bench.session.copy(key, &open), &allowed)
    });
    group.add(State::User, "a copy may be more sensitive", |bench| {
        let copy = bench.session.copy(bench.aes()?, &Template::new().bool(ck::CKA_SENSITIVE, true))?;
        want_error(bench.session.get(copy, ck::CKA_VALUE), &[ck::CKR_ATTRIBUTE_SENSITIVE])
    });
}

fn private(group: &mut Group<'_>) {
    group.add(State::Public, "a private object is not made by nobody", |bench| {
        let template = Template::data("mine", b"x").bool(ck::CKA_PRIVATE, true);
        want_error(bench.session.create(&template), &[ck::CKR_USER_NOT_LOGGED_IN])
    });
    group.add(State::Public, "a private key is not generated by nobody", |bench| {
        let template = Template::new().bool(ck::CKA_PRIVATE, true);
        want_error(bench.aes_with(&template), &[ck::CKR_USER_NOT_LOGGED_IN])
    });
    group.add(State::User, "a private token object is gone after logout and back after login", |bench| {
        let name = format!("conformance-{}", std::process::id());
        let template = Template::new()
            .ulong(ck::CKA_CLASS, ck::CKO_DATA)
            .yes(&[ck::CKA_TOKEN, ck::CKA_PRIVATE])
            .bytes(ck::CKA_LABEL, name.as_bytes())
            .bytes(ck::CKA_VALUE, b"x");
        let object = bench.session.create(&template)?;
        bench.session.logout().ok()?;
        let hidden = found(bench.session, &label(&name), 0);
        let dead = want_error(bench.session.get(object, ck::CKA_VALUE), &[ck::CKR_OBJECT_HANDLE_INVALID]);
        bench.session.login(ck::CKU_USER, &bench.target.pin).ok()?;
        let objects = bench.session.find(&label(&name))?;
        for object in &objects {
            bench.session.destroy(*object);
        }
        hidden.and(dead).and(hold(objects.len() == 1, "found again", objects.len()))
    });
    group.add(State::User, "a private session object is gone after logout for good", |bench| {
        bench.session.create(&Template::data("passing", b"x").bool(ck::CKA_PRIVATE, true))?;
        bench.session.logout().ok()?;
        bench.session.login(ck::CKU_USER, &bench.target.pin).ok()?;
        found(bench.session, &label("passing"), 0)
    });
    group.add(State::User, "a public session object stays after logout", |bench| {
        let object = bench.session.create(&Template::data("staying", b"x").bool(ck::CKA_PRIVATE, false))?;
        bench.session.logout().ok()?;
        Ok::<(), Outcome>(bench.session.get(object, ck::CKA_VALUE).map(drop)?)
    });
}
