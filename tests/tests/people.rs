//! People at the console: who is registered, who logs in, and that every command is for those in the table alone.

use std::collections::BTreeSet;

use tests::{Hsm, Staff};
use ukey::Holder;
use wire::admin::command::{Quorum, Who};
use wire::admin::people::{Ask as People, Founder, LOGIN, Registered, Told as Answer};
use wire::admin::{Ask, Command, Role, Told};
use wire::{Bytes, List};

#[path = "people/samples.rs"]
mod samples;

use samples::sample;

/// A person for each role, those of partitions on `dev-1`.
const CAST: [(&str, Role); 6] = [
    ("Ada", Role::HsmSo),
    ("Pia", Role::PartitionSo),
    ("Olaf", Role::CryptoOfficer),
    ("Uwe", Role::CryptoUser),
    ("Aida", Role::Auditor),
    ("Bob", Role::BackupOperator),
];

/// An HSM with the whole cast, of whom Ada and Ben are security officers; nothing needs approval.
fn with_cast(hsm: &Hsm) -> Staff<'_> {
    let mut names: Vec<_> = CAST.iter().map(|(name, _)| *name).collect();
    names.push("Ben");
    let staff = Staff::new(hsm, &names);
    staff.initialise(&["Ada", "Ben"], 0);
    let dev = ["--partition", "dev-1"];
    let add = |by: &str, name: &str, role: Role, place: &[&str]| {
        let key = format!("{name}.pub");
        let mut words = vec!["people", "add", name, "--role", role.name(), "--key", &key];
        words.extend(place);
        staff.by(by, &words).succeeds().done();
    };
    add("Ada", "Pia", Role::PartitionSo, &dev);
    add("Pia", "Olaf", Role::CryptoOfficer, &dev);
    add("Pia", "Uwe", Role::CryptoUser, &dev);
    add("Ada", "Bob", Role::BackupOperator, &[]);
    auditor(&staff, "Aida");
    staff
}

/// Registers the first auditor, which takes nobody's leave.
fn auditor(staff: &Staff<'_>, name: &str) {
    let (key, pin) = (format!("{name}.ukey"), format!("{name}.pin"));
    let words = ["people", "add", name, "--role", "auditor", "--key", &key, "--key-pin-file", &pin];
    staff.nobody(&words).succeeds().says("is auditor").done();
}

fn may(role: Role, command: Command) -> bool {
    match command.who() {
        Who::Anyone => true,
        Who::Roles(roles) => roles.contains(&role),
    }
}

/// Whether the daemon refused by role, and not for what the command asked.
fn refused_by_role(reason: &str) -> bool {
    reason.contains("may not give `") || reason.contains("nobody is logged in, and `")
}

/// Requirement: DHSM-004, TAG-016
#[test]
fn each_role_may_give_the_commands_of_the_table_and_no_other() {
    let hsm = Hsm::start();
    let staff = with_cast(&hsm);
    for (name, role) in CAST {
        let mut console = staff.console_of(name);
        let asked = Ask::People(People::WhoAmI { partition: Some("dev-1".into()) });
        let Told::People(Answer::Me { may: told, person, .. }) = console.ask(&asked) else {
            panic!("{name} is told nothing")
        };
        assert_eq!(person.unwrap().roles[0].role, role.name());
        let told: BTreeSet<_> = told.into_iter().collect();
        for &command in Command::ALL.iter().filter(|command| **command != Command::Chunk) {
            assert_eq!(told.contains(&command), may(role, command), "{name}, {role:?}: {}", command.name());
            // What is refused is refused when it is given, with a word on who may.
            if !may(role, command) {
                let reason = console.refused(&sample(command));
                let Who::Roles(roles) = command.who() else { unreachable!() };
                assert!(refused_by_role(&reason), "{name}: {reason}");
                for one in roles {
                    assert!(reason.contains(one.name()), "{}: {reason}", command.name());
                }
            }
        }
    }
}

/// Requirement: DHSM-006
#[test]
fn without_a_ukey_nobody_not_even_root_gives_a_command_and_there_is_no_back_door() {
    let hsm = Hsm::start();
    let staff = with_cast(&hsm);
    let mut console = staff.console();
    let Told::People(Answer::Me { person: None, owned: true, may }) =
        console.ask(&Ask::People(People::WhoAmI { partition: None }))
    else {
        panic!("nobody is somebody")
    };
    for &command in Command::ALL {
        if let Who::Roles(_) = command.who() {
            assert!(!may.contains(&command), "{}", command.name());
            let reason = console.refused(&sample(command));
            assert!(refused_by_role(&reason), "{}: {reason}", command.name());
        }
    }
    // The daemon's own user, which these tests run as, is no better than others.
    staff.nobody(&["partition", "delete", "dev-1", "--yes"]).fails().says("nobody is logged in").done();
    staff
        .nobody(&["people", "init", "Ben.ukey", "--quorum", "0", "--pins-file", "Ben.pin", "--yes"])
        .fails()
        .says("nobody is logged in")
        .done();
    staff
        .by("Ada", &["people", "init", "Ben.ukey", "--quorum", "0", "--pins-file", "Ben.pin", "--yes"])
        .fails()
        .says("the HSM is initialised already, and belongs to Ada, Ben")
        .done();
    // The lost UKeys of all officers are the end of administration: keys stay usable, and that is all.
    for name in ["Ada", "Ben"] {
        std::fs::remove_file(hsm.path(&format!("{name}.ukey"))).unwrap();
    }
    staff.hire("Ada");
    staff.by("Ada", &["people", "list"]).fails().says("is not registered with this HSM").done();
    hsm.user("--list-objects").succeeds().done();
}

#[test]
fn before_anybody_is_registered_whoever_connects_is_the_officer() {
    let hsm = Hsm::start();
    let staff = Staff::new(&hsm, &["Ada"]);
    staff.nobody(&["people", "list"]).succeeds().says("Nobody is registered").done();
    staff.nobody(&["whoami"]).succeeds().says("partition delete").done();
    staff.nobody(&["partition", "rename", "dev-1", "other"]).succeeds().done();
    staff
        .nobody(&["people", "add", "Ada", "--role", "hsm-so", "--key", "Ada.pub"])
        .fails()
        .says("the HSM has no security officer yet: `people init` comes first")
        .done();
    // A UKey that is given is of no use yet, and does no harm.
    staff.by("Ada", &["partition", "list"]).succeeds().done();
}

/// Requirement: DHSM-004
#[test]
fn the_hsm_is_initialised_by_ukeys_that_sign_and_not_without() {
    let hsm = Hsm::start();
    let staff = Staff::new(&hsm, &["Ada", "Ben", "Eva"]);
    let mut console = staff.console();
    let key = staff.key("Ada");
    let founder = |signature: Option<Vec<u8>>| Founder {
        person: "Ada".into(),
        ukey: Registered {
            id: *key.public().id().as_bytes(),
            public: Bytes::from(key.public().to_bytes()),
            signature: signature.map(Bytes::from),
        },
    };
    let init = |founder: Founder| {
        Ask::People(People::Init { officers: List::new(vec![founder]).unwrap(), quorum: 0 })
    };
    assert!(console.refused(&init(founder(None))).contains("ask for a challenge first"));
    let message = console.challenge(&[]);
    assert!(console.refused(&init(founder(None))).contains("must be registered by the UKey's own signature"));
    // A signature that logs in is none that founds.
    let signature = key.sign(LOGIN, &message).unwrap();
    console.challenge(&[]);
    let reason = console.refused(&init(founder(Some(signature))));
    assert!(reason.contains("the signature is not by UKey"), "{reason}");
    let init = |quorum: &str, ukeys: &[&str], pins: &str| {
        hsm.write("pins", pins);
        let mut words = vec!["people", "init", "--quorum", quorum, "--pins-file", "pins", "--yes"];
        words.extend(ukeys);
        staff.nobody(&words)
    };
    let (ada, ben) = ("pin of Ada\n", "pin of Ben\n");
    init("1", &["Ada.ukey"], "wrong pin\n").fails().says("wrong PIN").done();
    init("1", &["Ada.pub"], ada).fails().says("public part").done();
    init("3", &["Ada.ukey", "Ben.ukey"], &format!("{ada}{ben}"))
        .fails()
        .says("3 hsm-so cannot approve: there are 2")
        .done();
    init("1", &["Ada.ukey", "Ada.ukey"], &format!("{ada}{ada}")).fails().says("registered already").done();
    init("1", &["Ada.ukey", "Ben.ukey"], ada).fails().says("pins has 1 PINs, and there are 2 UKeys").done();
    // Nothing of all that was half done.
    staff.nobody(&["people", "list"]).succeeds().says("Nobody is registered").done();
    init("1", &["Ada.ukey", "Ben.ukey"], &format!("{ada}{ben}")).succeeds().done();
    staff.by("Ben", &["people", "list"]).succeeds().says("Ada").done();
    staff.by("Eva", &["people", "list"]).fails().says("is not registered").done();
}

#[test]
fn a_role_of_one_partition_counts_there_and_nowhere_else() {
    let hsm = Hsm::with(&["--partitions", "2"]);
    let staff = with_cast(&hsm);
    staff
        .by("Pia", &["partition", "rename", "dev-2", "x"])
        .fails()
        .says("Pia (partition-so of slot 1) may not")
        .done();
    staff.by("Pia", &["partition", "rename", "dev-1", "mine"]).succeeds().done();
    staff.by("Pia", &["partition", "list"]).succeeds().says("mine").never_says("dev-2").done();
    staff.by("Ada", &["partition", "list"]).succeeds().says("mine").says("dev-2").done();
    staff.by("Olaf", &["object", "list", "mine"]).succeeds().done();
    staff.by("Olaf", &["object", "list", "dev-2"]).fails().says("may not give `object list`").done();
    // Nor over a partition that does not exist, whose name might come to be one's.
    staff.by("Pia", &["partition", "rename", "nowhere", "x"]).fails().says("may not give").done();
    let no_place = ["people", "add", "X", "--role", "partition-so", "--key", "Uwe.pub"];
    staff.by("Ada", &no_place).fails().says("name it with --partition").done();
    let for_whole = ["people", "add", "Pia", "--role", "hsm-so", "--partition", "mine"];
    staff.by("Ada", &for_whole).fails().says("of the whole HSM").done();
    // With the partition go the roles in it, and the people who have no other.
    staff.by("Ada", &["partition", "delete", "mine", "--yes"]).succeeds().done();
    staff.by("Ada", &["people", "list"]).succeeds().never_says("Pia").never_says("Olaf").says("Bob").done();
}

#[test]
fn a_signature_logs_in_once_on_the_connection_that_it_was_asked_on() {
    let hsm = Hsm::start();
    let staff = Staff::new(&hsm, &["Ada", "Ben"]);
    staff.initialise(&["Ada", "Ben"], 0);
    let key = staff.key("Ada");
    let (mut here, mut there) = (staff.console(), staff.console());
    let failed = |told: Told| match told {
        Told::Failed { reason } => reason,
        told => panic!("should be refused: {told:?}"),
    };
    let message = here.challenge(&[]);
    let signature = key.sign(LOGIN, &message).unwrap();
    there.challenge(&[]);
    assert!(failed(there.answer(&key, signature.clone())).contains("the log-in is refused"));
    assert!(matches!(here.answer(&key, signature.clone()), Told::People(_)));
    // Again: the challenge is used up; and with a new challenge the old signature says nothing.
    assert!(failed(here.answer(&key, signature.clone())).contains("ask for a challenge first"));
    here.challenge(&[]);
    assert!(failed(here.answer(&key, signature)).contains("the log-in is refused"));
    // Who failed to log in is nobody now.
    assert!(refused_by_role(&here.refused(&Ask::PartitionList)));
    // A signature in another context, and Ben's under Ada's name.
    let message = here.challenge(&[]);
    let other = key.sign("Claviger approval", &message).unwrap();
    assert!(failed(here.answer(&key, other)).contains("the log-in is refused"));
    let message = here.challenge(&[]);
    let bens = staff.key("Ben").sign(LOGIN, &message).unwrap();
    assert!(failed(here.answer(&key, bens)).contains("the log-in is refused"));
    // What is signed names the process at the other end.
    let message = here.challenge(&[]);
    let mut foreign = message.clone();
    foreign[67] ^= 1;
    let signature = key.sign(LOGIN, &foreign).unwrap();
    assert!(failed(here.answer(&key, signature)).contains("the log-in is refused"));
}

#[test]
fn ten_wrong_log_ins_lock_a_person_whatever_happens_between_and_a_quorum_unlocks() {
    let mut hsm = Hsm::start();
    {
        let staff = Staff::new(&hsm, &["Ada", "Ben", "Eva"]);
        staff.initialise(&["Ada", "Ben", "Eva"], 2);
        let (key, mut console) = (staff.key("Ada"), staff.console());
        for left in (4..10).rev() {
            console.challenge(&[]);
            let told = format!("{:?}", console.answer(&key, vec![0; 64]));
            assert!(told.contains(&format!("{left} tries are left")), "{told}");
        }
    }
    hsm.kill_and_start_again();
    let staff = Staff::new(&hsm, &[]);
    let key = staff.key("Ada");
    // Each on a connection of its own.
    for left in (1..4).rev() {
        let mut console = staff.console();
        console.challenge(&[]);
        let told = format!("{:?}", console.answer(&key, vec![0; 64]));
        assert!(told.contains(&format!("{left} tries are left")), "{told}");
    }
    let mut console = staff.console();
    console.challenge(&[]);
    assert!(format!("{:?}", console.answer(&key, vec![0; 64])).contains("is locked after 10"));
    staff.by("Ada", &["people", "list"]).fails().says("the log-in of Ada is locked").done();
    staff.by("Ben", &["people", "list"]).succeeds().says("locked").done();
    staff.by("Ben", &["people", "unlock", "Ada"]).fails().says("needs the approval of 2 hsm-so").done();
    staff.together(&["Ben", "Eva"], &["people", "unlock", "Ada"]).succeeds().done();
    staff.by("Ada", &["people", "list"]).succeeds().never_says("locked").done();
}

#[test]
fn an_auditor_comes_and_goes_without_the_officers() {
    let hsm = Hsm::start();
    let staff = Staff::new(&hsm, &["Ada", "Aida", "Alan", "Eve"]);
    // Even before the HSM has an owner, and then auditors are nobody else's.
    auditor(&staff, "Aida");
    staff.initialise(&["Ada"], 0);
    let add = |by: &str, name: &str| {
        let (key, pin) = (format!("{name}.ukey"), format!("{name}.pin"));
        staff.by(by, &["people", "add", name, "--role", "auditor", "--key", &key, "--key-pin-file", &pin])
    };
    add("Ada", "Eve")
        .fails()
        .says("Ada (hsm-so) may not give `people add auditor`: it is for auditor")
        .done();
    staff
        .by("Ada", &["people", "remove", "Aida", "--role", "auditor"])
        .fails()
        .says("it is for auditor")
        .done();
    let key = ["people", "add", "Eve", "--role", "auditor", "--key", "Eve.ukey", "--key-pin-file", "Eve.pin"];
    staff.nobody(&key).fails().says("nobody is logged in").done();
    add("Aida", "Alan").succeeds().done();
    // An auditor has no other role, and an officer is no auditor.
    staff.by("Ada", &["people", "add", "Aida", "--role", "hsm-so"]).fails().says("no other role").done();
    staff.by("Aida", &["people", "add", "Ada", "--role", "auditor"]).fails().says("no other role").done();
    // The officers cannot stop it by a quorum of their own either.
    staff
        .by("Ada", &["quorum", "set", "people add auditor", "1", "--role", "hsm-so"])
        .fails()
        .says("can be approved by auditor, not by hsm-so")
        .done();
    staff.by("Alan", &["people", "remove", "Aida", "--role", "auditor"]).succeeds().says("no longer").done();
    staff.by("Aida", &["people", "list"]).fails().says("is not registered").done();
    // The first auditor's UKey must be there: its public part does not do.
    staff.by("Alan", &["people", "remove", "Alan", "--role", "auditor"]).succeeds().done();
    let public =
        ["people", "add", "Eve", "--role", "auditor", "--key", "Eve.pub", "--key-pin-file", "Eve.pin"];
    staff.nobody(&public).fails().says("public part").done();
    let mut console = staff.console();
    let eve = staff.key("Eve");
    let unsigned = Ask::People(People::Add {
        person: "Eve".into(),
        ukey: Some(Registered {
            id: *eve.public().id().as_bytes(),
            public: Bytes::from(eve.public().to_bytes()),
            signature: None,
        }),
        role: Role::Auditor,
        partition: None,
    });
    assert!(console.refused(&unsigned).contains("the UKey's own signature"));
}

#[test]
fn the_last_officer_stays_and_so_does_what_a_quorum_needs() {
    let hsm = Hsm::start();
    let staff = Staff::new(&hsm, &["Ada", "Ben", "Eva"]);
    staff.initialise(&["Ada", "Ben", "Eva"], 2);
    let remove = |name: &'static str| ["people", "remove", name, "--role", "hsm-so"];
    staff.together(&["Ada", "Ben"], &remove("Eva")).succeeds().done();
    staff
        .together(&["Ada", "Ben"], &remove("Ben"))
        .fails()
        .says("needs the approval of 2 hsm-so, and without Ben there would be 1")
        .done();
    let commands: Vec<_> =
        Command::ALL.iter().filter(|command| command.quorum() == Quorum::FromInit).collect();
    for command in commands.iter().filter(|command| ***command != Command::QuorumSet) {
        staff.together(&["Ada", "Ben"], &["quorum", "set", command.name(), "0"]).succeeds().done();
    }
    staff.together(&["Ada", "Ben"], &["quorum", "set", "quorum set", "0"]).succeeds().done();
    staff.by("Ada", &["quorum", "list"]).succeeds().says("No command needs approvals").done();
    staff.by("Ada", &remove("Ben")).succeeds().done();
    staff.by("Ada", &remove("Ada")).fails().says("Ada is the last security officer").done();
    staff
        .by("Ada", &["people", "remove", "Ben", "--role", "hsm-so"])
        .fails()
        .says("no person \"Ben\"")
        .done();
}

#[test]
fn who_is_removed_may_do_nothing_more_where_they_are_logged_in() {
    let hsm = Hsm::start();
    let staff = with_cast(&hsm);
    let mut console = staff.console_of("Ben");
    assert!(matches!(console.ask(&Ask::PartitionList), Told::Partitions(_)));
    staff.by("Ada", &["people", "remove", "Ben", "--role", "hsm-so"]).succeeds().done();
    assert!(console.refused(&Ask::PartitionList).contains("is not registered with this HSM"));
    // Somebody else of that name is somebody else.
    staff.hire("Ben");
    staff.by("Ada", &["people", "add", "Ben", "--role", "hsm-so", "--key", "Ben.pub"]).succeeds().done();
    assert!(console.refused(&Ask::PartitionList).contains("is not registered with this HSM"));
    staff.by("Ben", &["partition", "list"]).succeeds().done();
}

#[test]
fn names_roles_and_ukeys_that_are_no_good_are_refused_and_nothing_changes() {
    let hsm = Hsm::start();
    let staff = with_cast(&hsm);
    let before = staff.by("Ada", &["people", "list", "--json"]).succeeds().out();
    staff.hire("Zoe");
    hsm.write("torn.pub", &hsm.read("Zoe.pub")[..30]);
    hsm.write("junk.pub", b"this is no UKey");
    for (name, role, key, says) in [
        ("Zoe\nAda", "hsm-so", "Zoe.pub", "a person's name has 1 to 64 bytes"),
        (" Zoe", "hsm-so", "Zoe.pub", "a person's name has 1 to 64 bytes"),
        ("Zo\u{202e}e", "hsm-so", "Zoe.pub", "a person's name has 1 to 64 bytes"),
        ("", "hsm-so", "Zoe.pub", "a person's name has 1 to 64 bytes"),
        ("Ada", "hsm-so", "Zoe.pub", "Ada is registered already, with another UKey"),
        ("Zoe", "hsm-so", "Ben.pub", "is registered already, as that of Ben"),
        ("Zoe", "emperor", "Zoe.pub", "there is no role \"emperor\""),
        ("Zoe", "hsm-so", "torn.pub", "truncated"),
        ("Zoe", "hsm-so", "junk.pub", "is not"),
        ("Zoe", "hsm-so", "absent.pub", "absent.pub"),
    ] {
        staff.by("Ada", &["people", "add", name, "--role", role, "--key", key]).fails().says(says).done();
    }
    staff
        .by("Ada", &["people", "add", "Zoe", "--role", "hsm-so"])
        .fails()
        .says("Zoe is new: give the UKey")
        .done();
    staff
        .by("Ada", &["people", "add", "Ada", "--role", "hsm-so"])
        .fails()
        .says("Ada is hsm-so already")
        .done();
    staff.by("Ada", &["people", "remove", "Ada", "--role", "auditor"]).fails().done();
    staff.by("Ada", &["people", "unlock", "nobody"]).fails().says("there is no person \"nobody\"").done();
    assert_eq!(staff.by("Ada", &["people", "list", "--json"]).succeeds().out(), before);
}

#[test]
fn people_and_their_roles_outlast_a_power_cut() {
    let mut hsm = Hsm::start();
    let before = with_cast(&hsm).by("Ada", &["people", "list", "--json"]).succeeds().out();
    hsm.kill_and_start_again();
    let staff = Staff::new(&hsm, &[]);
    assert_eq!(staff.by("Ada", &["people", "list", "--json"]).succeeds().out(), before);
    staff
        .by("Uwe", &["partition", "delete", "dev-1", "--yes"])
        .fails()
        .says("Uwe (crypto-user of slot 1)")
        .done();
    staff.nobody(&["partition", "list"]).fails().says("nobody is logged in").done();
}
