//! Measures KMS and CSMS over HTTPS, as an application with open connections sees it: requests a second, and how long they take.
//!
//! Requests are signed before the clock starts, and each connection sends its own in turn again and again: the daemon
//! checks every signature. The row `nothing` is the same stack with a constant as its answer, which is what there is to win.
//! Beside it, if one is there, an OpenBao is asked for the same by a token: of its engines transit and KV v2.

mod service;

use std::fs;
use std::path::PathBuf;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use clap::{Args, Parser};
use serde_json::{Value, json};
use tests::{Connection, Rest};

use service::{Outcome, Services, done};

/// Requests that a connection has signed.
const SIGNED: usize = 32;
/// Bytes of a secret's value.
const SECRET: usize = 1024;

/// Measures KMS and CSMS over HTTPS; the daemon and the access key come from the variables of `scripts/dev-up`.
#[derive(Parser, Debug)]
#[command(name = "claviger-bench-kms", version)]
struct Options {
    #[command(flatten)]
    services: Services,

    #[command(flatten)]
    beside: Beside,

    /// How many connections; a comma between several.
    #[arg(long, value_delimiter = ',', default_value = "1,8,64")]
    connections: Vec<usize>,

    /// Seconds of each measurement.
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,

    /// Only rows whose name holds this word.
    #[arg(long, default_value = "")]
    only: String,

    /// The process of the daemon: its processor time is shown too.
    #[arg(long, env = "HSMD_PID")]
    daemon_pid: Option<u32>,

    /// A table in Markdown.
    #[arg(long)]
    markdown: bool,
}

/// A digest to sign, in base64.
const DIGEST: &str = "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=";

/// An OpenBao to compare with: the variables of its own client.
#[derive(Args, Debug)]
struct Beside {
    /// Where it is, such as https://127.0.0.1:8200.
    #[arg(long, env = "BAO_ADDR", requires_all = ["bao_ca", "bao_token"])]
    bao: Option<String>,

    /// The authority of its certificate.
    #[arg(long, env = "BAO_CACERT")]
    bao_ca: Option<PathBuf>,

    #[arg(long, env = "BAO_TOKEN", hide_env_values = true)]
    bao_token: Option<String>,
}

/// What is measured: who is asked, what, and the status that says it was done.
struct Load {
    name: &'static str,
    service: Rest,
    method: &'static str,
    target: String,
    headers: Vec<(&'static str, String)>,
    body: String,
    done: u16,
    /// Whether it is our daemon that works.
    ours: bool,
}

/// One line of the table.
struct Row {
    name: &'static str,
    connections: usize,
    rate: f64,
    half: Duration,
    most: Duration,
    /// Processor time of the daemon for each request.
    cost: Option<Duration>,
}

fn main() -> Outcome<()> {
    let options = Options::parse();
    let service = options.services.client()?;
    let mut loads = key_loads(&service)?;
    loads.extend(secret_loads(&service)?);
    loads.extend(options.beside.loads()?);
    let mut rows = Vec::new();
    for load in loads.iter().filter(|load| load.name.contains(&options.only)) {
        for &connections in &options.connections {
            rows.push(measure(load, connections, &options)?);
        }
    }
    show(&rows, options.markdown);
    Ok(())
}

/// A name that nothing has yet.
fn fresh() -> Outcome<String> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_micros();
    Ok(format!("bench-{now}"))
}

/// What our daemon is asked.
fn load(service: &Rest, name: &'static str, method: &'static str, target: String, body: String) -> Load {
    let (service, headers) = (service.clone(), Vec::new());
    Load { name, service, method, target, headers, body, done: 200, ours: true }
}

/// Makes the keys, and says what is asked of them.
fn key_loads(service: &Rest) -> Outcome<Vec<Load>> {
    let ask = |operation: &str, body: Value| -> Outcome<Value> {
        let reply = service.send(&service.kms_bytes(operation, &body))?;
        done(&reply).map_err(|why| format!("{operation}: {why}").into())
    };
    let named = fresh()?;
    let key = |spec: &str| -> Outcome<Value> {
        let made = ask("create-key", json!({ "key_alias": format!("{named}-{spec}"), "key_spec": spec }))?;
        Ok(made["key_info"]["key_id"].clone())
    };
    let (aes, pair) = (key("AES_256")?, key("EC_P256")?);
    let plain = "a".repeat(4096);
    let sealed = ask("encrypt-data", json!({ "key_id": aes, "plain_text": plain }))?;
    let load = |name, operation: &str, body: Value| {
        load(service, name, "POST", format!("/v1.0/{{project_id}}/kms/{operation}"), body.to_string())
    };
    let sign = json!({ "key_id": pair, "message": DIGEST, "signing_algorithm": "ECDSA_SHA_256" });
    let nothing = load("nothing", "", json!({}));
    Ok(vec![
        Load { target: "/nothing/at/all".to_owned(), done: 404, ..nothing },
        load("create-datakey", "create-datakey", json!({ "key_id": aes })),
        load("encrypt-data 4 KB", "encrypt-data", json!({ "key_id": aes, "plain_text": plain })),
        load("decrypt-data 4 KB", "decrypt-data", json!({ "cipher_text": sealed["cipher_text"] })),
        load("sign P-256", "sign", sign),
    ])
}

/// Makes a secret, and says how its value is asked for: by a stage, and by a version's number.
fn secret_loads(service: &Rest) -> Outcome<Vec<Load>> {
    let name = fresh()?;
    let body = json!({ "name": name, "secret_string": "a".repeat(SECRET) }).to_string();
    let reply = service.send(&service.signed("POST", "/v1/{project_id}/secrets", body.as_bytes()))?;
    done(&reply).map_err(|why| format!("a secret: {why}"))?;
    let load = |row, version: &str| {
        let target = format!("/v1/{{project_id}}/secrets/{name}/versions/{version}");
        load(service, row, "GET", target, String::new())
    };
    Ok(vec![load("get-secret-value 1 KB", "SYSCURRENT"), load("get-secret-value 1 KB, by version", "v1")])
}

impl Beside {
    /// Gives the OpenBao, if there is one, a secret and keys, and says what is asked of it.
    fn loads(&self) -> Outcome<Vec<Load>> {
        let (Some(address), Some(ca), Some(token)) = (&self.bao, &self.bao_ca, &self.bao_token) else {
            return Ok(Vec::new());
        };
        let address = address.trim_start_matches("https://").parse()?;
        // It does not look at our signature.
        let [access_key, secret, project] = ["none"; 3].map(str::to_owned);
        let service = Rest::at(address, ca, access_key, secret, project)?;
        let load = |name, method, path: &str, body: &Value| Load {
            name,
            service: service.clone(),
            method,
            target: format!("/v1/{path}"),
            headers: vec![("X-Vault-Token", token.clone())],
            body: if method == "GET" { String::new() } else { body.to_string() },
            done: 200,
            ours: false,
        };
        let ask = |path: &str, body: Value| -> Outcome<Value> {
            let reply = service.send(&load("", "POST", path, &body).request())?;
            match reply.status {
                204 => Ok(Value::Null),
                _ => done(&reply).map_err(|why| format!("OpenBao: {path}: {why}").into()),
            }
        };
        ask("secret/data/bench", json!({ "data": { "value": "a".repeat(SECRET) } }))?;
        ask("sys/mounts/transit", json!({ "type": "transit" }))?;
        ask("transit/keys/aes", json!({ "type": "aes256-gcm96" }))?;
        ask("transit/keys/pair", json!({ "type": "ecdsa-p256" }))?;
        let plain = json!({ "plaintext": "YWFh".repeat(4096 / 3) + "YQ==" });
        let sealed = ask("transit/encrypt/aes", plain.clone())?["data"].take();
        let sealed = json!({ "ciphertext": sealed["ciphertext"] });
        let digest = json!({ "input": DIGEST, "prehashed": true });
        Ok(vec![
            load("OpenBao transit datakey", "POST", "transit/datakey/plaintext/aes", &json!({})),
            load("OpenBao transit encrypt 4 KB", "POST", "transit/encrypt/aes", &plain),
            load("OpenBao transit decrypt 4 KB", "POST", "transit/decrypt/aes", &sealed),
            load("OpenBao transit sign P-256", "POST", "transit/sign/pair/sha2-256", &digest),
            load("OpenBao KV v2 get 1 KB", "GET", "secret/data/bench", &Value::Null),
        ])
    }
}

impl Load {
    /// The bytes of the request, signed now.
    fn request(&self) -> Vec<u8> {
        let headers: Vec<_> = self.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let now = SystemTime::now();
        self.service.signed_with(self.method, &self.target, &headers, self.body.as_bytes(), now)
    }
}

/// Measures one load over a number of connections.
fn measure(load: &Load, connections: usize, options: &Options) -> Outcome<Row> {
    let length = Duration::from_secs_f64(options.seconds);
    let ready = Barrier::new(connections + 1);
    let (times, before, after) = thread::scope(|scope| -> Outcome<_> {
        let clients: Vec<_> = (0..connections)
            .map(|_| {
                scope.spawn(|| -> Outcome<Vec<Duration>> {
                    let prepared = prepare(load);
                    ready.wait();
                    let (mut connection, requests) = prepared?;
                    let (began, mut times) = (Instant::now(), Vec::new());
                    for request in requests.iter().cycle() {
                        let asked = Instant::now();
                        let reply = connection.send(request)?;
                        if reply.status != load.done {
                            let answer = String::from_utf8_lossy(&reply.body).into_owned();
                            return Err(format!("{}: {} {answer}", load.name, reply.status).into());
                        }
                        times.push(asked.elapsed());
                        if began.elapsed() >= length {
                            break;
                        }
                    }
                    Ok(times)
                })
            })
            .collect();
        ready.wait();
        let before = processor_time(options.daemon_pid);
        let mut times = Vec::new();
        for client in clients {
            times.extend(client.join().map_err(|_| "a client panicked")??);
        }
        Ok((times, before, processor_time(options.daemon_pid)))
    })?;
    let mut times = times;
    times.sort_unstable();
    let at = |share: f64| times.get((times.len() as f64 * share) as usize).copied().unwrap_or_default();
    let cost = before.zip(after).filter(|_| load.ours).map(|(before, after)| {
        Duration::from_secs_f64((after - before).as_secs_f64() / times.len().max(1) as f64)
    });
    Ok(Row {
        name: load.name,
        connections,
        rate: times.len() as f64 / options.seconds,
        half: at(0.5),
        most: at(0.99),
        cost,
    })
}

/// An open connection that was used once, and the requests that it will send.
fn prepare(load: &Load) -> Outcome<(Connection, Vec<Vec<u8>>)> {
    let requests: Vec<_> = (0..SIGNED).map(|_| load.request()).collect();
    let mut connection = load.service.connect()?;
    connection.send(&requests[0])?;
    Ok((connection, requests))
}

/// What a process has had of the processors until now.
fn processor_time(pid: Option<u32>) -> Option<Duration> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid?)).ok()?;
    // Behind the name, which may hold anything: times in user and kernel mode, in hundredths of a second.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let ticks: u64 = fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?;
    Some(Duration::from_millis(ticks * 10))
}

fn show(rows: &[Row], markdown: bool) {
    let micros = |time: Duration| format!("{:.2} ms", time.as_secs_f64() * 1e3);
    let [open, between, close] = if markdown { ["| ", " | ", " |"] } else { ["", "  ", ""] };
    let heads = ["Operation", "Connections", "A second", "p50", "p99", "hsmd's processor time"];
    let mut lines = vec![heads.map(str::to_owned).to_vec()];
    for row in rows {
        lines.push(vec![
            row.name.to_owned(),
            row.connections.to_string(),
            format!("{:.0}", row.rate),
            micros(row.half),
            micros(row.most),
            row.cost.map_or("-".to_owned(), |cost| format!("{:.0} µs", cost.as_secs_f64() * 1e6)),
        ]);
    }
    for (number, line) in lines.iter().enumerate() {
        let width = |place: usize| lines.iter().map(|line| line[place].chars().count()).max().unwrap_or(0);
        let cells: Vec<_> = line
            .iter()
            .enumerate()
            .map(|(place, cell)| format!("{cell:<width$}", width = width(place)))
            .collect();
        println!("{open}{}{close}", cells.join(between));
        if markdown && number == 0 {
            println!("|---|--:|--:|--:|--:|--:|");
        }
    }
}
