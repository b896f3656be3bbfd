//! A BMC of the test's own: a small Redfish service that can be as bad as wanted.
//!
//! In: what to answer otherwise than a good service. Out: a URL, and everything it was asked.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub const USER: &str = "root";
pub const PASSWORD: &str = "correct-horse";
pub const TOKEN: &str = "token-of-this-session";
pub const SYSTEM: &str = "/redfish/v1/Systems/1";
pub const SESSIONS: &str = "/redfish/v1/SessionService/Sessions";
pub const RESET: &str = "/redfish/v1/Systems/1/Actions/ComputerSystem.Reset";

/// What it was asked.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: String,
    pub path: String,
    pub fields: BTreeMap<String, String>,
    pub body: String,
    /// Which connection it came on.
    pub connection: usize,
    /// How often the same was asked before.
    pub before: usize,
}

impl Asked {
    pub fn is(&self, method: &str, path: &str) -> bool {
        self.method == method && self.path == path
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }
}

/// What it answers.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub fields: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    pub end: End,
}

/// What it does then.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum End {
    /// Waits for the next request.
    Stay,
    /// Hangs up without a word.
    HangUp,
    /// Hangs up without an answer.
    Deaf,
    /// Goes on writing the body without end.
    Endless,
    /// Promises more bytes than it ever writes.
    Short,
    /// Never answers at all.
    Silent,
}

pub fn reply(status: u16, body: &Value) -> Reply {
    text(status, &body.to_string())
}

pub fn text(status: u16, body: &str) -> Reply {
    Reply { status, fields: Vec::new(), body: body.as_bytes().to_vec(), end: End::Stay }
}

impl Reply {
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.fields.push((name, value.to_owned()));
        self
    }

    pub fn then(mut self, end: End) -> Self {
        self.end = end;
        self
    }
}

/// An error as DSP0266 wants it.
pub fn error(status: u16, id: &str, message: &str) -> Reply {
    let told = json!([{ "MessageId": id, "Message": message }]);
    reply(status, &json!({ "error": { "code": id, "@Message.ExtendedInfo": told } }))
}

type Answers = dyn Fn(&Asked) -> Option<Reply> + Send + Sync;

pub struct Service {
    pub url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Service {
    /// A good service, but for what `answers` answers. It serves until the process ends.
    pub fn start(answers: impl Fn(&Asked) -> Option<Reply> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (answers, heard): (Arc<Answers>, _) = (Arc::new(answers), Arc::clone(&asked));
        std::thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                let (answers, heard) = (Arc::clone(&answers), Arc::clone(&heard));
                std::thread::spawn(move || serve(stream.unwrap(), number, &*answers, &heard));
            }
        });
        Self { url, asked }
    }

    pub fn good() -> Self {
        Self::start(|_| None)
    }

    /// Everything it was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// What it was asked by this method at this path.
    pub fn asked_for(&self, method: &str, path: &str) -> Vec<Asked> {
        self.asked().into_iter().filter(|asked| asked.is(method, path)).collect()
    }
}

fn serve(stream: TcpStream, connection: usize, answers: &Answers, heard: &Mutex<Vec<Asked>>) {
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut writer = stream.try_clone().unwrap();
    let mut reader = BufReader::new(stream);
    while let Some(mut asked) = read(&mut reader, connection) {
        {
            let mut all = heard.lock().unwrap();
            asked.before = all.iter().filter(|one| one.is(&asked.method, &asked.path)).count();
            all.push(asked.clone());
        }
        let reply = answers(&asked).unwrap_or_else(|| good(&asked));
        if reply.end == End::Deaf {
            return;
        }
        if write(&mut writer, &reply).is_err() || reply.end == End::HangUp {
            return;
        }
    }
}

fn read(reader: &mut BufReader<TcpStream>, connection: usize) -> Option<Asked> {
    let mut line = || {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        Some(line.trim_end().to_owned())
    };
    let first = line()?;
    let mut words = first.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut fields = BTreeMap::new();
    while let Some((name, value)) = line()?.split_once(": ") {
        fields.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let length = fields.get("content-length").map_or(0, |text: &String| text.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let body = String::from_utf8(body).unwrap();
    Some(Asked { method, path, fields, body, connection, before: 0 })
}

fn write(writer: &mut TcpStream, reply: &Reply) -> std::io::Result<()> {
    if reply.end == End::Silent {
        // Longer than anybody waits; the client hangs up before.
        drop(writer.set_read_timeout(Some(Duration::from_secs(20))));
        return writer.read(&mut [0]).map(drop);
    }
    let mut head = format!("HTTP/1.1 {} X\r\n", reply.status);
    for (name, value) in &reply.fields {
        head += &format!("{name}: {value}\r\n");
    }
    match reply.end {
        End::Endless => head += "Transfer-Encoding: chunked\r\n",
        End::Short => head += "Content-Length: 1000000\r\n",
        _ => head += &format!("Content-Length: {}\r\n", reply.body.len()),
    }
    writer.write_all(format!("{head}\r\n").as_bytes())?;
    if reply.end == End::Endless {
        let piece = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
        loop {
            writer.write_all(piece.as_bytes())?;
        }
    }
    writer.write_all(&reply.body)
}

/// What a good service answers.
fn good(asked: &Asked) -> Reply {
    let link = |path: &str| json!({ "@odata.id": path });
    match (asked.method.as_str(), asked.path.as_str()) {
        ("GET", "/redfish/v1/") => reply(200, &root()),
        ("POST", SESSIONS) => session(),
        _ if asked.field("x-auth-token") != Some(TOKEN)
            && asked.field("authorization").is_none() =>
        {
            error(401, "Base.1.8.NoValidSession", "There is no valid session.")
        }
        ("GET", "/redfish/v1/Systems") => reply(200, &json!({ "Members": [link(SYSTEM)] })),
        ("GET", SYSTEM) => reply(200, &system()).with("ETag", "\"one\""),
        ("GET", "/redfish/v1/Systems/1/SecureBoot") => reply(
            200,
            &json!({ "SecureBootEnable": true, "SecureBootCurrentBoot": "Enabled",
                     "SecureBootMode": "UserMode" }),
        ),
        ("GET", "/redfish/v1/Systems/1/EthernetInterfaces") => reply(
            200,
            &json!({ "Members": [link("/redfish/v1/Systems/1/EthernetInterfaces/NIC.1")] }),
        ),
        ("GET", "/redfish/v1/Systems/1/EthernetInterfaces/NIC.1") => reply(
            200,
            &json!({ "Id": "NIC.1", "MACAddress": "52:54:00:77:00:01",
                     "PermanentMACAddress": "52:54:00:77:00:02" }),
        ),
        ("POST", RESET) | ("PATCH", SYSTEM) | ("DELETE", _) => text(204, ""),
        _ => error(404, "Base.1.8.ResourceMissingAtURI", "There is no such resource."),
    }
}

pub fn root() -> Value {
    json!({
        "RedfishVersion": "1.11.0",
        "Systems": { "@odata.id": "/redfish/v1/Systems" },
        "Links": { "Sessions": { "@odata.id": SESSIONS } },
    })
}

pub fn session() -> Reply {
    reply(201, &json!({ "Id": "7" }))
        .with("X-Auth-Token", TOKEN)
        // iLO writes whole URLs, with a name that nobody else may know it by.
        .with("Location", &format!("https://ILOMXQ1.local{SESSIONS}/7/"))
}

pub fn system() -> Value {
    json!({
        "@odata.id": SYSTEM,
        "Id": "1",
        "Manufacturer": "Anybody",
        "Model": "Box 1",
        "SerialNumber": "S-1",
        "UUID": "4c4c4544-0030-5210-8047-c6c04f5a4333",
        "BiosVersion": "2.6.6",
        "PowerState": "Off",
        "MemorySummary": { "TotalSystemMemoryGiB": 256 },
        "ProcessorSummary": { "Count": 2, "CoreCount": 64, "LogicalProcessorCount": 128,
                              "Model": "Some CPU" },
        "SecureBoot": { "@odata.id": "/redfish/v1/Systems/1/SecureBoot" },
        "EthernetInterfaces": { "@odata.id": "/redfish/v1/Systems/1/EthernetInterfaces" },
        "Boot": {
            "BootSourceOverrideEnabled": "Disabled",
            "BootSourceOverrideTarget": "None",
            "BootSourceOverrideMode": "UEFI",
            "BootSourceOverrideTarget@Redfish.AllowableValues": ["None", "Pxe", "Hdd", "UefiHttp"],
            "HttpBootUri": null,
        },
        "Actions": { "#ComputerSystem.Reset": {
            "target": RESET,
            "ResetType@Redfish.AllowableValues":
                ["On", "ForceOff", "GracefulShutdown", "ForceRestart", "PowerCycle"],
        } },
    })
}

/// The same system with one place of it set otherwise; null takes it away.
pub fn system_with(at: &str, value: Value) -> Value {
    let mut system = system();
    let (object, name) = at.rsplit_once('/').unwrap();
    let object = system.pointer_mut(object).unwrap().as_object_mut().unwrap();
    match value {
        Value::Null => object.remove(name),
        value => object.insert(name.to_owned(), value),
    };
    system
}
