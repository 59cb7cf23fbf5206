//! Accounts of real Linux hosts: log-ins, passwords and keys over SSH.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};

use hosts::{Account, Fault, Host, Proof, log_in, new_key, set_password};
use tests::process::is_root;
use tests::{Run, Shell, SshHost, needs};

const ADMIN: Account<'static> = with_password(SshHost::ADMIN, SshHost::ADMIN_PASSWORD);
const APP: &str = SshHost::APP;

const fn with_password<'a>(name: &'a str, password: &'a str) -> Account<'a> {
    Account { name, proof: Proof::Password(password) }
}

const fn with_key<'a>(name: &'a str, private_key: &'a str) -> Account<'a> {
    Account { name, proof: Proof::PrivateKey(private_key) }
}

fn host(server: &SshHost) -> Host {
    Host { address: server.address(), name: "host.example".into(), host_keys: server.host_keys() }
}

macro_rules! faults {
    ($call:expr, $kind:ident) => {{
        let found = $call.expect_err("a fault");
        assert!(matches!(found, Fault::$kind(_)), "{found:?}");
        assert!(!found.to_string().contains("Secret-"), "{found}");
        found.to_string()
    }};
}

/// Skips the test where no host can be made: its accounts need root.
macro_rules! needs_a_host {
    () => {
        needs!("sshd", "ssh", "ssh-keygen", "sshpass", "sudo", "unshare", "nsenter");
        if !is_root() {
            println!("skipped: only root makes a host with accounts of its own");
            return;
        }
    };
}

#[test]
fn a_host_lets_in_by_password_and_shows_who_it_is() {
    needs_a_host!();
    let mut server = SshHost::start();
    let here = host(&server);
    log_in(&here, &ADMIN).unwrap();
    faults!(log_in(&here, &with_password(APP, "Secret-wrong")), Login);
    faults!(log_in(&here, &with_password("nobody-here", "Secret-wrong")), Login);
    let said = faults!(log_in(&here, &with_key(APP, "Secret-none")), Login);
    assert!(said.contains("OpenSSH"), "{said}");

    // Each type of key by itself, in each form; and one that the host does not have.
    for kind in ["ssh-ed25519", "ecdsa-sha2-nistp256"] {
        let key = here.host_keys.lines().find(|line| line.starts_with(kind)).unwrap().to_owned();
        for host_keys in [key.clone(), format!("# found\r\n\nhost.example,10.0.0.1 {key}\r\n")] {
            log_in(&Host { host_keys, ..here.clone() }, &ADMIN).unwrap();
        }
        let marked = Host { host_keys: format!("@revoked * {key}"), ..here.clone() };
        faults!(log_in(&marked, &ADMIN), Certificate);
    }
    let (_, other) = new_key(&[7; 32], "").unwrap();
    let said = faults!(log_in(&Host { host_keys: other.clone(), ..here.clone() }, &ADMIN), Certificate);
    assert!(said.contains("SHA256:"), "{said}");
    let rsa = here.host_keys.lines().find(|line| line.starts_with("ssh-rsa")).unwrap();
    for none in ["", "no key", "ssh-ed25519 AAAA", rsa] {
        faults!(log_in(&Host { host_keys: none.into(), ..here.clone() }, &ADMIN), Certificate);
    }
    server.command(
        "rm /etc/ssh/ssh_host_ed25519_key*; cp /etc/ssh/ssh_host_ecdsa_key /etc/ssh/ssh_host_ed25519_key",
    );
    server.restart();
    let said = faults!(log_in(&Host { host_keys: other, ..here.clone() }, &ADMIN), Certificate);
    assert!(said.contains("other types"), "{said}");

    server.stop();
    faults!(log_in(&here, &ADMIN), Unreachable);
    assert!(!server.log().contains("Secret-"), "{}", server.log());
}

#[test]
fn an_account_without_a_shell_logs_in_by_what_its_host_takes() {
    needs_a_host!();
    let server = SshHost::start_with(&["PasswordAuthentication no", "KbdInteractiveAuthentication yes"]);
    server.command("usermod --shell /usr/sbin/nologin app");
    let here = host(&server);
    log_in(&here, &with_password(APP, SshHost::APP_PASSWORD)).unwrap();
    faults!(log_in(&here, &with_password(APP, "Secret-wrong")), Login);
    let said = faults!(
        set_password(&here, &with_password(APP, SshHost::APP_PASSWORD), "admin", "Secret-x"),
        Refused
    );
    assert!(said.contains("not available"), "{said}");

    let keys_only = SshHost::start_with(&["PasswordAuthentication no", "KbdInteractiveAuthentication no"]);
    let said = faults!(log_in(&host(&keys_only), &with_password(APP, "Secret-wrong")), Login);
    assert!(said.contains("publickey alone"), "{said}");
    let both = SshHost::start_with(&["Match User app", "AuthenticationMethods password,publickey"]);
    let said = faults!(log_in(&host(&both), &with_password(APP, SshHost::APP_PASSWORD)), Refused);
    assert!(said.contains("second proof"), "{said}");
}

#[test]
fn every_kind_of_key_logs_in() {
    needs_a_host!();
    let server = SshHost::start();
    let here = host(&server);
    let (own, line) = new_key(&[1; 32], "a comment").unwrap();
    assert!(line.starts_with("ssh-ed25519 ") && line.ends_with(" a comment"), "{line}");
    let mut keys = vec![own.to_string()];
    server.command(&format!("mkdir -m 700 ~app/.ssh && echo '{line}' > ~app/.ssh/authorized_keys"));
    for (index, kind) in
        ["ed25519", "ecdsa -b 256", "ecdsa -b 384", "ecdsa -b 521", "rsa -b 3072"].iter().enumerate()
    {
        server.command(&format!("ssh-keygen -q -N '' -t {kind} -f ~root/{index}"));
        server.command(&format!("cat ~root/{index}.pub >> ~app/.ssh/authorized_keys"));
        keys.push(String::from_utf8(server.read(&format!("root/{index}"))).unwrap());
    }
    server
        .command("chown -R app:app ~app/.ssh; ssh-keygen -q -N Secret-passphrase -t ed25519 -f ~root/locked");
    for key in &keys {
        log_in(&here, &with_key(APP, key)).unwrap();
        faults!(log_in(&here, &with_key("admin", key)), Login);
    }
    Run::of(server.client_with_key(APP, &own).arg("id -un")).succeeds().says("app").done();
    let locked = String::from_utf8(server.read("root/locked")).unwrap();
    let said = faults!(log_in(&here, &with_key(APP, &locked)), Login);
    assert!(said.contains("passphrase"), "{said}");
}

/// Whether a password shows in the arguments of any process until this is dropped.
struct Watch<'a>(&'a AtomicBool);

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Runs it, and gives the arguments and environments that hold this, of any process of the machine meanwhile.
fn watched(word: &str, work: impl FnOnce()) -> Vec<String> {
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut found = Vec::new();
            while !over.load(Ordering::Relaxed) {
                for entry in fs::read_dir("/proc").unwrap().flatten() {
                    let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
                    let line = String::from_utf8_lossy(&line).replace('\0', " ");
                    if line.contains(word) {
                        found.push(line);
                    }
                }
            }
            found
        });
        let watch = Watch(&over);
        work();
        drop(watch);
        watcher.join().unwrap()
    })
}

#[test]
fn a_password_is_set_without_anybody_seeing_it() {
    needs_a_host!();
    let server = SshHost::start();
    let here = host(&server);
    let mut open = Shell::of(server.client(APP, SshHost::APP_PASSWORD).arg("cat"));
    assert_eq!(open.ask("one"), "one");
    assert!(!watched("chpasswd", || set_password(&here, &ADMIN, APP, "Secret-0").unwrap()).is_empty());
    // What a shell, `chpasswd` and PAM might take for something else.
    for password in
        ["Secret-1:$(id)'\"`\\", "Secret-2 äöü ☃ #", " Secret-3 ", &format!("Secret-4{}", "x".repeat(248))]
    {
        let seen = watched("Secret-", || set_password(&here, &ADMIN, APP, password).unwrap());
        assert_eq!(seen, Vec::<String>::new());
        log_in(&here, &with_password(APP, password)).unwrap();
        Run::of(server.client(APP, password).arg("id -un")).succeeds().says("app").done();
        faults!(log_in(&here, &with_password(APP, SshHost::APP_PASSWORD)), Login);
    }
    assert_eq!(open.ask("two"), "two", "a session that is open stays so");
    log_in(&here, &ADMIN).unwrap();

    let said = faults!(set_password(&here, &ADMIN, "nobody-here", "Secret-5"), NoAccount);
    assert!(said.contains("nobody-here"), "{said}");
    for name in ["app;id", "$(id)", "-app", "app\nroot", "app:x", ""] {
        faults!(set_password(&here, &ADMIN, name, "Secret-5"), Refused);
    }
    let log = server.log();
    assert!(
        log.contains("chpasswd") && log.contains("sudo"),
        "the test no longer sees what is logged: {log}"
    );
    assert!(!log.contains("Secret-"), "{log}");
}

#[test]
fn who_may_not_set_passwords_is_told_what_is_missing() {
    needs_a_host!();
    let server = SshHost::start();
    let here = host(&server);
    let app = with_password(APP, SshHost::APP_PASSWORD);
    let said = faults!(set_password(&here, &app, "admin", "Secret-1"), Refused);
    assert!(said.contains("app ALL=(root) NOPASSWD: ") && said.contains("chpasswd"), "{said}");
    // That line, and no other right, is enough.
    let line = said.split('"').nth(1).unwrap();
    server.write("etc/sudoers.d/app", &format!("{line}\n"));
    server.command("chmod 440 /etc/sudoers.d/app; visudo --check --file=/etc/sudoers.d/app");
    set_password(&here, &app, "admin", "Secret-2").unwrap();
    log_in(&here, &with_password("admin", "Secret-2")).unwrap();
    // Root needs no sudo at all.
    let (key, line) = new_key(&[2; 32], "root").unwrap();
    server.command(&format!("mkdir -m 700 ~root/.ssh && echo '{line}' > ~root/.ssh/authorized_keys"));
    server.command("rm /etc/sudoers.d/*");
    set_password(&here, &with_key("root", &key), "admin", "Secret-3").unwrap();
    log_in(&here, &with_password("admin", "Secret-3")).unwrap();
    assert!(!server.log().contains("Secret-"), "{}", server.log());
}

#[test]
fn a_rule_for_passwords_is_told_apart() {
    needs_a_host!();
    let server = SshHost::start();
    let here = host(&server);
    server.write(
        "etc/pam.d/common-password",
        "password required pam_pwhistory.so remember=5 enforce_for_root\n\
         password required pam_unix.so use_authtok obscure yescrypt\n",
    );
    set_password(&here, &ADMIN, APP, "Secret-1").unwrap();
    set_password(&here, &ADMIN, APP, "Secret-2").unwrap();
    let said = faults!(set_password(&here, &ADMIN, APP, "Secret-1"), PasswordRule);
    assert!(said.contains("pam_chauthtok() failed"), "{said}");
    log_in(&here, &with_password(APP, "Secret-2")).unwrap();
}

#[test]
fn a_server_that_talks_without_end_is_given_up() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let junk = [0xa5; 4096];
        while std::io::Write::write_all(&mut stream, &junk).is_ok() {}
    });
    let (_, line) = new_key(&[7; 32], "").unwrap();
    faults!(log_in(&Host { address, name: "junk".into(), host_keys: line }, &ADMIN), Unreachable);
    server.join().unwrap();
}
