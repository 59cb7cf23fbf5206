//! What a cluster makes of the manifests of `examples/`.

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tests::Run;

use crate::machine::{Shop, examples};

/// The documents of a YAML file.
pub(crate) fn documents(python: &Path, name: &str) -> Vec<Value> {
    let program = "import json, sys, yaml; print(json.dumps(list(yaml.safe_load_all(open(sys.argv[1])))))";
    let run = Run::of(Command::new(python).args(["-c", program]).arg(examples().join(name))).succeeds();
    serde_json::from_str(&run.out()).expect("JSON")
}

/// The one of this kind.
pub(crate) fn of_kind<'a>(documents: &'a [Value], kind: &str) -> &'a Value {
    documents.iter().find(|document| document["kind"] == kind).unwrap_or_else(|| panic!("no {kind}"))
}

pub(crate) fn words(list: &Value) -> Vec<String> {
    let word = |word: &Value| word.as_str().expect("a word").to_owned();
    list.as_array().map(|words| words.iter().map(word).collect()).unwrap_or_default()
}

pub(crate) fn validate(python: &Path, name: &str) {
    let mut validate = Command::new(python.with_file_name("kubernetes-validate"));
    // Version 1.29 is the first with containers that run beside others.
    validate.args(["--strict", "--kubernetes-version", "1.29"]).arg(examples().join(name));
    Run::of(&validate).succeeds().says("passed for resource deployment/").done();
}

/// Each mount of a pod's containers, as (container, path, volume).
pub(crate) fn mounts(pod: &Value) -> Vec<(String, String, &Value)> {
    let volumes = pod["volumes"].as_array().expect("volumes");
    let containers = ["initContainers", "containers"].map(|kind| pod[kind].as_array());
    let mut all = Vec::new();
    for container in containers.into_iter().flatten().flatten() {
        for mount in container["volumeMounts"].as_array().expect("mounts") {
            let volume = volumes.iter().find(|volume| volume["name"] == mount["name"]);
            let volume = volume.unwrap_or_else(|| panic!("no volume for {mount}"));
            let text = |value: &Value| value.as_str().expect("text").to_owned();
            all.push((text(&container["name"]), text(&mount["mountPath"]), volume));
        }
    }
    all
}

/// The webhook of External Secrets Operator, for the store of the manifest.
pub(crate) struct Operator<'a> {
    pub(crate) shop: &'a Shop,
    pub(crate) webhook: Value,
    pub(crate) bridge: String,
}

impl Operator<'_> {
    /// Asks for a secret as the store says: the status, and what is at the JSON path.
    pub(crate) fn ask(&self, token: &str, remote: &Value) -> (String, String) {
        let filled = |template: &Value| {
            let mut text = template.as_str().expect("a template").to_owned();
            for field in ["key", "version", "property"] {
                // None of ours has a letter that a URL would have to escape.
                let value = remote[field].as_str().unwrap_or_default();
                text = text.replace(&format!("{{{{ .remoteRef.{field} }}}}"), value);
            }
            let text = text.replace("{{ .bridge.token }}", token);
            assert!(!text.contains("{{"), "a template that nobody fills: {text}");
            text
        };
        let mut curl = self.shop.hsm.command("curl");
        // The name and port of the service lead to the bridge, as in the cluster.
        let to = format!("csms-bridge.shop.svc:8443:{}", self.bridge);
        curl.args([
            "-sS",
            "--path-as-is",
            "--max-time",
            "60",
            "-w",
            "%{http_code}",
            "-o",
            "answer",
            "--connect-to",
            &to,
        ]);
        curl.args(["--cacert", "tls.crt"]);
        for (name, value) in self.webhook["headers"].as_object().expect("headers") {
            curl.arg("-H").arg(format!("{name}: {}", filled(value)));
        }
        let status = Run::of(curl.arg(filled(&self.webhook["url"]))).succeeds().out();
        let answer: Value = serde_json::from_slice(&self.shop.hsm.read("answer")).expect("JSON");
        let path = self.webhook["result"]["jsonPath"].as_str().and_then(|path| path.strip_prefix("$."));
        let value = answer[path.expect("a path of one step")].as_str().unwrap_or_default();
        (status, value.to_owned())
    }
}

/// Sees that an object has no other fields than these, which are those that the operator's API v1 has.
pub(crate) fn has_only(object: &Value, fields: &[&str]) {
    for name in object.as_object().expect("an object").keys() {
        assert!(fields.contains(&name.as_str()), "{name} is no field: {fields:?}");
    }
}
