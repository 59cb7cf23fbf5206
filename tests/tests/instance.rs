//! Dedicated HSM instances, from their order to their use by clients on other machines, through the real programs.

use std::time::{Duration, Instant};

use serde_json::Value;
use tests::{Hsm, Reach, Run, Staff, needs};

#[path = "instance/site.rs"]
mod site;

use site::{Site, free_port};

fn json(run: Run) -> Value {
    serde_json::from_str(&run.succeeds().out()).expect("JSON")
}

/// Requirement: DHSM-003, DHSM-008, DHSM-015, DHSM-042, DHSM-043, DHSM-044, DHSM-045, DHSM-047
#[test]
fn an_instance_is_ordered_allocated_activated_initialised_and_reached_in_this_order_alone() {
    let hsm = Hsm::start();
    let staff = Staff::new(&hsm, &["Ada", "Pia"]);
    staff.initialise(&["Ada"], 0);
    let ada = |line: &str| staff.by("Ada", &line.split_whitespace().collect::<Vec<_>>());
    let status = || json(ada("instance show pay --json"))["status"].as_str().unwrap().to_owned();
    hsm.write("so", "so-pin-1\n");
    hsm.write("user", "user-pin-1\n");
    let activate = format!(
        "instance activate pay --type server --vpc office --subnet 127.0.78.0/24 --port {} --allow 127.0.0.0/8",
        free_port()
    );
    let initialise = "instance initialise pay --so-pin-file so --user-pin-file user";
    let certificate = "instance certificate pay --out access";

    let made = json(ada("instance order pay --quantity 1 --test-only --months 1 --json"));
    assert_eq!(made[0]["status"], "Installing");
    for early in
        [&*activate, initialise, certificate, "instance renew pay --months 1", "instance delete pay --yes"]
    {
        ada(early).fails_with(1).done();
    }
    ada(&activate).fails_with(1).says("Installing cannot be activated").says("`instance allocate`").done();

    ada("instance allocate pay").succeeds().says("To be activated").done();
    ada("instance allocate pay").fails_with(1).says("`instance activate`").done();
    staff.by("Pia", &initialise.split_whitespace().collect::<Vec<_>>()).fails_with(1).done();

    let activated = json(ada(&format!("{activate} --json")));
    assert_eq!(activated["status"], "Creating");
    let until = Instant::now() + Duration::from_secs(60);
    while status() != "Running" {
        assert!(Instant::now() < until, "it is {}", status());
        std::thread::sleep(Duration::from_millis(20));
    }
    ada(&activate).fails_with(1).says("Running cannot be activated").done();
    // It runs, and has no security officer yet: nobody initialises it, and nobody is given access.
    staff.by("Pia", &initialise.split_whitespace().collect::<Vec<_>>()).fails_with(1).done();
    let words = ["people", "add", "Pia", "--role", "partition-so", "--key", "Pia.pub", "--partition", "pay"];
    staff.by("Ada", &words).succeeds().done();
    let pia = |line: &str| staff.by("Pia", &line.split_whitespace().collect::<Vec<_>>());
    pia(certificate).fails_with(1).says("before it is initialised").says("`instance initialise`").done();
    assert!(!hsm.path("access").exists(), "a directory is left of a certificate that was not made");
    let done = json(pia(&format!("{initialise} --json")));
    assert!(done["next"].as_str().unwrap().contains("`instance certificate`"), "{done}");
    pia(certificate).succeeds().done();
    assert_eq!(json(pia("instance show pay --json"))["next"], "it runs");
}

/// Requirement: DHSM-007
#[test]
fn only_the_security_officer_of_the_hsm_orders_instances() {
    let hsm = Hsm::start();
    let site = Site::start(&hsm, "server", &[]);
    let order = ["instance", "order", "more", "--months", "1"];
    for person in ["Pia", "Quinn"] {
        site.staff.by(person, &order).fails_with(1).says("it is for hsm-so").done();
    }
    site.staff.nobody(&order).fails_with(1).says("nobody is logged in").done();
    site.staff.by("Ada", &order).succeeds().says("more-0001").done();
}

/// Requirement: DHSM-004, DHSM-006
#[test]
fn an_instance_is_initialised_by_its_own_officer_with_a_ukey_and_by_nothing_else() {
    let hsm = Hsm::start();
    let site = Site::blank(&hsm, "server", &[]);
    let words = ["instance", "initialise", &site.name, "--so-pin-file", "so", "--user-pin-file", "user"];
    site.staff.nobody(&words).fails_with(1).says("nobody is logged in").done();
    // Not even the security officer of the HSM does, nor that of another instance, nor the ways around.
    site.staff.by("Ada", &words).fails_with(1).says("it is for partition-so").done();
    site.staff.by("Quinn", &words).fails_with(1).done();
    let init = ["partition", "init", &site.name, "--so-pin-file", "so", "--no-user-pin", "--yes"];
    site.staff.by("Ada", &init).fails_with(1).says("`instance initialise").done();
    std::fs::rename(site.hsm.path("Pia.ukey"), site.hsm.path("lost")).unwrap();
    site.staff.by("Pia", &words).fails().done();
    std::fs::rename(site.hsm.path("lost"), site.hsm.path("Pia.ukey")).unwrap();
    site.staff.by("Pia", &words).succeeds().says("initialised").done();
}

/// Requirement: DHSM-005
#[test]
fn several_ukeys_of_an_instances_officers_can_be_needed_to_initialise_it_and_to_back_it_up() {
    let hsm = Hsm::start();
    let site = Site::blank(&hsm, "server", &[]);
    let quorum =
        |command: &str| site.staff.by("Ada", &["quorum", "set", command, "2", "--role", "partition-so"]);
    quorum("instance initialise").succeeds().done();
    quorum("backup create").succeeds().done();
    let words = ["instance", "initialise", &site.name, "--so-pin-file", "so", "--user-pin-file", "user"];
    site.staff.by("Pia", &words).fails_with(1).says("needs the approval of 2 partition-so").done();
    site.staff.together(&["Pia"], &words).fails_with(1).says("and 1 approved it").done();
    // Quinn is security officer of another partition, and so none of this instance's.
    site.staff.together(&["Pia", "Quinn"], &words).fails_with(1).says("Quinn is not partition-so").done();
    site.staff
        .by(
            "Ada",
            &[
                "people",
                "add",
                "Rosa",
                "--role",
                "partition-so",
                "--key",
                "Rosa.pub",
                "--partition",
                &site.name,
            ],
        )
        .succeeds()
        .done();
    site.staff.together(&["Pia", "Rosa"], &words).succeeds().done();
    site.staff
        .by("Pia", &["backup", "create", &site.name, "--out", "one.backup"])
        .fails_with(1)
        .says("needs the approval of 2 partition-so")
        .done();
}

/// Requirement: DHSM-056, DHSM-057, DHSM-058
#[test]
fn a_client_with_a_certificate_of_the_instance_reaches_it_through_the_module_and_nobody_else_does() {
    needs!("pkcs11-tool");
    let hsm = Hsm::start();
    let site = Site::start(&hsm, "server", &[]);
    let other = site.another();
    site.certificate("web", "web");
    let reach = Reach::read(&site.hsm.path("web"));
    let socket = site.tunnel(&reach);
    site.tool(&socket, "--list-token-slots")
        .succeeds()
        .says(&site.name)
        .never_says("dev-1")
        .never_says(&other)
        .done();
    site.user(&socket, "--keypairgen --key-type EC:prime256v1 --label signer --id 01").succeeds().done();
    site.hsm.write("data", "signed far away");
    site.user(&socket, "--sign --mechanism ECDSA-SHA256 --id 01 -i data -o sig").succeeds().done();
    site.tool(&socket, "--verify --mechanism ECDSA-SHA256 --id 01 -i data --signature-file sig")
        .succeeds()
        .says("Signature is valid")
        .done();

    // Without a certificate, with one of another instance, or with one that is revoked: not a word.
    site.certificate_of(&other, "web", "foreign");
    let (own, foreign) = (site.hsm.path("web"), site.hsm.path("foreign"));
    assert!(Reach::with(&own, Some(&own)).is_let_in());
    assert!(!Reach::with(&own, None).is_let_in(), "let in without a certificate");
    assert!(!Reach::with(&own, Some(&foreign)).is_let_in(), "let in with another instance's certificate");
    assert!(Reach::read(&foreign).is_let_in(), "the other certificate is good where it is from");
    // Nor does a client trust an instance that another authority signed for.
    assert!(Reach::with(&foreign, Some(&own)).at(reach.address).connect().is_err());
    site.staff.by("Pia", &["instance", "revoke", &site.name, "web"]).succeeds().done();
    site.refuses_soon(&reach);
    site.tool(&socket, "--list-token-slots").never_says(&site.name).done();

    // Its partitions are not those of the applications on the machine itself.
    let here = site.hsm.var("CLAVIGER_SOCKET").to_owned();
    site.tool(here.as_ref(), "--list-token-slots").succeeds().says("dev-1").never_says(&site.name).done();
    // What was done from there is recorded with the certificate that it was done with.
    let log = hsm.path("claviger/audit");
    let records = site.staff.nobody(&["audit", "list", "--json", &log.display().to_string()]).out();
    let line =
        records.lines().find(|line| line.contains("CKM_EC_KEY_PAIR_GEN") && line.contains("web at instance"));
    assert!(line.is_some(), "no record of the client:\n{records}");
}

/// Requirement: DHSM-001, DHSM-002, DHSM-039, DHSM-041
#[test]
fn an_instance_has_three_addresses_and_serves_those_on_its_allow_list_alone() {
    let hsm = Hsm::start();
    let site = Site::start(&hsm, "server", &[]);
    site.certificate("web", "web");
    let shown = site.show();
    let active = &shown["active"];
    let own = active["address"].as_str().unwrap();
    let nodes: Vec<_> =
        active["nodes"].as_array().unwrap().iter().map(|node| node.as_str().unwrap()).collect();
    assert!(own.starts_with("127.0.77.") && nodes.iter().all(|node| node.starts_with("127.0.77.")));
    assert!(nodes[0] != nodes[1] && !nodes.contains(&own), "{active}");
    let reach = Reach::read(&site.hsm.path("web"));
    assert!(reach.is_let_in());
    // The console is at a socket of the machine, and at no address.
    assert!(std::net::TcpStream::connect((own, site.port + 1)).is_err());

    let allow =
        |what: &str, range: &str| site.staff.by("Pia", &["instance", "allow", what, &site.name, range]);
    allow("add", "10.0.0.0/24").succeeds().says("10.0.0.0/24").done();
    allow("remove", "127.0.0.0/8").succeeds().done();
    site.refuses_soon(&reach);
    allow("add", "127.0.0.0/8").succeeds().done();
    let until = Instant::now() + Duration::from_secs(60);
    while !reach.is_let_in() {
        assert!(Instant::now() < until, "an address that is on the list again is refused");
    }
    allow("add", "127.0.0.1/8").fails_with(1).says("is not a range").says("192.168.0.0/16").done();
    allow("remove", "10.9.0.0/16").fails_with(1).says("is not on the list").done();

    // Without a network, addresses and a list there is no activation.
    let order = ["instance", "order", "lone", "--quantity", "1", "--test-only", "--months", "1"];
    site.staff.by("Ada", &order).succeeds().done();
    site.staff.by("Ada", &["instance", "allocate", "lone"]).succeeds().done();
    let activate = |words: &[&str]| {
        let all = [&["instance", "activate", "lone", "--type", "server"], words].concat();
        site.staff.by("Ada", &all)
    };
    let (vpc, subnet) = (["--vpc", "office"], ["--subnet", "127.0.77.0/24"]);
    activate(&[&subnet[..], &["--allow", "127.0.0.0/8"]].concat()).fails_with(2).says("--vpc").done();
    activate(&[&vpc[..], &["--allow", "127.0.0.0/8"]].concat()).fails_with(2).says("--subnet").done();
    activate(&[&vpc[..], &subnet].concat()).fails_with(2).says("--allow").done();
    let taken = ["--allow", "127.0.0.0/8", "--address", own, "--nodes", "127.0.77.200", "127.0.77.201"];
    activate(&[&vpc[..], &subnet, &taken].concat()).fails_with(1).says("is an address of instance").done();
    let tiny = ["--subnet", "127.0.79.0/30", "--allow", "127.0.0.0/8"];
    activate(&[&vpc[..], &tiny].concat()).fails_with(1).says("no three addresses").done();
}

/// Requirement: DHSM-040
#[test]
fn an_instance_has_a_public_door_only_while_one_is_bound_to_it() {
    let hsm = Hsm::start();
    let site = Site::start(&hsm, "server", &[]);
    site.certificate("web", "web");
    let reach = Reach::read(&site.hsm.path("web"));
    let public = format!("127.0.0.1:{}", free_port());
    let there = reach.clone().at(public.parse().unwrap());
    assert!(site.show()["active"]["public"].is_null() && there.connect().is_err(), "it is off by default");
    site.staff.by("Pia", &["instance", "eip", "bind", &site.name, &public]).succeeds().says(&public).done();
    let until = Instant::now() + Duration::from_secs(60);
    while !there.is_let_in() {
        assert!(Instant::now() < until, "the public door does not open");
    }
    let own = site.hsm.path("web");
    assert!(!Reach::with(&own, None).at(there.address).is_let_in(), "no certificate is needed there");
    site.staff.by("Pia", &["instance", "eip", "unbind", &site.name]).succeeds().done();
    site.refuses_soon(&there);
    assert!(reach.is_let_in(), "its own door closed as well");
}

/// Requirement: DHSM-034, DHSM-046
#[test]
fn an_instance_that_cannot_be_made_says_why_and_can_be_deleted() {
    let hsm = Hsm::start();
    let staff = Staff::new(&hsm, &["Ada"]);
    staff.initialise(&["Ada"], 0);
    let ada = |line: &str| staff.by("Ada", &line.split_whitespace().collect::<Vec<_>>());
    ada("instance order far --quantity 1 --test-only --months 1").succeeds().done();
    ada("instance allocate far").succeeds().done();
    // An address of a network for documentation, which this machine has not.
    ada("instance activate far --type server --vpc v --subnet 192.0.2.0/24 --allow 127.0.0.0/8")
        .succeeds()
        .done();
    let until = Instant::now() + Duration::from_secs(60);
    let failed = loop {
        let shown = json(ada("instance show far --json"));
        if shown["status"] == "Creation failed" {
            break shown;
        }
        assert!(Instant::now() < until, "{shown}");
        std::thread::sleep(Duration::from_millis(20));
    };
    assert!(failed["failure"].as_str().unwrap().contains("cannot listen at 192.0.2.1"), "{failed}");
    ada("instance activate far --type server --vpc v --subnet 127.0.77.0/24 --allow 127.0.0.0/8")
        .fails_with(1)
        .says("`instance delete`")
        .done();
    ada("instance delete far").fails().says("--yes").done();
    ada("instance delete far --yes").succeeds().says("Deleted far").done();
    ada("instance show far").fails_with(1).says("there is no instance").done();
    assert!(ada("partition list --json").out().contains("dev-1"), "other partitions went too");
}

/// Requirement: DHSM-049, DHSM-050
#[test]
fn the_list_and_the_details_show_what_the_guide_shows() {
    let hsm = Hsm::start();
    let site = Site::start(&hsm, "finance", &[]);
    let list = site.staff.by("Ada", &["instance", "list"]).succeeds().out();
    let titles: Vec<_> = list.lines().next().unwrap().split_whitespace().collect();
    assert_eq!(titles, ["NAME", "ID", "STATUS", "EDITION", "AZ", "IP", "ADDRESS", "EXPIRES"]);
    assert!(list.lines().all(|line| line.chars().count() <= 80), "{list}");
    assert!(list.contains(&site.name) && list.contains("Running") && list.contains("127.0.77."), "{list}");
    let text = site.staff.by("Ada", &["instance", "show", &site.name]).succeeds().out();
    let shown = site.show();
    for (field, value) in [
        ("name", &*site.name),
        ("ID", shown["id"].as_str().unwrap()),
        ("status", "Running"),
        ("service edition", "platinum"),
        ("HSM type", "Finance"),
        ("VPC", "office"),
        ("subnet", "127.0.77.0/24"),
        ("IP address", shown["active"]["address"].as_str().unwrap()),
        ("security group", "127.0.0.0/8"),
        ("creation time", "UTC"),
        ("expiration time", "UTC"),
        ("order", shown["order"].as_str().unwrap()),
    ] {
        let line = text.lines().find(|line| line.starts_with(field));
        assert!(line.is_some_and(|line| line.contains(value)), "{field}: {value}\n{text}");
    }
    let (created, expires) = (shown["created"].as_u64().unwrap(), shown["expires"].as_u64().unwrap());
    let days = (expires - created) / 86_400;
    assert!((27..=31).contains(&days), "a month has {days} days");
}

/// Requirement: DHSM-014, DHSM-060, TAG-004, TAG-014
#[test]
fn instances_have_tags_from_their_order_on_which_are_added_searched_changed_and_deleted() {
    let hsm = Hsm::start();
    let staff = Staff::new(&hsm, &["Ada"]);
    staff.initialise(&["Ada"], 0);
    let ada = |line: &str| staff.by("Ada", &line.split_whitespace().collect::<Vec<_>>());
    ada("instance order web --months 1 --tag team=blue --tag stage=test").succeeds().done();
    ada("instance order db --months 1 --tag team=red").succeeds().done();
    let found = |tag: &str| -> Vec<String> {
        let all = json(ada(&format!("instance list --tag {tag} --json")));
        all.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(found("team=blue"), ["web-0001", "web-0002"], "the same tag sits on two");
    assert_eq!(found("team").len(), 4);
    ada("instance tag add db-0001 stage test").succeeds().done();
    ada("instance tag add db-0001 stage again").fails_with(1).says("a key has one value").done();
    assert_eq!(found("stage=test"), ["web-0001", "web-0002", "db-0001"]);
    ada("instance tag set db-0001 stage live").succeeds().done();
    assert_eq!((found("stage=test").len(), found("stage=live")), (2, vec!["db-0001".to_owned()]));
    ada("instance tag list db-0001").succeeds().says("stage").says("live").done();
    ada("instance tag remove db-0001 stage").succeeds().done();
    ada("instance tag remove db-0001 stage").fails_with(1).says("there is no tag").done();
    for number in 1..20 {
        ada(&format!("instance tag add db-0001 key{number}")).succeeds().done();
    }
    ada("instance tag add db-0001 key20").fails_with(1).says("20 tags").done();
    ada("instance tag add db-0001 _sys_x").fails_with(1).says("_sys_").done();
    let twenty_one: Vec<_> = (0..21).map(|number| format!("--tag k{number}=v")).collect();
    ada(&format!("instance order big --months 1 {}", twenty_one.join(" ")))
        .fails_with(1)
        .says("20 tags")
        .done();
    assert!(!ada("instance list").out().contains("big-0001"));
}

#[test]
fn bad_orders_are_refused_and_leave_nothing() {
    let hsm = Hsm::start();
    let staff = Staff::new(&hsm, &["Ada"]);
    staff.initialise(&["Ada"], 0);
    let ada = |line: &str| staff.by("Ada", &line.split_whitespace().collect::<Vec<_>>());
    for (order, why) in [
        ("x --quantity 1 --months 1", "for tests alone"),
        ("x --quantity 21 --months 1", "1 to 20"),
        ("x --quantity 0 --months 1", "1 to 20"),
        ("x --months 0", "1 to 12"),
        ("x --months 13", "1 to 12"),
        ("x --months 1 --project mine", "project `default`"),
        ("x --months 1 --edition gold", "platinum"),
        ("a.b --months 1", "letters, digits"),
        ("a\u{7} --months 1", "letters, digits"),
        ("x --months 1 --tag a*b=c", "cannot be in a tag"),
    ] {
        ada(&format!("instance order {order}")).fails_with(1).says(why).done();
    }
    assert_eq!(json(ada("instance list --json")), Value::Array(Vec::new()));
    ada("instance order x --quantity 20 --months 12").succeeds().says("x-0020").done();
    ada("instance order x --months 12").succeeds().says("x-0021").says("x-0022").done();
    ada("instance show x-0023").fails_with(1).says("there is no instance").done();
}

/// Requirement: DHSM-052
#[test]
fn nobody_logs_in_to_an_instance_by_ssh() {
    use std::io::{Read, Write};
    let hsm = Hsm::start();
    let site = Site::start(&hsm, "server", &[]);
    let address = site.show()["active"]["address"].as_str().unwrap().to_owned();
    assert!(std::net::TcpStream::connect((&*address, 22)).is_err(), "something listens for SSH");
    let mut socket = std::net::TcpStream::connect((&*address, site.port)).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    socket.write_all(b"SSH-2.0-OpenSSH_9.2\r\n").unwrap();
    let mut answer = Vec::new();
    let _ = socket.read_to_end(&mut answer); // it may be reset
    assert!(!answer.windows(4).any(|bytes| bytes == b"SSH-"), "an SSH server answers");
    // An alert of TLS at the most: it begins with 21.
    assert!(answer.is_empty() || answer[0] == 21, "{answer:?}");
}
