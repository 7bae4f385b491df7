//! Orders from the command line: carried out in this process when nobody serves the data directory, else handed to the server that does.
//!
//! Only one process may write the log. A server therefore listens on a socket in the data directory that only its owner may open
//! (mode 0600 in a directory of mode 0700): one JSON line in, one JSON line out.

use crate::app::{App, local_operator, unreachable};
use crate::connections::Connections;
use crate::connections::order::ConnectionOrder;
use crate::exit::Failure;
use aceso_audit::{Action, VerifyingKey};
use aceso_base::{LogicalId, Role, RoleSet, SubjectId, TenantId, UserId};
use aceso_connect::admin::By;
use aceso_identity::{Actor, ClientKind, NewClient, NewPerson, Secret};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixListener;

/// What can be ordered. The fields are the arguments of the commands of the same names.
#[expect(missing_docs, reason = "the fields are the arguments of the commands, which document them")]
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "kebab-case")]
pub enum Order {
    /// Key versions and how many rows name each.
    KeysStatus { tenant: String },
    /// A new version of the tenant key.
    KeysRotate { tenant: String },
    /// Moves all rows to the newest version.
    KeysRewrap { tenant: String },
    /// A new version of the root key.
    KeysRotateRoot,
    /// Wraps all tenant keys under the newest root key.
    KeysRewrapRoot { remove_old: bool },
    /// Destroys a patient's keys.
    KeysShred { tenant: String, subject: String },
    /// Forgets opened keys.
    KeysFlush,
    /// What the indexes give away.
    Leakage { tenant: String },
    /// Writes the log to a folder.
    AuditExport { out: PathBuf },
    /// Everybody.
    PeopleList,
    /// A new account.
    PeopleAdd {
        tenant: String,
        username: String,
        roles: Vec<String>,
        patient: Option<String>,
        password: Option<String>,
    },
    /// A new password.
    PeoplePassword { username: String, password: String },
    /// May sign in or not.
    PeopleDisable { username: String, disabled: bool },
    /// All OAuth clients.
    ClientsList,
    /// A new service client; its secret is in the answer and nowhere else.
    ClientsAdd { tenant: String, id: String, roles: Vec<String> },
    /// Gets tokens or not.
    ClientsDisable { id: String, disabled: bool },
    /// Something about connections.
    Connections(ConnectionOrder),
}

/// The socket of a data directory.
#[must_use]
pub fn socket(data_dir: &Path) -> PathBuf {
    data_dir.join("control.sock")
}

/// Hands an order to the server of this data directory; `None` when none runs.
///
/// # Errors
/// [`Failure`] as the server gave it, or when it went away.
pub fn ask_server(data_dir: &Path, order: &Order) -> Result<Option<Value>, Failure> {
    let Ok(mut stream) = UnixStream::connect(socket(data_dir)) else { return Ok(None) };
    let gone = |_| unreachable("the running server", "it went away during the order; look at its log");
    let mut line =
        serde_json::to_string(order).map_err(|_| Failure::Usage("the order cannot be written".to_owned()))?;
    line.push('\n');
    stream.write_all(line.as_bytes()).map_err(gone)?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).map_err(gone)?;
    let answer: Answer = serde_json::from_str(&answer)
        .map_err(|_| unreachable("the running server", "its answer is not understood; is it the same version?"))?;
    match answer {
        Answer::Done(value) => Ok(Some(value)),
        Answer::NotSo(text) => Err(Failure::NotSo(text)),
        Answer::Usage(text) => Err(Failure::Usage(text)),
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Answer {
    Done(Value),
    NotSo(String),
    Usage(String),
}

/// Takes orders until the process ends.
///
/// # Errors
/// [`Failure::Unreachable`] when the socket cannot be made.
pub fn listen(app: &App, connections: &Connections) -> Result<(), Failure> {
    let path = socket(&app.config.data_dir);
    // A socket of a process that is gone: this one holds the lock of the data directory.
    let _ = std::fs::remove_file(&path);
    let failed =
        |error: std::io::Error| unreachable("the control socket", format!("cannot be made ({:?})", error.kind()));
    let listener = UnixListener::bind(&path).map_err(failed)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).map_err(failed)?;
    let (app, connections) = (app.clone(), connections.clone());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (app, connections) = (app.clone(), connections.clone());
            tokio::spawn(async move {
                let (read, mut write) = stream.into_split();
                let mut line = String::new();
                if tokio::io::BufReader::new(read).read_line(&mut line).await.is_err() {
                    return;
                }
                let answer = match serde_json::from_str::<Order>(&line) {
                    Ok(order) => match carry_out(&app, Some(&connections), order).await {
                        Ok(value) => Answer::Done(value),
                        Err(Failure::Usage(text)) => Answer::Usage(text),
                        Err(failure) => Answer::NotSo(failure.to_string()),
                    },
                    Err(_) => Answer::NotSo("the order is not understood; is it the same version?".to_owned()),
                };
                if let Ok(mut text) = serde_json::to_string(&answer) {
                    text.push('\n');
                    let _ = write.write_all(text.as_bytes()).await;
                }
            });
        }
    });
    Ok(())
}

/// Does what was ordered.
///
/// # Errors
/// [`Failure`], never with a value of a record.
pub async fn carry_out(app: &App, connections: Option<&Connections>, order: Order) -> Result<Value, Failure> {
    match order {
        Order::Connections(order) => {
            let connections = match connections {
                Some(connections) => connections.clone(),
                None => Connections::open(app).await?,
            };
            crate::connections::order::carry_out(app, &connections, order).await
        }
        Order::KeysStatus { tenant } => keys_status(app, &named_tenant(app, &tenant)?),
        Order::KeysRotate { tenant } => {
            let version = app.door().rotate_tenant_key(&named_tenant(app, &tenant)?, &local_operator()).await;
            Ok(json!({ "primary": version.map_err(door)? }))
        }
        Order::KeysRewrap { tenant } => rewrap(app, &named_tenant(app, &tenant)?).await,
        Order::KeysRotateRoot => {
            let version = app.door().rotate_root(&local_operator()).await.map_err(door)?;
            Ok(json!({ "root_primary": version, "root_left": app.door().root_status().map_err(door)?.left }))
        }
        Order::KeysRewrapRoot { remove_old } => rewrap_root(app, remove_old).await,
        Order::KeysShred { tenant, subject } => {
            let subject = SubjectId::of_patient(&subject)
                .ok_or_else(|| Failure::Usage("SUBJECT is the id of a patient, a lower-case UUID".to_owned()))?;
            let done =
                app.door().shred(&named_tenant(app, &tenant)?, subject, &local_operator()).await.map_err(door)?;
            Ok(json!({
                "subject": subject.to_string(),
                "at": done.at.to_string(),
                "entry": done.receipt.index(),
                "checkpoint_size": done.receipt.tree_size(),
            }))
        }
        Order::KeysFlush => {
            app.note_order(&By::Machine, Action::Administered, "flush-keys").await?;
            app.door().flush_keys();
            Ok(json!({ "flushed": true }))
        }
        Order::Leakage { tenant } => {
            app.note_order(&By::Machine, Action::Administered, "leakage").await?;
            leakage(app, &named_tenant(app, &tenant)?)
        }
        Order::AuditExport { out } => {
            app.note_order(&By::Machine, Action::LogRead, "audit-export").await?;
            let door = app.door().clone();
            let exported = tokio::task::spawn_blocking(move || door.export_log(&out, &mut |_, _| {})).await;
            let head = exported
                .map_err(|_| unreachable("the export", "it ended early"))?
                .map_err(|error| unreachable("the export", error.to_string()))?;
            Ok(json!({ "entries": head.size }))
        }
        Order::PeopleList => {
            let people = app.identity.people(Actor::Installation).map_err(identity)?;
            Ok(people.iter().map(person).collect())
        }
        Order::PeopleAdd { tenant, username, roles, patient, password } => {
            let own_patient = patient.as_deref().map(LogicalId::parse).transpose();
            let own_patient = own_patient.map_err(|error| Failure::Usage(error.to_string()))?;
            let roles = role_set(&roles)?;
            if roles.contains(Role::Patient) && own_patient.is_none() {
                let text = "a patient's account needs --patient ID: the id of the record that is his own";
                return Err(Failure::Usage(text.to_owned()));
            }
            let new = NewPerson {
                username,
                tenant: named_tenant(app, &tenant)?,
                roles,
                own_patient,
                password: password.map(Secret::from),
            };
            Ok(person(&app.identity.add_person(Actor::Installation, new).await.map_err(identity)?))
        }
        Order::PeoplePassword { username, password } => {
            let found = app.identity.person_named(Actor::Installation, &username).map_err(identity)?;
            let changed = app.identity.set_password(Actor::Installation, &found.id, &Secret::from(password)).await;
            Ok(person(&changed.map_err(identity)?))
        }
        Order::PeopleDisable { username, disabled } => {
            let found = app.identity.person_named(Actor::Installation, &username).map_err(identity)?;
            let changed = app.identity.set_disabled(Actor::Installation, &found.id, disabled).await;
            Ok(person(&changed.map_err(identity)?))
        }
        Order::ClientsList => {
            let clients = app.identity.clients(Actor::Installation).map_err(identity)?;
            Ok(clients.iter().map(client).collect())
        }
        Order::ClientsAdd { tenant, id, roles } => {
            let new = NewClient {
                id: UserId::parse(&id).map_err(|error| Failure::Usage(error.to_string()))?,
                kind: ClientKind::Service,
                tenant: Some(named_tenant(app, &tenant)?),
                roles: role_set(&roles)?,
                scopes: vec!["fhir".to_owned()],
            };
            let (added, secret) = app.identity.add_client(Actor::Installation, new).await.map_err(identity)?;
            let mut value = client(&added);
            if let (Some(secret), Some(object)) = (secret, value.as_object_mut()) {
                object.insert("secret".to_owned(), secret.reveal().into());
            }
            Ok(value)
        }
        Order::ClientsDisable { id, disabled } => {
            let id = UserId::parse(&id).map_err(|error| Failure::Usage(error.to_string()))?;
            let changed = app.identity.set_client_disabled(Actor::Installation, &id, disabled).await;
            Ok(client(&changed.map_err(identity)?))
        }
    }
}

fn keys_status(app: &App, tenant: &TenantId) -> Result<Value, Failure> {
    let status = app.door().key_status(tenant).map_err(door)?;
    let rows = |version: u32| status.usage.iter().find(|row| row.tenant_key_version == version);
    let versions: Vec<Value> = status
        .versions
        .iter()
        .map(|(version, created, retired)| {
            json!({
                "version": version,
                "created": created.to_string(),
                "retired": retired.map(|at| at.to_string()),
                "patient_keys": rows(*version).map_or(0, |row| row.subject_keys),
                "records": rows(*version).map_or(0, |row| row.records),
                "root_version": status.roots.iter().find(|(of, _)| of == version).and_then(|(_, root)| *root),
            })
        })
        .collect();
    let root = app.door().root_status().map_err(door)?;
    Ok(json!({
        "tenant": tenant.as_str(),
        "primary": status.primary,
        "left": status.left(),
        "unreadable": status.unreadable,
        "root_primary": root.primary,
        "root_left": root.left,
        "versions": versions,
    }))
}

async fn rewrap(app: &App, tenant: &TenantId) -> Result<Value, Failure> {
    let (mut keys, mut records, mut failed) = (0, 0, 0);
    while let Some(step) = app.door().rewrap_step(tenant, &local_operator()).await.map_err(door)? {
        keys += step.subject_keys;
        records += step.records;
        failed += step.failed;
    }
    let left = app.door().key_status(tenant).map_err(door)?.left();
    Ok(json!({ "patient_keys": keys, "records": records, "failed": failed, "left": left }))
}

async fn rewrap_root(app: &App, remove_old: bool) -> Result<Value, Failure> {
    let wrapped = app.door().rewrap_root(&local_operator()).await.map_err(door)?;
    let root = app.door().root_status().map_err(door)?;
    if remove_old {
        app.door().remove_old_roots(&local_operator()).await.map_err(door)?;
    }
    Ok(json!({ "wrapped": wrapped, "root_primary": root.primary, "root_left": root.left, "old_removed": remove_old }))
}

fn leakage(app: &App, tenant: &TenantId) -> Result<Value, Failure> {
    let report = app.door().leakage(tenant).map_err(door)?;
    let planned: Vec<Value> = report
        .planned
        .iter()
        .map(|line| {
            json!({
                "index": line.index.name,
                "class": char::from(line.index.class.code()).to_string(),
                "bits": line.index.bits,
                "planned": line.planned,
                "possible_tokens": line.tokens,
                "patients_per_token": line.rows_per_token,
                "coincidences": line.coincidences,
            })
        })
        .collect();
    let measured: Vec<Value> = report
        .measured
        .iter()
        .map(|line| {
            json!({
                "class": line.class.to_string(),
                "rows": line.stats.rows,
                "distinct": line.stats.distinct,
                "largest": line.stats.largest,
                "largest_share": line.largest_share(),
            })
        })
        .collect();
    Ok(json!({ "tenant": tenant.as_str(), "patients": report.patients, "planned": planned, "measured": measured }))
}

fn person(person: &aceso_identity::Person) -> Value {
    json!({
        "id": person.id.as_str(),
        "username": person.username,
        "tenant": person.tenant.as_str(),
        "roles": person.roles.iter().map(Role::as_str).collect::<Vec<_>>(),
        "patient": person.own_patient.as_ref().map(LogicalId::as_str),
        "disabled": person.disabled,
        "has_password": person.has_password,
    })
}

fn client(client: &aceso_identity::Client) -> Value {
    json!({
        "id": client.id.as_str(),
        "kind": if client.kind == ClientKind::Service { "service" } else { "console" },
        "tenant": client.tenant.as_ref().map(TenantId::as_str),
        "roles": client.roles.iter().map(Role::as_str).collect::<Vec<_>>(),
        "disabled": client.disabled,
    })
}

fn named_tenant(app: &App, name: &str) -> Result<TenantId, Failure> {
    let known = app.config.tenants.iter().find(|tenant| tenant.as_str() == name);
    known.cloned().ok_or_else(|| Failure::Usage("no such tenant in the configuration".to_owned()))
}

fn role_set(names: &[String]) -> Result<RoleSet, Failure> {
    let role =
        |name: &String| Role::parse(name).ok_or_else(|| Failure::Usage(format!("a role is one of: {}", roles())));
    names.iter().map(role).collect()
}

fn roles() -> String {
    Role::ALL.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(", ")
}

fn door(error: aceso_custodian::DoorError) -> Failure {
    match error {
        aceso_custodian::DoorError::Unavailable(code) => unreachable("the store or the keys", code),
        aceso_custodian::DoorError::UnknownSubject { .. } => {
            Failure::NotSo("the patient has no keys: he is unknown or was shredded before".to_owned())
        }
        other => Failure::NotSo(other.to_string()),
    }
}

fn identity(error: aceso_identity::IdentityError) -> Failure {
    Failure::NotSo(error.to_string())
}

/// The public key of the log, as `audit verify --key` takes it.
///
/// # Errors
/// [`Failure::Usage`] when the text is no key.
pub fn verifying_key(text: &str) -> Result<VerifyingKey, Failure> {
    VerifyingKey::parse(text.trim()).map_err(|error| Failure::Usage(error.to_string()))
}
