//! `examples/deploy/kubernetes.yaml` and `compose.yaml`: their form, and what they say to the program.

use std::path::{Path, PathBuf};
use std::process::Command;

use authd::http::server::system::PATHS;
use serde_json::Value;

use crate::process::Folder;
use crate::tools::{installed, missing, succeed};

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/deploy").join(name)
}

const TO_JSON: &str =
    "import json, sys, yaml; print(json.dumps(list(yaml.safe_load_all(open(sys.argv[1])))))";

/// The documents in a file of YAML.
fn documents(tools: &Path, name: &str) -> Vec<Value> {
    let mut python = Command::new(tools.join("bin/python"));
    let text = succeed(python.args(["-c", TO_JSON]).arg(example(name)));
    serde_json::from_str(&text).unwrap()
}

#[test]
fn kubernetes_accepts_the_manifest_and_authd_its_configuration() {
    let Some(tools) = installed("kubernetes") else {
        return missing("the Kubernetes manifest", "kubernetes-validate");
    };
    let found = accepted(&tools, "kubernetes.yaml", 3, "StatefulSet");
    let set = found.iter().find(|one| one["kind"] == "StatefulSet").unwrap();
    assert_eq!(set["spec"]["replicas"], 1);
}

#[test]
fn kubernetes_accepts_three_servers_that_are_replaced_one_by_one() {
    let Some(tools) = installed("kubernetes") else {
        return missing("the Kubernetes manifest", "kubernetes-validate");
    };
    let found = accepted(&tools, "postgresql/kubernetes.yaml", 4, "Deployment");
    let of_kind = |kind: &str| &found.iter().find(|one| one["kind"] == kind).unwrap()["spec"];
    let servers = of_kind("Deployment");
    assert_eq!(servers["replicas"], 3);
    assert_eq!(servers["strategy"]["rollingUpdate"]["maxUnavailable"], 0);
    let pod = &servers["template"]["spec"];
    assert_eq!(pod["containers"][0]["readinessProbe"]["httpGet"]["path"], "/readyz");
    assert_eq!(pod["containers"][0]["livenessProbe"]["httpGet"]["path"], "/livez");
    // What is in a pod is lost with it: the database and the master key are elsewhere.
    assert!(!pod.to_string().contains("/data"), "{pod}");
    let budget = of_kind("PodDisruptionBudget");
    assert_eq!(budget["maxUnavailable"], 1);
    assert_eq!(budget["selector"]["matchLabels"], servers["selector"]["matchLabels"]);
}

#[test]
fn three_servers_of_the_compose_file_share_a_database_and_a_balancer_asks_them() {
    let Some(tools) = installed("kubernetes") else {
        return missing("the Compose file", "kubernetes-validate");
    };
    let compose = documents(&tools, "postgresql/compose.yaml").remove(0);
    let services = compose["services"].as_object().unwrap();
    let names = ["authd-1", "authd-2", "authd-3"];
    let folder = Folder::new();
    for name in names {
        let service = &services[name];
        assert_eq!(service, &services["authd-1"]);
        let context = example("postgresql").join(service["build"]["context"].as_str().unwrap());
        assert!(context.join(service["build"]["dockerfile"].as_str().unwrap()).is_file());
        assert!(
            services
                .contains_key(service["depends_on"].as_object().unwrap().keys().next().unwrap())
        );
    }
    let environment = services["authd-1"]["environment"].as_object().unwrap();
    let outside = ["AUTHD_MASTER_KEY", "PGPASSWORD"];
    for name in environment.keys().filter(|name| !outside.contains(&name.as_str())) {
        let key = name.strip_prefix("AUTHD_").unwrap().to_ascii_lowercase().replace("__", ".");
        let shown = folder.run(&["config", "show", &key]);
        assert_eq!(shown.code, Some(0), "{name}: {}", shown.err);
    }
    let url = environment["AUTHD_DB"].as_str().unwrap();
    assert!(url.contains("@postgresql/") && services.contains_key("postgresql"), "{url}");
    // Trusted are the balancer, which all servers are behind, and a proxy on the machine, which the balancer sees as
    // the gateway of the network.
    let balancer = services["haproxy"]["networks"]["inside"]["ipv4_address"].as_str().unwrap();
    let gateway = compose["networks"]["inside"]["ipam"]["config"][0]["gateway"].as_str().unwrap();
    assert_eq!(environment["AUTHD_SERVER__TRUSTED_PROXIES"], format!("{balancer},{gateway}"));
    let settings = example("postgresql/haproxy.cfg");
    let text = std::fs::read_to_string(&settings).unwrap();
    for name in names {
        assert!(text.contains(&format!("server {name} {name}:3000")), "{name}");
    }
    let haproxy = Path::new("/usr/sbin/haproxy");
    if !haproxy.is_file() {
        return missing("the settings of HAProxy", "haproxy");
    }
    succeed(Command::new(haproxy).args(["-c", "-f"]).arg(settings));
}

/// Checks a manifest with this many resources, whose pods are of this kind, and its configuration.
fn accepted(tools: &Path, name: &str, resources: usize, kind: &str) -> Vec<Value> {
    let mut validate = Command::new(tools.join("bin/kubernetes-validate"));
    let said = succeed(validate.arg("--strict").arg(example(name)));
    assert_eq!(said.matches(" passed for resource ").count(), resources, "{said}");
    let found = documents(tools, name);
    let of_kind = |kind: &str| found.iter().find(|one| one["kind"] == kind).unwrap();
    let pod = &of_kind(kind)["spec"]["template"]["spec"];
    let container = &pod["containers"][0];
    for probe in ["startupProbe", "livenessProbe", "readinessProbe"] {
        let path = container[probe]["httpGet"]["path"].as_str().unwrap();
        assert!(PATHS.contains(&path), "{path}");
    }
    let dockerfile = std::fs::read_to_string(example("Dockerfile")).unwrap();
    let user = pod["securityContext"]["runAsUser"].to_string();
    assert!(dockerfile.contains(&format!("--uid {user} ")), "{user}");
    let config = of_kind("ConfigMap")["data"]["authd.toml"].as_str().unwrap();
    let folder = Folder::new();
    std::fs::write(folder.path("authd.toml"), config).unwrap();
    // The database is the reader's own: another one, so that none is looked for.
    let checked = folder.run(&["config", "check", "--json", "--db", "authd.db"]);
    let findings: Value = serde_json::from_str(&checked.out).unwrap();
    // The sender and the server for mail are the reader's own.
    let is_left =
        |finding: &&Value| finding["key"] == "mail.from" || finding["key"] == "mail.smtp_url";
    let all = findings["findings"].as_array().unwrap().iter();
    let errors: Vec<&Value> = all.filter(|one| one["level"] == "error" && !is_left(one)).collect();
    assert!(errors.is_empty(), "{errors:?}");
    let listen = folder.run(&["config", "show", "metrics.listen", "--db", "authd.db"]).out;
    let port = container["ports"][1]["containerPort"].to_string();
    assert!(listen.contains(&port), "{listen}");
    let annotations = &of_kind(kind)["spec"]["template"]["metadata"]["annotations"];
    assert_eq!(annotations["prometheus.io/port"], port);
    found
}

#[test]
fn what_the_compose_file_names_exists_and_its_services_find_each_other() {
    let Some(tools) = installed("kubernetes") else {
        return missing("the Compose file", "kubernetes-validate");
    };
    let compose = documents(&tools, "compose.yaml").remove(0);
    let services = compose["services"].as_object().unwrap();
    let mut named = 0;
    for service in services.values() {
        let volumes =
            service["volumes"].as_array().unwrap().iter().map(|one| one.as_str().unwrap());
        for volume in volumes {
            let source = volume.split(':').next().unwrap();
            if source.starts_with('.') {
                assert!(example(source).is_file(), "{volume}");
            } else {
                assert!(compose["volumes"].as_object().unwrap().contains_key(source), "{volume}");
            }
            named += 1;
        }
        for config in service["configs"].as_array().into_iter().flatten() {
            let source = config["source"].as_str().unwrap();
            assert!(compose["configs"][source]["content"].is_string(), "{source}");
            named += 1;
        }
    }
    assert_eq!(named, 8);
    let build = &services["authd"]["build"];
    let context = example(build["context"].as_str().unwrap());
    assert!(context.join(build["dockerfile"].as_str().unwrap()).is_file());
    // Each variable is one that authd reads.
    let folder = Folder::new();
    let environment = services["authd"]["environment"].as_object().unwrap();
    for name in environment.keys() {
        let key = name.strip_prefix("AUTHD_").unwrap().to_ascii_lowercase().replace("__", ".");
        let shown = folder.run(&["config", "show", &key]);
        assert_eq!(shown.code, Some(0), "{name}: {}", shown.err);
    }
    let listen = environment["AUTHD_METRICS__LISTEN"].as_str().unwrap();
    let port = listen.rsplit_once(':').unwrap().1;
    let scrape = compose["configs"]["prometheus"]["content"].as_str().unwrap();
    assert!(scrape.contains(&format!("\"authd:{port}\"")), "{scrape}");
    let datasource = compose["configs"]["datasource"]["content"].as_str().unwrap();
    assert!(datasource.contains("url: http://prometheus:9090"), "{datasource}");
}
