//! Passwords, log-ins and second factors: who is let in, and who changes what that takes.

use std::sync::Arc;
use std::thread;

use data_encoding::BASE32_NOPAD;
use dew::caller::Caller;
use dew::iam::{
    IamError, Level, LoginPolicy, LoginProtection, NewUser, PasswordPolicy, ProtectPolicy, Scope, Subject,
    TokenScope, User, UserChange,
};
use totp_rs::Builder;

use super::world::{PASSWORD, with_user};

#[test]
fn wrong_passwords_lock_a_user_for_a_while_and_nobody_is_refused_as_somebody_is() {
    let (world, _, ann) = with_user("ann");
    let bob = world.user(ann.account, "bob");
    let login = |user: Option<&Arc<User>>, password| world.acting().log_in(user.cloned(), password, None);
    for _ in 0..5 {
        assert!(matches!(login(Some(&ann), "wrong"), Err(IamError::WrongLogin)));
        assert!(matches!(login(None, PASSWORD), Err(IamError::WrongLogin)));
    }
    assert!(matches!(login(Some(&ann), PASSWORD), Err(IamError::Locked { minutes: 15 })));
    assert!(matches!(login(Some(&ann), "wrong"), Err(IamError::Locked { minutes: 15 })), "right or wrong");
    login(Some(&bob), PASSWORD).unwrap();
    world.wait(15 * 60);
    login(Some(&ann), PASSWORD).unwrap();
    let none = NewUser { name: "nopass", ..NewUser::default() };
    let none = world.acting().create_user(ann.account, &none).unwrap();
    assert!(matches!(login(Some(&none), ""), Err(IamError::WrongLogin)));
}

#[test]
fn passwords_are_set_changed_and_expire_as_the_account_says() {
    let (world, acme, ann) = with_user("ann");
    let id = acme.account.id;
    let policy = PasswordPolicy { recent: 2, valid_days: 30, least_minutes: 10, ..PasswordPolicy::default() };
    world.acting().set_password_policy(id, |_| Ok(policy)).unwrap();
    let change = |old, new| world.acting().change_own_password(id, ann.id, old, new);
    assert!(matches!(change(PASSWORD, "Another-1-horse"), Err(IamError::Password(_))), "too soon");
    world.wait(600);
    assert!(matches!(change("wrong", "Another-1-horse"), Err(IamError::WrongLogin)));
    assert!(matches!(change(PASSWORD, PASSWORD), Err(IamError::Password(_))), "the same again");
    change(PASSWORD, "Another-1-horse").unwrap();
    world.wait(600);
    assert!(matches!(change("Another-1-horse", PASSWORD), Err(IamError::Password(_))), "one of the last two");
    let login = |password| world.acting().log_in(world.iam.user(id, ann.id), password, None);
    login("Another-1-horse").unwrap();
    world.wait(30 * 86_400);
    assert!(matches!(login("Another-1-horse"), Err(IamError::PasswordExpired { .. })));
    change("Another-1-horse", "A-third-1-horse").unwrap();
    login("A-third-1-horse").unwrap();
    let by_admin = UserChange { password: Some("Given-1-horse"), ..UserChange::default() };
    world.acting().change_user(id, ann.id, &by_admin).unwrap();
    assert!(
        matches!(login("Given-1-horse"), Err(IamError::PasswordExpired { .. })),
        "set by another: to be changed first"
    );
    let due = |user: Option<&User>, old, new| world.acting().change_due_password(user, old, new, |_| Ok(()));
    let now = || world.iam.user(id, ann.id).unwrap();
    assert!(matches!(due(Some(&now()), "wrong", "A-fourth-1-horse"), Err(IamError::WrongLogin)));
    assert!(matches!(due(None, "Given-1-horse", "A-fourth-1-horse"), Err(IamError::WrongLogin)));
    assert!(matches!(due(Some(&now()), "Given-1-horse", "short"), Err(IamError::Password(_))));
    due(Some(&now()), "Given-1-horse", "A-fourth-1-horse").unwrap();
    login("A-fourth-1-horse").unwrap();
    let good = due(Some(&now()), "A-fourth-1-horse", "A-fifth-1-horse");
    assert!(matches!(good, Err(IamError::WrongLogin)), "who can log in does that first");
    let by_admin = UserChange { password: Some("Given-2-horse"), ..UserChange::default() };
    world.acting().change_user(id, ann.id, &by_admin).unwrap();
    world.acting().enable_account(id, false).unwrap();
    assert!(matches!(due(Some(&now()), "Given-2-horse", "A-sixth-1-horse"), Err(IamError::WrongLogin)));
}

/// Who may not change its password while it is good may not once it has expired. One that another set must be changed.
#[test]
fn an_expired_password_is_changed_by_whoever_may_change_it() {
    let (world, acme, ann) = with_user("ann");
    let id = acme.account.id;
    let root = world.iam.user(id, acme.root).unwrap();
    let given = |user: &User, temporary| {
        let change =
            UserChange { password: Some(PASSWORD), temporary: Some(temporary), ..UserChange::default() };
        world.acting().change_user(id, user.id, &change).unwrap()
    };
    let policy = PasswordPolicy { valid_days: 30, recent: 0, ..PasswordPolicy::default() };
    world.acting().set_password_policy(id, |_| Ok(policy)).unwrap();
    let change = |user: &User| {
        let may = |identity| {
            let caller =
                Caller { identity, project: None, request: "r".into(), source: None, agent: None, tls: true };
            world.iam.permit(&caller, "KeystoneUpdateUserPassword", Some(&user.id.to_string()))
        };
        world.acting().change_due_password(Some(user), PASSWORD, PASSWORD, may)
    };
    let expired = |user: &User| {
        let user = given(user, false);
        world.wait(30 * 86_400);
        change(&user)
    };
    expired(&ann).unwrap();

    let own = |own_password| {
        let protect = |policy| Ok(ProtectPolicy { own_password, ..policy });
        world.acting().set_protection(id, protect).unwrap();
    };
    own(false);
    for _ in 0..6 {
        assert!(
            matches!(expired(&ann), Err(IamError::Forbidden(_))),
            "the password was right: it locks nobody"
        );
    }
    expired(&root).unwrap();
    change(&given(&ann, true)).unwrap();

    own(true);
    let deny =
        r#"{"Version":"1.1","Statement":[{"Effect":"Deny","Action":["iam:users:updateOwnPassword"]}]}"#;
    let deny = world.acting().create_role(id, "no", ("", ""), Level::Global, deny).unwrap();
    world.acting().give(id, Subject::User(ann.id), deny.id, Scope::Account).unwrap();
    assert!(matches!(expired(&ann), Err(IamError::Forbidden(_))));
    change(&given(&ann, true)).unwrap();
}

#[test]
fn a_bound_device_is_asked_for_and_takes_each_code_once() {
    let (world, acme, ann) = with_user("ann");
    let id = acme.account.id;
    world.acting().create_device(id, ann.id, "phone").unwrap();
    let seed = world.iam.user(id, ann.id).unwrap().device.as_ref().unwrap().seed();
    let codes = Builder::new().with_secret(BASE32_NOPAD.decode(seed.as_bytes()).unwrap()).build().unwrap();
    let code = |offset: u64| codes.generate(world.now() + offset).to_string();
    let login = |code: Option<&str>| world.acting().log_in(world.iam.user(id, ann.id), PASSWORD, code);
    let protect = UserChange { protection: Some(LoginProtection::Device), ..UserChange::default() };
    assert!(
        matches!(world.acting().change_user(id, ann.id, &protect), Err(IamError::Invalid(_))),
        "not bound yet"
    );

    let (one, two) = (code(0), code(30));
    assert!(matches!(world.acting().bind_device(id, ann.id, &two, &one), Err(IamError::WrongLogin)));
    world.acting().bind_device(id, ann.id, &one, &two).unwrap();
    world.acting().change_user(id, ann.id, &protect).unwrap();
    assert!(matches!(login(None), Err(IamError::NeedsSecondFactor)));
    assert!(matches!(login(Some(&two)), Err(IamError::WrongLogin)), "taken already");
    world.wait(60);
    let now = code(0);
    let logged_in = login(Some(&now)).unwrap();
    assert_eq!(logged_in.identity.mfa, Some(world.now()));
    assert!(matches!(login(Some(&now)), Err(IamError::WrongLogin)), "a code is good once");
    let world = world.again();
    let login = |code: Option<&str>| world.acting().log_in(world.iam.user(id, ann.id), PASSWORD, code);
    assert!(matches!(login(Some(&now)), Err(IamError::WrongLogin)), "also after a restart");
    world.wait(30);
    let next = codes.generate(world.now()).to_string();
    world.acting().unbind_device(id, ann.id, &next).unwrap();
    login(None).unwrap();
}

#[test]
fn a_device_is_bound_by_two_codes_in_a_row_and_what_was_given_ends_with_it() {
    let (world, acme, ann) = with_user("ann");
    let id = acme.account.id;
    let made = world.acting().create_device(id, ann.id, "phone").unwrap();
    let seed = made.device.as_ref().unwrap().seed();
    let codes = Builder::new().with_secret(BASE32_NOPAD.decode(seed.as_bytes()).unwrap()).build().unwrap();
    let code = |offset: i64| codes.generate(world.now().saturating_add_signed(offset)).to_string();
    let bind = |one: i64, two: i64| world.acting().bind_device(id, ann.id, &code(one), &code(two));
    let unbind = || world.acting().unbind_device(id, ann.id, &code(0));
    assert!(matches!(bind(-30, 30), Err(IamError::WrongLogin)), "there is one between them");
    assert!(matches!(unbind(), Err(IamError::Unknown(_))), "it is not bound");
    bind(0, 30).unwrap();
    world.wait(60);
    let login = world.acting().log_in(world.iam.user(id, ann.id), PASSWORD, Some(&code(0))).unwrap();
    let token = world.iam.issue_token(&login, TokenScope::Account).unwrap().text;
    assert!(world.iam.token(&token).is_ok());
    world.wait(30);
    unbind().unwrap();
    assert!(matches!(world.iam.token(&token), Err(IamError::NoToken)));
}

/// Who knows a password guesses at codes no more often than anybody: what the password does by itself forgets no wrong code.
#[test]
fn wrong_codes_beside_the_right_password_lock_a_user() {
    for protection in [LoginProtection::Off, LoginProtection::Device] {
        let (world, acme, ann) = with_user("ann");
        let id = acme.account.id;
        world.acting().create_device(id, ann.id, "phone").unwrap();
        let seed = world.iam.user(id, ann.id).unwrap().device.as_ref().unwrap().seed();
        let codes =
            Builder::new().with_secret(BASE32_NOPAD.decode(seed.as_bytes()).unwrap()).build().unwrap();
        let code = |at: u64| codes.generate(at).to_string();
        world.acting().bind_device(id, ann.id, &code(world.now()), &code(world.now() + 30)).unwrap();
        let change = UserChange { protection: Some(protection), ..UserChange::default() };
        world.acting().change_user(id, ann.id, &change).unwrap();
        world.wait(60);

        let login = |code: Option<&str>| world.acting().log_in(world.iam.user(id, ann.id), PASSWORD, code);
        let good = [world.now() - 30, world.now(), world.now() + 30].map(code);
        let wrong =
            ["000000", "111111", "222222", "333333"].into_iter().find(|code| !good.contains(&(*code).into()));
        for guess in 0..4 {
            assert!(matches!(login(wrong), Err(IamError::WrongLogin)), "{guess}");
            match protection {
                LoginProtection::Off => drop(login(None).unwrap()),
                LoginProtection::Device => assert!(matches!(login(None), Err(IamError::NeedsSecondFactor))),
            }
            let same = world.acting().change_own_password(id, ann.id, PASSWORD, PASSWORD);
            assert!(matches!(same, Err(IamError::Password(_))), "{guess}");
        }
        assert!(matches!(login(wrong), Err(IamError::WrongLogin)));
        let [_, right, _] = &good;
        assert!(matches!(login(Some(right)), Err(IamError::Locked { minutes: 15 })));
        let taken = world.acting().take_code(id, ann.id, right);
        assert!(matches!(taken, Err(IamError::Locked { minutes: 15 })));
        world.wait(15 * 60);
        login(Some(&code(world.now()))).unwrap();
    }
}

/// The values of RFC 6238, Appendix B, in the six digits that devices show.
#[test]
fn codes_are_those_of_rfc_6238() {
    let codes = Builder::new().with_secret(b"12345678901234567890".to_vec()).build().unwrap();
    for (time, code) in
        [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924"), (20_000_000_000, "353130")]
    {
        assert_eq!(codes.generate(time).to_string(), code);
    }
}

/// What is checked before a change and what is changed are of one moment.
#[test]
fn changes_at_once_lose_nothing() {
    let (world, acme, ann) = with_user("ann");
    let id = acme.account.id;
    let changed = thread::scope(|scope| {
        let change = |number| {
            let new = format!("Battery-{number}-staple");
            (world.acting().change_own_password(id, ann.id, PASSWORD, &new).is_ok(), new)
        };
        let threads: Vec<_> = (0..4).map(|number| scope.spawn(move || change(number))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).filter(|(done, _)| *done).collect::<Vec<_>>()
    });
    let [(_, new)] = changed.as_slice() else {
        panic!("one changes it, and the others are late: {changed:?}")
    };
    world.acting().log_in(world.iam.user(id, ann.id), new, None).unwrap();

    let longer =
        |policy: LoginPolicy| Ok(LoginPolicy { lockout_minutes: policy.lockout_minutes + 1, ..policy });
    thread::scope(|scope| {
        (0..8).for_each(|_| drop(scope.spawn(|| world.acting().set_login_policy(id, longer).unwrap())));
    });
    let account = world.iam.account(id).unwrap();
    assert_eq!(account.logins.lockout_minutes, LoginPolicy::default().lockout_minutes + 8);
    let refused = world.acting().set_login_policy(id, |policy| Ok(LoginPolicy { tries: 0, ..policy }));
    assert!(matches!(refused, Err(IamError::Range { .. })));
}
