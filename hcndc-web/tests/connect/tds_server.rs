//! A server that speaks as much of TDS, the protocol of SQL Server, as a client needs that signs in and asks one query: [MS-TDS].

use std::{
    io::{self, Read, Write},
    net::TcpStream,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::tls_server::{Way, by_tls, certificate, listen};

/// What the server does when it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    /// Answers with a row.
    Good,
    /// Answers with an error.
    Refuses,
    /// Answers with an error that ends the connection, as a shutdown does.
    Ends,
    /// Says nothing.
    Silent,
    /// Says something that is none of the protocol.
    Garbled,
    /// Says nothing of the protocol, as soon as it is connected to.
    GarbledAtOnce,
    /// Hangs up.
    Dies,
}

/// Listens until the program ends.
pub(crate) struct TdsServer {
    pub(crate) port: u16,
    /// Statements and queries, in the order in which they came.
    pub(crate) said: Arc<Mutex<Vec<String>>>,
}

pub(crate) const USER: &str = "etl";
pub(crate) const PASSWORD: &str = "Käse;1}";

impl TdsServer {
    /// With TLS there is a certificate for it, which is written to this file.
    pub(crate) fn start(mood: Mood, tls: Option<&Path>) -> Self {
        // Before its eighth version TDS knows no newer TLS: it would go on, within packets, when the client has done with them.
        let tls = tls.map(|file| certificate(file, &[&rustls::version::TLS12]));
        let said = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&said);
        let port = listen(move |stream| serve(stream, mood, tls.clone(), &heard));
        Self { port, said }
    }
}

const BATCH: u8 = 1;
const RPC: u8 = 3;
const ANSWER: u8 = 4;
const LOGIN: u8 = 16;
const PRELOGIN: u8 = 18;

fn serve(
    stream: TcpStream,
    mood: Mood,
    tls: Option<Arc<rustls::ServerConfig>>,
    said: &Mutex<Vec<String>>,
) -> io::Result<()> {
    let mut plain = stream.try_clone()?;
    let (kind, _) = read(&mut plain)?;
    assert_eq!(kind, PRELOGIN);
    if mood == Mood::GarbledAtOnce {
        return plain.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    }
    // Version, then whether there is TLS: on, or not at all.
    let encryption = if tls.is_some() { 1 } else { 2 };
    let mut options = vec![0, 0, 11, 0, 6, 1, 0, 17, 0, 1, 0xff];
    options.extend([16, 0, 0, 0, 0, 0, encryption]);
    send(&mut plain, &options)?;
    let mut way: Box<dyn Way> = match tls {
        None => Box::new(stream),
        Some(config) => {
            let is_framed = Arc::new(AtomicBool::new(true));
            let framed = Framed {
                stream,
                is_framed: Arc::clone(&is_framed),
                incoming: Vec::new(),
                outgoing: Vec::new(),
            };
            let way = by_tls(config, framed)?;
            is_framed.store(false, Ordering::Relaxed);
            way
        }
    };
    let (kind, login) = read(&mut way)?;
    assert_eq!(kind, LOGIN);
    if field(&login, 40, false) != USER || field(&login, 44, true) != PASSWORD {
        let mut refused = error(18_456, 14, "Login failed for user 'etl'.");
        refused.extend(done(0xfd));
        return send(&mut way, &refused);
    }
    let mut signed_in = vec![0xad];
    let name = utf16("Microsoft SQL Server");
    let mut ack = vec![1, 0x74, 0, 0, 4, 20];
    ack.extend(name);
    ack.extend([16, 0, 0, 0]);
    signed_in.extend(u16::try_from(ack.len()).unwrap().to_le_bytes());
    signed_in.extend(ack);
    signed_in.extend(done(0xfd));
    send(&mut way, &signed_in)?;
    loop {
        let (kind, body) = read(&mut way)?;
        // Behind the headers, which tell their own length.
        let headers = u32::from_le_bytes(body[..4].try_into().unwrap());
        let body = &body[usize::try_from(headers).unwrap()..];
        if kind == BATCH {
            said.lock().unwrap().push(text(body));
            send(&mut way, &done(0xfd))?;
            continue;
        }
        assert_eq!(kind, RPC);
        said.lock().unwrap().push(first_param(body));
        let mut answer = Vec::new();
        match mood {
            Mood::Good => answer.extend(row()),
            Mood::Refuses => answer.extend(error(208, 16, "Invalid object name 'no_such_table'.")),
            Mood::Ends => answer.extend(error(6_005, 20, "SHUTDOWN is in progress.")),
            Mood::Silent => {
                // Until the client goes.
                drop(read(&mut way));
                return Ok(());
            }
            Mood::Garbled => return send(&mut way, &[0x99; 64]),
            Mood::GarbledAtOnce | Mood::Dies => return Ok(()),
        }
        answer.extend(done(0xfe));
        send(&mut way, &answer)?;
    }
}

/// While TLS is agreed upon, its bytes stand in packets of TDS.
struct Framed {
    stream: TcpStream,
    is_framed: Arc<AtomicBool>,
    incoming: Vec<u8>,
    outgoing: Vec<u8>,
}

impl Read for Framed {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if !self.is_framed.load(Ordering::Relaxed) && self.incoming.is_empty() {
            return self.stream.read(into);
        }
        if !self.outgoing.is_empty() {
            self.flush()?;
        }
        if self.incoming.is_empty() {
            self.incoming = read(&mut self.stream)?.1;
        }
        let count = into.len().min(self.incoming.len());
        into[..count].copy_from_slice(&self.incoming[..count]);
        self.incoming.drain(..count);
        Ok(count)
    }
}

impl Write for Framed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.is_framed.load(Ordering::Relaxed) {
            return self.stream.write(bytes);
        }
        self.outgoing.extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let bytes = std::mem::take(&mut self.outgoing);
        if !bytes.is_empty() {
            packet(&mut self.stream, PRELOGIN, &bytes)?;
        }
        self.stream.flush()
    }
}

/// A message: its kind, and the bodies of its packets.
fn read(way: &mut impl Read) -> io::Result<(u8, Vec<u8>)> {
    let mut body = Vec::new();
    loop {
        let mut header = [0; 8];
        way.read_exact(&mut header)?;
        let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
        let from = body.len();
        body.resize(from + length - 8, 0);
        way.read_exact(&mut body[from..])?;
        if header[1] & 1 == 1 {
            return Ok((header[0], body));
        }
    }
}

fn packet(way: &mut impl Write, kind: u8, body: &[u8]) -> io::Result<()> {
    let length = u16::try_from(body.len() + 8).unwrap().to_be_bytes();
    let mut packet = vec![kind, 1, length[0], length[1], 0, 0, 1, 0];
    packet.extend(body);
    way.write_all(&packet)?;
    way.flush()
}

fn send(way: &mut impl Write, body: &[u8]) -> io::Result<()> {
    packet(way, ANSWER, body)
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn text(bytes: &[u8]) -> String {
    let units = bytes.chunks_exact(2);
    let units: Vec<u16> = units.map(|it| u16::from_le_bytes([it[0], it[1]])).collect();
    String::from_utf16(&units).unwrap()
}

/// A text of the login, whose place and length stand there; passwords are turned a little.
fn field(login: &[u8], at: usize, is_turned: bool) -> String {
    let number = |at: usize| usize::from(u16::from_le_bytes([login[at], login[at + 1]]));
    let (from, count) = (number(at), number(at + 2));
    let bytes = login[from..from + 2 * count].iter();
    let bytes: Vec<u8> = match is_turned {
        true => bytes.map(|it| (it ^ 0xa5).rotate_left(4)).collect(),
        false => bytes.copied().collect(),
    };
    text(&bytes)
}

/// The first param of `sp_executesql`: the query.
fn first_param(body: &[u8]) -> String {
    // No name but a number, and flags; a name, a status; NVARCHAR with its longest length and a collation.
    assert_eq!(&body[..4], [0xff, 0xff, 10, 0]);
    let at = 6 + 1 + 2 * usize::from(body[6]) + 1;
    assert_eq!(body[at], 0xe7);
    let longest = u16::from_le_bytes([body[at + 1], body[at + 2]]);
    let value = &body[at + 8..];
    if longest == 0xffff {
        // In parts: how long all are, then each behind its length.
        let length = u32::from_le_bytes(value[8..12].try_into().unwrap());
        return text(&value[12..12 + usize::try_from(length).unwrap()]);
    }
    let length = usize::from(u16::from_le_bytes([value[0], value[1]]));
    text(&value[2..2 + length])
}

fn done(token: u8) -> Vec<u8> {
    let mut done = vec![token];
    done.extend([0; 12]);
    done
}

fn error(number: i32, class: u8, message: &str) -> Vec<u8> {
    let mut body = number.to_le_bytes().to_vec();
    body.extend([1, class]);
    body.extend(
        u16::try_from(message.encode_utf16().count())
            .unwrap()
            .to_le_bytes(),
    );
    body.extend(utf16(message));
    body.extend([0, 0, 1, 0, 0, 0]);
    let mut error = vec![0xaa];
    error.extend(u16::try_from(body.len()).unwrap().to_le_bytes());
    error.extend(body);
    error
}

/// Columns and a row: one of each kind of values that are written in a manner of their own.
fn row() -> Vec<u8> {
    let collation = [9, 4, 0xd0, 0, 52];
    let mut nvarchar = vec![0xe7, 100, 0];
    nvarchar.extend(collation);
    let columns: [(&str, Vec<u8>, Vec<u8>); 9] = [
        ("id", vec![0x38], 42_i32.to_le_bytes().to_vec()),
        (
            "Name",
            nvarchar.clone(),
            [&[4, 0][..], &utf16("三x")].concat(),
        ),
        // Precision 9, scale 4; a sign, and 123.4500.
        (
            "rate",
            vec![0x6c, 5, 9, 4],
            [&[5, 0][..], &1_234_500_u32.to_le_bytes()].concat(),
        ),
        // Days since the first of the first year.
        (
            "day",
            vec![0x28],
            [&[3][..], &739_940_u32.to_le_bytes()[..3]].concat(),
        ),
        // Ten millionths of the day, then its day.
        (
            "at",
            vec![0x2a, 7],
            [
                &[8][..],
                &37_235_000_000_u64.to_le_bytes()[..5],
                &739_940_u32.to_le_bytes()[..3],
            ]
            .concat(),
        ),
        // Ten thousandths, the upper half first.
        (
            "paid",
            vec![0x6e, 8],
            [&[8][..], &0_i32.to_le_bytes(), &12_345_u32.to_le_bytes()].concat(),
        ),
        ("good", vec![0x68, 1], vec![1, 1]),
        (
            "big",
            vec![0x26, 8],
            [&[8][..], &i64::MAX.to_le_bytes()].concat(),
        ),
        ("nothing", nvarchar, vec![0xff, 0xff]),
    ];
    let mut tokens = vec![0x81, u8::try_from(columns.len()).unwrap(), 0];
    for (name, of, _) in &columns {
        // User's type, flags: it may be null.
        tokens.extend([0, 0, 0, 0, 1, 0]);
        tokens.extend(of);
        tokens.push(u8::try_from(name.len()).unwrap());
        tokens.extend(utf16(name));
    }
    tokens.push(0xd1);
    for (_, _, value) in &columns {
        tokens.extend(value);
    }
    tokens
}
