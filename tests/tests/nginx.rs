//! nginx with OpenSSL's engine as a client: the master opens the key and forks, the workers sign with it.
//!
//! The workers inherit an initialised module and an open connection that are not theirs. What they do with it
//! must neither fail nor disturb the master, or each other.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tests::{Hsm, Run, module_for_engine, needs};

const CONFIG: &str = r#"daemon off;
user root;
worker_processes 2;
pid @DIR@/nginx.pid;
error_log @DIR@/nginx.log notice;
ssl_engine pkcs11;
env CLAVIGER_SOCKET;
env PKCS11_MODULE_PATH;
events {}
http {
    access_log off;
    client_body_temp_path @DIR@/body;
    proxy_temp_path @DIR@/proxy;
    fastcgi_temp_path @DIR@/fastcgi;
    uwsgi_temp_path @DIR@/uwsgi;
    scgi_temp_path @DIR@/scgi;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_session_cache off;
    ssl_session_tickets off;
    server {
        listen 127.0.0.1:@EC_PORT@ ssl reuseport;
        ssl_certificate @DIR@/ec.pem;
        ssl_certificate_key "engine:pkcs11:pkcs11:token=@LABEL@;object=ec;type=private;pin-value=@PIN@";
        location / { return 200 "worker $pid\n"; }
    }
    server {
        listen 127.0.0.1:@RSA_PORT@ ssl reuseport;
        ssl_certificate @DIR@/rsa.pem;
        ssl_certificate_key "engine:pkcs11:pkcs11:token=@LABEL@;object=rsa;type=private;pin-value=@PIN@";
        location / { return 200 "worker $pid\n"; }
    }
}
"#;

/// A running nginx, and the HSM with its keys.
struct Nginx {
    hsm: Hsm,
    master: Child,
    ec: u16,
    rsa: u16,
}

impl Nginx {
    fn start() -> Option<Self> {
        let hsm = Hsm::start();
        if hsm.is_stand_in() {
            println!("skipped on SoftHSM2: it needs a configuration that nginx takes from its workers");
            return None;
        }
        for (kind, id, name) in [("EC:prime256v1", "01", "ec"), ("rsa:2048", "02", "rsa")] {
            let line = format!("--keypairgen --key-type {kind} --id {id} --label {name} --usage-sign");
            hsm.user(&line).succeeds().done();
            certify(&hsm, name);
        }
        let (ec, rsa) = (free_port(), free_port());
        let config = CONFIG
            .replace("@DIR@", &hsm.path("").to_string_lossy())
            .replace("@LABEL@", hsm.label())
            .replace("@PIN@", hsm.pin())
            .replace("@EC_PORT@", &ec.to_string())
            .replace("@RSA_PORT@", &rsa.to_string());
        hsm.write("nginx.conf", config);
        let mut command = hsm.command("/usr/sbin/nginx");
        command.arg("-c").arg(hsm.path("nginx.conf")).arg("-e").arg(hsm.path("nginx.log"));
        command.env("PKCS11_MODULE_PATH", hsm.module()).stdin(Stdio::null());
        let master = command.spawn().unwrap();
        let mut nginx = Self { hsm, master, ec, rsa };
        let served = nginx.within(|nginx| nginx.get(nginx.ec, &[]).succeeded());
        assert!(served, "nginx serves nothing: {}", nginx.log());
        Some(nginx)
    }

    fn log(&self) -> String {
        String::from_utf8_lossy(&self.hsm.read("nginx.log")).into_owned()
    }

    /// Waits until `holds` does, and whether it came to that.
    fn within(&mut self, holds: impl Fn(&Self) -> bool) -> bool {
        let end = Instant::now() + Duration::from_secs(20);
        while Instant::now() < end {
            if holds(self) {
                return true;
            }
            if self.master.try_wait().unwrap().is_some() {
                return false;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        false
    }

    /// One handshake and one request, with a connection of its own.
    fn get(&self, port: u16, options: &[&str]) -> Run {
        let ca = if port == self.ec { "ec.pem" } else { "rsa.pem" };
        let url = format!("https://localhost:{port}/");
        let fixed = ["-sS", "--max-time", "20", "-4", "--cacert", ca, &url];
        self.hsm.run("curl", fixed.iter().chain(options))
    }

    /// The workers that answer, until both have.
    fn workers(&self) -> BTreeSet<String> {
        let mut seen = BTreeSet::new();
        for _ in 0..100 {
            for port in [self.ec, self.rsa] {
                seen.insert(self.get(port, &[]).succeeds().says("worker").out());
            }
            if seen.len() == 2 {
                break;
            }
        }
        seen
    }

    fn signal(&self, signal: &str) {
        self.hsm.run("kill", [signal, &self.master.id().to_string()]).succeeds().done();
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        if matches!(self.master.try_wait(), Ok(None)) {
            let _ = Command::new("kill").arg(self.master.id().to_string()).status();
            let _ = self.master.wait();
        }
    }
}

/// A certificate for `localhost`, signed by its own key in the token.
fn certify(hsm: &Hsm, name: &str) {
    let config = format!(
        "openssl_conf = init\n[init]\nengines = engines\n[engines]\npkcs11 = pkcs11\n[pkcs11]\n\
         engine_id = pkcs11\ndynamic_path = {}\nMODULE_PATH = {}\nPIN = {}\ninit = 0\n\
         [req]\ndistinguished_name = name\n[name]\n",
        module_for_engine(),
        hsm.module(),
        hsm.pin()
    );
    hsm.write("openssl.cnf", config);
    let mut openssl = hsm.command("openssl");
    openssl
        .args(["req", "-new", "-x509", "-engine", "pkcs11", "-keyform", "engine", "-sha256", "-days", "7"]);
    openssl.arg("-key").arg(format!("pkcs11:token={};object={name};type=private", hsm.label()));
    openssl.args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]);
    openssl.args(["-out", &format!("{name}.pem")]).env("OPENSSL_CONF", hsm.path("openssl.cnf"));
    Run::of(&openssl).succeeds().done();
}

/// A port that nobody listens at just now.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn forked_workers_sign_handshakes_with_keys_that_the_master_opened() {
    needs!("/usr/sbin/nginx", "curl", "openssl", "pkcs11-tool", &module_for_engine());
    let Some(nginx) = Nginx::start() else { return };
    assert_eq!(nginx.workers().len(), 2, "both workers serve: {}", nginx.log());
    for port in [nginx.ec, nginx.rsa] {
        nginx.get(port, &["--tlsv1.3"]).succeeds().says("worker").done();
        nginx.get(port, &["--tls-max", "1.2"]).succeeds().says("worker").done();
    }
}

#[test]
fn workers_sign_at_the_same_time() {
    needs!("/usr/sbin/nginx", "curl", "openssl", "pkcs11-tool", &module_for_engine());
    let Some(nginx) = Nginx::start() else { return };
    std::thread::scope(|scope| {
        for port in [nginx.ec, nginx.rsa].repeat(4) {
            let nginx = &nginx;
            scope.spawn(move || {
                for _ in 0..10 {
                    nginx.get(port, &[]).succeeds().says("worker").done();
                }
            });
        }
    });
}

#[test]
fn a_reload_brings_new_workers_that_sign_and_no_process_crashes() {
    needs!("/usr/sbin/nginx", "curl", "openssl", "pkcs11-tool", &module_for_engine());
    let Some(mut nginx) = Nginx::start() else { return };
    let mut before = nginx.workers();
    for _ in 0..3 {
        nginx.signal("-HUP");
        let renewed = nginx.within(|nginx| {
            let answer = nginx.get(nginx.ec, &[]);
            answer.succeeded() && !before.contains(&answer.out())
        });
        assert!(renewed, "no new worker: {}", nginx.log());
        // The old ones are on their way out.
        let settled = nginx.within(|nginx| nginx.workers().is_disjoint(&before));
        assert!(settled, "old workers still serve: {}", nginx.log());
        before = nginx.workers();
        assert_eq!(before.len(), 2, "{}", nginx.log());
    }
    nginx.signal("-QUIT");
    assert!(nginx.master.wait().unwrap().success());
    let log = nginx.log();
    assert!(!log.contains("exited on signal"), "{log}");
    for bad in ["[emerg]", "[crit]", "[alert]"] {
        assert!(!log.contains(bad), "{log}");
    }
}
