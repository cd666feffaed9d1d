//! A server that speaks as much of MongoDB's protocol as a client needs that asks one query. What goes over it is written and
//! read by the makers' own library.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
    path::Path,
    sync::{Arc, Mutex},
};

use mongodb::bson::{Document, doc};

use crate::tls_server::{Way, by_tls, certificate, listen};

/// What the server does when it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    /// Answers with a document.
    Good,
    /// Answers with none.
    Empty,
    /// Answers with an error.
    Refuses,
    /// Says that it goes down.
    Ends,
    /// Says that it took too long.
    Late,
    /// Says nothing.
    Silent,
    /// Says something that is none of the protocol.
    Garbled,
    /// The same, as soon as it is connected to.
    GarbledAtOnce,
    /// Hangs up.
    Dies,
}

/// Listens until the program ends.
pub(crate) struct MongoServer {
    pub(crate) port: u16,
    /// Commands that are queries, in the order in which they came.
    pub(crate) said: Arc<Mutex<Vec<Document>>>,
}

impl MongoServer {
    /// With TLS there is a certificate for it, which is written to this file.
    pub(crate) fn start(mood: Mood, tls: Option<&Path>) -> Self {
        let tls = tls.map(|file| certificate(file, rustls::ALL_VERSIONS));
        let said = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&said);
        let port = listen(move |stream| serve(stream, mood, tls.clone(), &heard));
        Self { port, said }
    }
}

const REPLY: i32 = 1;
const QUERY: i32 = 2_004;
const MESSAGE: i32 = 2_013;

fn serve(
    stream: TcpStream,
    mood: Mood,
    tls: Option<Arc<rustls::ServerConfig>>,
    said: &Mutex<Vec<Document>>,
) -> io::Result<()> {
    let mut way: Box<dyn Way> = match tls {
        Some(config) => by_tls(config, stream)?,
        None => Box::new(stream),
    };
    if mood == Mood::GarbledAtOnce {
        return way.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    }
    loop {
        let (id, of, command) = read(&mut way)?;
        let name = command.keys().next().unwrap().to_lowercase();
        let answer = match name.as_str() {
            "hello" | "ismaster" => doc! {
                "ok": 1, "helloOk": true, "ismaster": true, "isWritablePrimary": true, "minWireVersion": 0, "maxWireVersion": 21,
                "maxBsonObjectSize": 16_777_216, "maxMessageSizeBytes": 48_000_000, "maxWriteBatchSize": 100_000,
            },
            "ping" | "endsessions" => doc! { "ok": 1 },
            "buildinfo" => doc! { "ok": 1, "version": "7.0.1" },
            // Whoever signs in has the wrong password.
            "saslstart" => fault(18, "AuthenticationFailed", "Authentication failed."),
            _ => {
                said.lock().unwrap().push(command);
                match mood {
                    Mood::Good => {
                        doc! { "ok": 1, "cursor": { "id": 0_i64, "ns": "dw.t", "firstBatch": [
                            { "_id": 1, "day": "2026-11-21", "n": { "rows": 42_i64 } },
                        ] } }
                    }
                    Mood::Empty => {
                        doc! { "ok": 1, "cursor": { "id": 0_i64, "ns": "dw.t", "firstBatch": [] } }
                    }
                    Mood::Refuses => fault(2, "BadValue", "unknown operator: $near2"),
                    Mood::Ends => fault(91, "ShutdownInProgress", "the server goes down"),
                    Mood::Late => fault(50, "MaxTimeMSExpired", "operation exceeded time limit"),
                    Mood::Silent => {
                        // Until the client goes.
                        drop(read(&mut way));
                        return Ok(());
                    }
                    Mood::Garbled => return way.write_all(&[0x99; 64]),
                    Mood::GarbledAtOnce | Mood::Dies => return Ok(()),
                }
            }
        };
        write(&mut way, id, of, &answer)?;
    }
}

fn fault(code: i32, name: &str, message: &str) -> Document {
    doc! { "ok": 0, "errmsg": message, "code": code, "codeName": name }
}

/// A message: its number, its kind, and the command in it.
fn read(way: &mut impl Read) -> io::Result<(i32, i32, Document)> {
    let mut header = [0; 16];
    way.read_exact(&mut header)?;
    let number = |at: usize| i32::from_le_bytes(header[at..at + 4].try_into().unwrap());
    let mut body = vec![0; usize::try_from(number(0)).unwrap() - 16];
    way.read_exact(&mut body)?;
    let from = match number(12) {
        // Flags, and the kind of the first part: a document.
        MESSAGE => 5,
        QUERY => {
            // Flags, the name of a collection, how many to pass over and to give.
            let name = body[4..].iter().position(|it| *it == 0).unwrap();
            4 + name + 1 + 8
        }
        other => panic!("a message of kind {other}"),
    };
    let command = Document::from_reader(&body[from..]).unwrap();
    Ok((number(4), number(12), command))
}

fn write(way: &mut impl Write, to: i32, of: i32, answer: &Document) -> io::Result<()> {
    let (of, mut body) = match of {
        MESSAGE => (MESSAGE, vec![0; 5]),
        // Flags, a cursor, where it begins, and how many documents there are.
        _ => (REPLY, [vec![8], vec![0; 15], vec![1, 0, 0, 0]].concat()),
    };
    answer.to_writer(&mut body).unwrap();
    let length = i32::try_from(body.len() + 16).unwrap();
    let header = [length, 1, to, of].map(i32::to_le_bytes).concat();
    way.write_all(&[header, body].concat())?;
    way.flush()
}
