//! Loads the configuration: collects the layers, merges them and reads the values.
//!
//! No other module reads the environment.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::environment::{self, EnvVariable};
use super::layer::{Layer, Origin, Raw, SourcedValue, from_toml, lay_over};
use super::pgpass::with_password;
use super::problem::{Problem, Problems};
use super::profile::{ProfileName, STANDARD};
use super::reader::{ConfigReader, Visibility};
use super::sections::providers::is_secret_key;
use super::traces::TracesConfig;
use super::{Config, Limits, env_file};
use crate::model::{Database, Secret};

/// The file that is read if `--config` is not given.
const DEFAULT_FILE: &str = "authd.toml";

/// All sources of a configuration.
#[derive(Clone, Default)]
pub struct Inputs {
    /// Flags by name without dashes (`listen`, or a whole key), in the order given.
    pub flags: Vec<(String, String)>,
    /// The environment variables of the process.
    pub env: BTreeMap<String, String>,
    /// `--env-file`
    pub env_file: Option<PathBuf>,
    /// `--config`. `None` means `authd.toml`, if it exists.
    pub file: Option<PathBuf>,
    /// Where relative paths start. Empty means the current directory.
    pub dir: PathBuf,
    /// The profile recorded in the database.
    pub recorded_profile: Option<String>,
    /// What the API at the root needs of the configuration and does not get, so that it is reported
    /// together with all other problems.
    pub needs_of_wire: Option<fn(&Config) -> Vec<UnmetNeed>>,
}

/// A setting that does not meet what the API at the root needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnmetNeed {
    pub key: &'static str,
    /// What was expected and what was found.
    pub message: String,
}

impl Inputs {
    /// The environment of this process, with paths relative to the current directory.
    #[must_use]
    pub fn from_process() -> Self {
        // No variable that authd reads has a name or value that is not Unicode.
        let env = std::env::vars_os()
            .filter_map(|(n, v)| Some((n.into_string().ok()?, v.into_string().ok()?)));
        Self { env: env.collect(), ..Self::default() }
    }
}

/// A valid configuration, and how it was found.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The parsed and checked values.
    pub config: Config,
    /// Warnings to show at start. They stop nothing.
    pub notes: Vec<String>,
    /// `AUTHD_MASTER_KEY`, from the environment or the env file.
    pub master_key: Option<Secret>,
}

/// Loads and checks the configuration.
///
/// # Errors
/// Returns all problems, not only the first.
pub fn load(inputs: &Inputs) -> Result<Loaded, Problems> {
    let mut sources = Sources::gather(inputs);
    let profile = sources.choose_profile(inputs);
    let mut layer = base_layer(profile, &mut sources.problems);
    lay_over(&mut layer, std::mem::take(&mut sources.file));
    let ignored = match profile.environment() {
        Ok(table) => environment::document_names(
            &sources.variables,
            &table,
            &mut sources.env,
            &mut sources.problems,
        ),
        Err(problem) => {
            sources.problems.push(*problem);
            Vec::new()
        }
    };
    lay_over(&mut layer, sources.env);
    lay_over(&mut layer, sources.flags);
    layer.insert("profile".to_owned(), sources.profile);

    let mut reader = ConfigReader::new(layer, &inputs.dir);
    reader.problems = sources.problems;
    reader.notes = sources.notes;
    let mut config = Config::read(&mut reader);
    match (TracesConfig::read(&sources.variables), &mut config) {
        (Ok(traces), Ok(config)) => config.traces = traces,
        (Ok(_), Err(_)) => {}
        (Err((variable, message)), _) => reader.refuse(variable, message),
    }
    if let Ok(config) = &config {
        config.validate(&mut reader);
        for unmet in inputs.needs_of_wire.map(|unmet| unmet(config)).into_iter().flatten() {
            reader.refuse(unmet.key, unmet.message);
        }
    }
    reader.refuse_unknown();
    let master_key = master_key_in(&sources.variables);
    match config {
        Ok(mut config) if reader.problems.is_empty() => {
            config.database = with_password(config.database, &sources.variables, &mut reader.notes);
            config.entries = reader.entries.into();
            config.ignored = ignored.into();
            Ok(Loaded { config, notes: reader.notes, master_key })
        }
        _ => Err(Problems(reader.problems)),
    }
}

/// Reads only the location of the database, before the recorded profile is known.
///
/// # Errors
/// If a source cannot be read, or `db` is not the place of a database.
pub fn database(inputs: &Inputs) -> Result<Database, Problems> {
    place(inputs).map(|(database, _)| database)
}

/// As [`database`], with `AUTHD_MASTER_KEY`.
///
/// # Errors
/// As [`database`].
pub fn place(inputs: &Inputs) -> Result<(Database, Option<Secret>), Problems> {
    let mut sources = Sources::gather(inputs);
    let master_key = master_key_in(&sources.variables);
    let mut layer = base_layer(ProfileName::standard(), &mut sources.problems);
    for above in [sources.file, sources.env, sources.flags] {
        lay_over(&mut layer, above);
    }
    let mut reader = ConfigReader::new(layer, &inputs.dir);
    reader.problems = sources.problems;
    match reader.database("db") {
        Ok(database) if reader.problems.is_empty() => {
            let database = with_password(database, &sources.variables, &mut Vec::new());
            Ok((database, master_key))
        }
        _ => Err(Problems(reader.problems)),
    }
}

/// `AUTHD_MASTER_KEY`, from the environment or the env file.
fn master_key_in(variables: &BTreeMap<String, EnvVariable>) -> Option<Secret> {
    variables.get("AUTHD_MASTER_KEY").map(|found| Secret::new(found.value.clone()))
}

/// Whether a flag with this name and value carries a secret. Every process on the machine could
/// read it there.
#[must_use]
pub fn is_secret(name: &str, value: &str) -> bool {
    let mut reader =
        ConfigReader::new(base_layer(ProfileName::standard(), &mut Vec::new()), Path::new(""));
    // Only the entries matter here, not whether the standard values are valid.
    let _ = Config::read(&mut reader);
    let key = environment::key_of(name);
    if is_secret_key(&key) {
        return true;
    }
    match reader.entries.iter().find(|entry| entry.key == key).map(|entry| entry.show) {
        Some(Visibility::Hidden) => true,
        // Many gateways take their key in the query.
        Some(Visibility::Url) => has_password(value) || value.contains('?'),
        // The administrator may have put a URL with a password under the wrong key. An @ in the
        // path is not a login.
        Some(Visibility::All | Visibility::Login) | None => {
            value.split_once("://").is_some_and(|(_, rest)| {
                has_password(rest.split(['/', '?', '#']).next().unwrap_or(""))
            })
        }
    }
}

/// The limits of the profile `standard`.
pub(super) fn standard_limits() -> Option<Limits> {
    let layer = base_layer(ProfileName::standard(), &mut Vec::new());
    Limits::read(&mut ConfigReader::new(layer, Path::new(""))).ok()
}

/// Whether a URL, with or without its scheme, has a password before its host.
fn has_password(url: &str) -> bool {
    let userinfo = url.rsplit_once('@').map_or("", |(before, _)| before);
    userinfo.split_once("://").map_or(userinfo, |(_, user)| user).contains(':')
}

/// The layers that do not depend on the profile.
struct Sources {
    flags: Layer,
    env: Layer,
    file: Layer,
    variables: BTreeMap<String, EnvVariable>,
    profile: SourcedValue,
    problems: Vec<Problem>,
    notes: Vec<String>,
}

impl Sources {
    fn gather(inputs: &Inputs) -> Self {
        let mut problems = Vec::new();
        let flags = inputs.flags.iter().map(|(name, value)| {
            let given =
                SourcedValue { raw: Raw::Text(value.clone()), origin: Origin::Flag(name.clone()) };
            (environment::key_of(name), given)
        });
        let flags = flags.collect();
        let variables = variables(inputs, &mut problems);
        let env = environment::own_names(&variables, &mut problems);
        let file = file_layer(inputs, &mut problems);
        let profile = SourcedValue { raw: Raw::Text(STANDARD.to_owned()), origin: Origin::BuiltIn };
        Self { flags, env, file, variables, profile, problems, notes: Vec::new() }
    }

    /// The profile named by a layer, else the recorded one, else the default. An unknown profile is
    /// a problem; the default replaces it, so that all other settings are checked too.
    fn choose_profile(&mut self, inputs: &Inputs) -> ProfileName {
        let layers = [&self.flags, &self.env, &self.file];
        let named = layers.into_iter().find_map(|layer| layer.get("profile")).cloned();
        let recorded = inputs.recorded_profile.as_ref();
        if let Some(given) = named {
            self.profile = given;
        } else if let Some(recorded) = recorded {
            self.profile =
                SourcedValue { raw: Raw::Text(recorded.clone()), origin: Origin::Database };
        }
        let name = self.profile.raw.to_text();
        if let Some(recorded) = recorded
            && *recorded != name
        {
            let origin = &self.profile.origin;
            self.notes.push(format!(
                "using profile {name} ({origin}), but the database was started with {recorded}"
            ));
        }
        let all = ProfileName::all();
        let found = ProfileName::find(&name).or_else(|| {
            let known: Vec<&str> = all.iter().map(|profile| profile.name).collect();
            let message =
                format!("expected {}, got {}", known.join(" or "), self.profile.raw.quoted());
            let problem = Problem::new("profile", Some(self.profile.origin.clone()), message);
            self.problems.push(problem.suggest(&name, known));
            None
        });
        found.unwrap_or_else(ProfileName::standard)
    }
}

/// The default profile, overridden by the chosen one.
fn base_layer(profile: ProfileName, problems: &mut Vec<Problem>) -> Layer {
    let mut layer = Layer::new();
    let named = Origin::Profile(profile.name.to_owned());
    for (profile, origin) in [(ProfileName::standard(), Origin::BuiltIn), (profile, named)] {
        match profile.layer(&origin) {
            Ok(above) => lay_over(&mut layer, above),
            Err(problem) => problems.push(*problem),
        }
    }
    layer
}

fn file_layer(inputs: &Inputs, problems: &mut Vec<Problem>) -> Layer {
    let named = inputs.file.as_deref();
    let path = named.unwrap_or(Path::new(DEFAULT_FILE));
    let shown = path.display().to_string();
    let text = match std::fs::read_to_string(inputs.dir.join(path)) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound && named.is_none() => {
            return Layer::new();
        }
        Err(e) => {
            problems.push(unreadable(&shown, &e));
            return Layer::new();
        }
    };
    from_toml(&text, |line| Origin::File { file: shown.clone(), line }).unwrap_or_else(|problem| {
        problems.push(*problem);
        Layer::new()
    })
}

fn variables(inputs: &Inputs, problems: &mut Vec<Problem>) -> BTreeMap<String, EnvVariable> {
    let Some(path) = inputs.env_file.as_deref() else {
        return environment::gather(&inputs.env, Vec::new(), "");
    };
    let shown = path.display().to_string();
    let (from_file, bad_lines) = match std::fs::read_to_string(inputs.dir.join(path)) {
        Ok(text) => env_file::parse(&text, &shown),
        Err(e) => (Vec::new(), vec![unreadable(&shown, &e)]),
    };
    problems.extend(bad_lines);
    environment::gather(&inputs.env, from_file, &shown)
}

fn unreadable(file: &str, e: &std::io::Error) -> Problem {
    Problem::new(file, None, format!("expected a readable text file, got: {e}"))
}
