//! Measures KMS over HTTPS, as an application with open connections sees it: requests a second, and how long they take.
//!
//! Requests are signed before the clock starts, and each connection sends its own in turn again and again: the daemon
//! checks every signature. The row `nothing` is the same stack with a constant as its answer, which is what there is to win.

mod service;

use std::fs;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use clap::Parser;
use serde_json::{Value, json};
use tests::{Connection, Rest};

use service::{Outcome, Services, done};

/// Requests that a connection has signed.
const SIGNED: usize = 32;

/// Measures KMS over HTTPS; the daemon and the access key come from the variables of `scripts/dev-up`.
#[derive(Parser, Debug)]
#[command(name = "claviger-bench-kms", version)]
struct Options {
    #[command(flatten)]
    services: Services,

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

/// What is measured: a name, the path, the body, and the status that says it was done.
struct Load {
    name: &'static str,
    target: String,
    body: Value,
    done: u16,
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
    let loads = loads(&service)?;
    let mut rows = Vec::new();
    for load in loads.iter().filter(|load| load.name.contains(&options.only)) {
        for &connections in &options.connections {
            rows.push(measure(&service, load, connections, &options)?);
        }
    }
    show(&rows, options.markdown);
    Ok(())
}

/// Makes the keys, and says what is asked of them.
fn loads(service: &Rest) -> Outcome<Vec<Load>> {
    let ask = |operation: &str, body: Value| -> Outcome<Value> {
        let reply = service.send(&service.kms_bytes(operation, &body))?;
        done(&reply).map_err(|why| format!("{operation}: {why}").into())
    };
    let named = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_micros();
    let key = |spec: &str| -> Outcome<Value> {
        let made =
            ask("create-key", json!({ "key_alias": format!("bench-{named}-{spec}"), "key_spec": spec }))?;
        Ok(made["key_info"]["key_id"].clone())
    };
    let (aes, pair) = (key("AES_256")?, key("EC_P256")?);
    let plain = "a".repeat(4096);
    let sealed = ask("encrypt-data", json!({ "key_id": aes, "plain_text": plain }))?;
    let load = |name, operation: &str, body| Load {
        name,
        target: format!("/v1.0/{{project_id}}/kms/{operation}"),
        body,
        done: 200,
    };
    let digest = "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=";
    let sign = json!({ "key_id": pair, "message": digest, "signing_algorithm": "ECDSA_SHA_256" });
    Ok(vec![
        Load { name: "nothing", target: "/nothing/at/all".to_owned(), body: json!({}), done: 404 },
        load("create-datakey", "create-datakey", json!({ "key_id": aes })),
        load("encrypt-data 4 KB", "encrypt-data", json!({ "key_id": aes, "plain_text": plain })),
        load("decrypt-data 4 KB", "decrypt-data", json!({ "cipher_text": sealed["cipher_text"] })),
        load("sign P-256", "sign", sign),
    ])
}

/// Measures one load over a number of connections.
fn measure(service: &Rest, load: &Load, connections: usize, options: &Options) -> Outcome<Row> {
    let length = Duration::from_secs_f64(options.seconds);
    let ready = Barrier::new(connections + 1);
    let (times, before, after) = thread::scope(|scope| -> Outcome<_> {
        let clients: Vec<_> = (0..connections)
            .map(|_| {
                scope.spawn(|| -> Outcome<Vec<Duration>> {
                    let prepared = prepare(service, load);
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
    let cost = before.zip(after).map(|(before, after)| {
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
fn prepare(service: &Rest, load: &Load) -> Outcome<(Connection, Vec<Vec<u8>>)> {
    let body = load.body.to_string();
    let requests: Vec<_> =
        (0..SIGNED).map(|_| service.signed("POST", &load.target, body.as_bytes())).collect();
    let mut connection = service.connect()?;
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
