//! Messages between an executor and a holder: a length of four bytes, little-endian, and JSON.

use std::io;

use serde::{Serialize, de::DeserializeOwned};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// The longest message. An order may be as long as the protocol of the executor lets it be, and JSON makes it longer.
const MOST_BYTES: u32 = 256 << 20;

/// So many messages are taken from a queue to be written together at most,
pub(super) const TOGETHER: usize = 64;
/// and written once they have this length.
const TOGETHER_BYTES: usize = 64 << 10;

/// Reads a message; `None` at the end, also within a message, for who wrote that is gone.
pub(super) async fn read<M: DeserializeOwned>(
    from: &mut (impl AsyncRead + Unpin),
) -> io::Result<Option<M>> {
    let length = match from.read_u32_le().await {
        Ok(length) if length <= MOST_BYTES => length,
        Ok(length) => {
            return Err(io::Error::other(format!(
                "a message of {length} bytes is longer than any"
            )));
        }
        Err(error) => return at_end(error),
    };
    let mut message = vec![0; length as usize];
    if let Err(error) = from.read_exact(&mut message).await {
        return at_end(error);
    }
    Ok(Some(serde_json::from_slice(&message)?))
}

fn at_end<M>(error: io::Error) -> io::Result<Option<M>> {
    match error.kind() {
        // The last is said of pipes.
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::BrokenPipe => Ok(None),
        _ => Err(error),
    }
}

/// Writes messages, those that come together at once. Of those behind one that cannot be written nothing is.
pub(super) async fn write<M: Serialize>(
    to: &mut (impl AsyncWrite + Unpin),
    messages: &[M],
) -> io::Result<()> {
    let mut frames = Vec::new();
    for message in messages {
        let added = add(message, &mut frames);
        if added.is_err() || frames.len() >= TOGETHER_BYTES {
            to.write_all(&frames).await?;
            frames.clear();
        }
        added?;
    }
    to.write_all(&frames).await
}

fn add<M: Serialize>(message: &M, frames: &mut Vec<u8>) -> io::Result<()> {
    let json = serde_json::to_vec(message)?;
    let length = u32::try_from(json.len())
        .ok()
        .filter(|length| *length <= MOST_BYTES)
        .ok_or_else(|| io::Error::other("a message is too long"))?;
    frames.extend(length.to_le_bytes());
    frames.extend(json);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_message_that_is_cut_off_is_the_end() {
        let mut frames = Vec::new();
        write(&mut frames, &["one", "two"]).await.unwrap();
        for cut in 0..=frames.len() {
            let mut from = &frames[..cut];
            let mut read_back = Vec::new();
            while let Some(message) = read::<String>(&mut from).await.unwrap() {
                read_back.push(message);
            }
            assert_eq!(read_back.len(), cut / (frames.len() / 2));
        }
    }
}
