//! OpenSSH as a client: it lists the token's keys, certifies with one, and logs in with one.

use std::fs::{self, Permissions};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tests::{Hsm, Run, needs};

/// A token with a key of each kind that OpenSSH takes, and a program that answers its question for the PIN.
fn start() -> Hsm {
    let hsm = Hsm::start();
    hsm.user("--keypairgen --key-type rsa:2048 --id 01 --label rsa --usage-sign").succeeds().done();
    hsm.user("--keypairgen --key-type EC:prime256v1 --id 02 --label ec --usage-sign").succeeds().done();
    hsm.write("askpass", format!("#!/bin/sh\necho {}\n", hsm.pin()));
    fs::set_permissions(hsm.path("askpass"), Permissions::from_mode(0o700)).expect("a mode");
    hsm
}

fn with_pin(hsm: &Hsm, program: &str, line: &str) -> Command {
    let mut command = hsm.command(program);
    command.args(line.split_whitespace());
    command
        .env("SSH_ASKPASS", hsm.path("askpass"))
        .env("SSH_ASKPASS_REQUIRE", "force")
        .env("DISPLAY", "none");
    command.env_remove("SSH_AUTH_SOCK");
    command
}

#[test]
fn the_keys_are_listed_in_openssh_form() {
    needs!("pkcs11-tool", "ssh-keygen");
    let hsm = start();
    let list = hsm.line(&format!("ssh-keygen -D {}", hsm.module())).succeeds();
    let kinds: Vec<_> =
        list.out().lines().filter_map(|line| line.split(' ').next().map(str::to_owned)).collect();
    assert!(kinds.contains(&"ssh-rsa".to_owned()), "{}", list.story());
    assert!(kinds.contains(&"ecdsa-sha2-nistp256".to_owned()), "{}", list.story());
}

#[test]
fn a_key_in_the_token_certifies_a_users_key() {
    needs!("pkcs11-tool", "ssh-keygen");
    let hsm = start();
    hsm.run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", "user"]).succeeds().done();
    let keys = hsm.line(&format!("ssh-keygen -D {}", hsm.module())).succeeds().out();
    for (kind, signature) in [("ssh-rsa", "rsa-sha2-512"), ("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256")] {
        let key = keys.lines().find(|line| line.starts_with(kind)).expect("a key of the token");
        hsm.write("ca.pub", format!("{key}\n"));
        let line = format!("-s ca.pub -D {} -I tester -n tester -V +1h user.pub", hsm.module());
        Run::of(&with_pin(&hsm, "ssh-keygen", &line)).succeeds().done();
        hsm.line("ssh-keygen -L -f user-cert.pub")
            .succeeds()
            .says("tester")
            .says(&format!("(using {signature})"))
            .done();
    }
}

/// A server that dies with the test.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_login_with_a_key_in_the_token_succeeds_and_with_none_fails() {
    needs!("pkcs11-tool", "ssh", "sshd", "id");
    let hsm = start();
    let user = hsm.line("id -un").succeeds().out().trim().to_owned();
    if user == "root" {
        // The server's place for its unprivileged half; a package's init script makes it otherwise.
        fs::create_dir_all("/run/sshd").expect("/run/sshd");
    }
    let keys = hsm.line(&format!("ssh-keygen -D {}", hsm.module())).succeeds().out();
    hsm.write("authorized", keys);
    hsm.run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", "host"]).succeeds().done();
    hsm.write(
        "sshd_config",
        format!(
            "HostKey {}\nAuthorizedKeysFile {}\nStrictModes no\nPasswordAuthentication no\n\
             KbdInteractiveAuthentication no\nPermitRootLogin yes\nPidFile none\nUsePAM no\n",
            hsm.path("host").display(),
            hsm.path("authorized").display()
        ),
    );
    let port =
        TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port").port();
    let mut sshd = Command::new("/usr/sbin/sshd");
    sshd.args(["-D", "-e", "-p", &port.to_string(), "-o", "ListenAddress=127.0.0.1", "-f"]);
    sshd.arg(hsm.path("sshd_config")).stderr(fs::File::create(hsm.path("sshd.log")).expect("a log"));
    let _server = Server(sshd.stdin(Stdio::null()).spawn().expect("sshd"));
    let begin = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        let log = || String::from_utf8_lossy(&hsm.read("sshd.log")).into_owned();
        assert!(begin.elapsed() < Duration::from_secs(20), "sshd does not listen: {}", log());
        sleep(Duration::from_millis(20));
    }
    let log_in = |kinds: &str| {
        let line = format!(
            "-F none -T -p {port} -o StrictHostKeyChecking=no -o UserKnownHostsFile=known -o IdentityFile=none \
             -o PreferredAuthentications=publickey -o PubkeyAcceptedAlgorithms={kinds} {} {user}@127.0.0.1 echo logged in",
            if kinds.is_empty() {
                "-o PubkeyAuthentication=no".to_owned()
            } else {
                format!("-I {}", hsm.module())
            }
        );
        let line = line.replace("-o PubkeyAcceptedAlgorithms= ", "");
        Run::of(&with_pin(&hsm, "ssh", &line))
    };
    for kinds in ["rsa-sha2-256", "rsa-sha2-512", "ecdsa-sha2-nistp256"] {
        let run = log_in(kinds);
        let log = String::from_utf8_lossy(&hsm.read("sshd.log")).into_owned();
        assert!(run.out().contains("logged in"), "{}\n-- the server: {log}", run.story());
    }
    log_in("").never_says("logged in").done();
}
