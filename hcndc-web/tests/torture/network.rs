//! Ways between processes that can be cut, and made slow.

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

/// A way to one port of this host.
pub(crate) struct Way {
    pub(crate) port: u16,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    cut: AtomicBool,
    /// Milliseconds by which each packet that comes back is late.
    late: AtomicU64,
    open: Mutex<Vec<TcpStream>>,
}

impl Way {
    pub(crate) fn to(target: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                if shared.cut.load(Ordering::SeqCst) {
                    continue;
                }
                let Ok(far) = TcpStream::connect(("127.0.0.1", target)) else {
                    continue;
                };
                let (Ok(near_too), Ok(far_too)) = (near.try_clone(), far.try_clone()) else {
                    continue;
                };
                let ends = [&near, &far].map(|end| end.try_clone());
                shared
                    .open
                    .lock()
                    .unwrap()
                    .extend(ends.into_iter().flatten());
                thread::spawn(move || pass(near, far, None));
                let late = Arc::clone(&shared);
                thread::spawn(move || pass(far_too, near_too, Some(&late.late)));
            }
        });
        Self { port, state }
    }

    /// Ends all connections, and refuses new ones.
    pub(crate) fn cut(&self) {
        self.state.cut.store(true, Ordering::SeqCst);
        for end in self.state.open.lock().unwrap().drain(..) {
            // It may have ended before.
            let _ = end.shutdown(Shutdown::Both);
        }
    }

    /// Makes each packet that comes back late by so much.
    pub(crate) fn slow_down(&self, by: Duration) {
        let millis = u64::try_from(by.as_millis()).unwrap();
        self.state.late.store(millis, Ordering::SeqCst);
    }

    pub(crate) fn heal(&self) {
        self.state.late.store(0, Ordering::SeqCst);
        self.state.cut.store(false, Ordering::SeqCst);
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, late: Option<&AtomicU64>) {
    let mut piece = [0; 16 << 10];
    while let Ok(count @ 1..) = from.read(&mut piece) {
        if let Some(late) = late {
            thread::sleep(Duration::from_millis(late.load(Ordering::SeqCst)));
        }
        if to.write_all(&piece[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}
