//! The part the test servers share: a loopback listener, a named thread for each connection, records to wait for, and
//! an end in bounded time whatever the connections are doing.

use std::any::Any;
use std::collections::HashMap;
use std::fmt::Debug;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::gate::Deadline;

/// A listener on a free loopback port whose connections record values of type `T`.
pub struct Listener<T> {
    shared: Arc<Shared<T>>,
    address: SocketAddr,
    acceptor: Option<JoinHandle<()>>,
}

/// One accepted connection, on its own thread. Dropping it closes the socket.
pub struct Connection<T> {
    /// Counted from 0 in order of acceptance.
    pub index: usize,
    pub stream: TcpStream,
    shared: Arc<Shared<T>>,
}

struct Shared<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    stopping: bool,
    accepted: usize,
    records: Vec<T>,
    failures: Vec<String>,
    /// Second handles of the open sockets, to end reads and writes in progress.
    open: HashMap<usize, TcpStream>,
}

impl<T: Clone + Debug + Send + 'static> Listener<T> {
    /// Listens, and runs `handler` for each connection. What it panics with is raised by the next wait, or on drop.
    pub fn start(name: &str, handler: impl Fn(&Connection<T>) + Send + Sync + 'static) -> Listener<T> {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port");
        let address = listener.local_addr().expect("the port's number");
        let state =
            State { stopping: false, accepted: 0, records: Vec::new(), failures: Vec::new(), open: HashMap::new() };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
        let (for_acceptor, handler, name) = (Arc::clone(&shared), Arc::new(handler), name.to_owned());
        let acceptor = thread::Builder::new()
            .name(format!("{name}-accept"))
            .spawn(move || accept_all(&listener, &name, &for_acceptor, &handler))
            .expect("a thread for the server");
        Listener { shared, address, acceptor: Some(acceptor) }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A DSN that leads here: public key `public`, project 42.
    pub fn dsn(&self) -> String {
        format!("http://public@{}/42", self.address)
    }

    /// How many connections were accepted so far.
    pub fn connections(&self) -> usize {
        self.shared.lock().accepted
    }

    /// Everything recorded so far.
    pub fn records(&self) -> Vec<T> {
        self.shared.lock().records.clone()
    }

    /// Waits until the records satisfy `enough` and returns them all.
    ///
    /// Panics with what a connection's thread panicked with, or at the limit with what came.
    #[track_caller]
    pub fn wait(&self, what: &str, limit: Duration, enough: impl Fn(&[T]) -> bool) -> Vec<T> {
        let deadline = Deadline::after(limit);
        let mut state = self.shared.lock();
        loop {
            if let Some(failures) = state.take_failures() {
                drop(state);
                panic!("the server saw: {failures}");
            }
            if enough(&state.records) {
                return state.records.clone();
            }
            if deadline.has_passed() {
                let records = state.records.clone();
                drop(state);
                panic!("waited {limit:?} for {what}; {} came: {records:#?}", records.len());
            }
            state = self.shared.wait(state, deadline.remaining());
        }
    }
}

impl<T> Drop for Listener<T> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.stopping = true;
        for stream in state.open.values() {
            let _ = stream.shutdown(Shutdown::Both);
        }
        drop(state);
        self.shared.changed.notify_all();
        // `accept` has no timeout: this connection ends it.
        let _ = TcpStream::connect(self.address);
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
        let failures = self.shared.lock().take_failures();
        if let Some(failures) = failures
            && !thread::panicking()
        {
            panic!("the server saw: {failures}");
        }
    }
}

impl<T> Connection<T> {
    pub fn record(&self, value: T) {
        self.shared.lock().records.push(value);
        self.shared.changed.notify_all();
    }

    /// Waits that long, or until the server is dropped.
    pub fn sleep(&self, duration: Duration) {
        let deadline = Deadline::after(duration);
        let mut state = self.shared.lock();
        while !state.stopping && !deadline.has_passed() {
            state = self.shared.wait(state, deadline.remaining());
        }
    }

    pub fn is_stopping(&self) -> bool {
        self.shared.lock().stopping
    }
}

impl<T> Drop for Connection<T> {
    fn drop(&mut self) {
        // Now the field is the only handle left, so that it really closes the socket.
        self.shared.lock().open.remove(&self.index);
    }
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State<T>>, limit: Duration) -> MutexGuard<'a, State<T>> {
        self.changed.wait_timeout(state, limit).unwrap_or_else(PoisonError::into_inner).0
    }

    /// `None` when the server is being dropped.
    fn register(self: &Arc<Self>, stream: TcpStream) -> io::Result<Option<Connection<T>>> {
        let second_handle = stream.try_clone()?;
        stream.set_nodelay(true)?;
        let mut state = self.lock();
        if state.stopping {
            return Ok(None);
        }
        let index = state.accepted;
        state.accepted += 1;
        state.open.insert(index, second_handle);
        Ok(Some(Connection { index, stream, shared: Arc::clone(self) }))
    }

    fn fail(&self, failure: String) {
        self.lock().failures.push(failure);
        self.changed.notify_all();
    }
}

impl<T> State<T> {
    fn take_failures(&mut self) -> Option<String> {
        let failures = std::mem::take(&mut self.failures);
        (!failures.is_empty()).then(|| failures.join("; "))
    }
}

fn accept_all<T, H>(listener: &TcpListener, name: &str, shared: &Arc<Shared<T>>, handler: &Arc<H>)
where
    T: Send + 'static,
    H: Fn(&Connection<T>) + Send + Sync + 'static,
{
    let mut threads: Vec<JoinHandle<()>> = Vec::new();
    for stream in listener.incoming() {
        let connection = match stream.and_then(|stream| shared.register(stream)) {
            Ok(Some(connection)) => connection,
            Ok(None) => break,
            // The peer was gone before it was accepted.
            Err(_) if !shared.lock().stopping => continue,
            Err(_) => break,
        };
        let (handler, shared) = (Arc::clone(handler), Arc::clone(shared));
        let thread = thread::Builder::new().name(format!("{name}-{}", connection.index)).spawn(move || {
            if let Err(payload) = catch_unwind(AssertUnwindSafe(|| handler(&connection))) {
                shared.fail(format!("connection {}: {}", connection.index, panic_text(payload.as_ref())));
            }
        });
        threads.retain(|thread| !thread.is_finished());
        threads.push(thread.expect("a thread for the connection"));
    }
    for thread in threads {
        let _ = thread.join();
    }
}

fn panic_text(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("a panic without text")
}
