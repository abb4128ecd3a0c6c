//! The head of a request and its body in one packet: two would wake the server twice and cost the kernel as much again.

use ureq::Error;
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, NextTimeout, Transport};

/// Has connections keep the head of a request back until the body comes.
#[derive(Debug)]
pub(super) struct TogetherConnector;

impl<In: Transport> Connector<In> for TogetherConnector {
    type Out = Together<In>;

    fn connect(&self, _: &ConnectionDetails<'_>, chained: Option<In>) -> Result<Option<Together<In>>, Error> {
        Ok(chained.map(|inner| Together { inner, head: Vec::new(), is_begun: false }))
    }
}

#[derive(Debug)]
pub(super) struct Together<In> {
    inner: In,
    head: Vec<u8>,
    /// A request was begun that is not waited for yet.
    is_begun: bool,
}

impl<In: Transport> Together<In> {
    /// Sends what was kept back, and `amount` bytes of the output buffer with it if it has room for both.
    fn send(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        let head = std::mem::take(&mut self.head);
        let both = head.len() + amount;
        let output = self.inner.buffers().output();
        if both <= output.len() {
            output.copy_within(..amount, head.len());
            fill(output, &head);
            return self.inner.transmit_output(both, timeout);
        }
        let rest = output.get(..amount).unwrap_or_default().to_vec();
        fill(output, &head);
        self.inner.transmit_output(head.len(), timeout)?;
        fill(self.inner.buffers().output(), &rest);
        self.inner.transmit_output(amount, timeout)
    }
}

impl<In: Transport> Transport for Together<In> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        if !self.is_begun {
            self.is_begun = true;
            self.head.extend_from_slice(self.inner.buffers().output().get(..amount).unwrap_or_default());
            return Ok(());
        }
        match self.head.is_empty() {
            true => self.inner.transmit_output(amount, timeout),
            false => self.send(amount, timeout),
        }
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.is_begun = false;
        if !self.head.is_empty() {
            self.send(0, timeout)?;
        }
        self.inner.await_input(timeout)
    }

    fn is_open(&mut self) -> bool {
        self.inner.is_open()
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}

fn fill(output: &mut [u8], bytes: &[u8]) {
    output.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
}

#[cfg(test)]
mod tests {
    use ureq::unversioned::transport::LazyBuffers;

    use super::*;

    #[derive(Debug)]
    struct Wire {
        buffers: LazyBuffers,
        packets: Vec<String>,
    }

    impl Transport for Wire {
        fn buffers(&mut self) -> &mut dyn Buffers {
            &mut self.buffers
        }

        fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), Error> {
            let packet = String::from_utf8(self.buffers.output()[..amount].to_vec()).unwrap();
            self.packets.push(packet);
            Ok(())
        }

        fn await_input(&mut self, _: NextTimeout) -> Result<bool, Error> {
            self.packets.push("?".to_owned());
            Ok(true)
        }

        fn is_open(&mut self) -> bool {
            true
        }
    }

    fn connection(output: usize) -> Together<Wire> {
        let inner = Wire { buffers: LazyBuffers::new(16, output), packets: Vec::new() };
        Together { inner, head: Vec::new(), is_begun: false }
    }

    fn write(connection: &mut Together<Wire>, text: &str) {
        fill(connection.buffers().output(), text.as_bytes());
        connection.transmit_output(text.len(), NextTimeout::default()).unwrap();
    }

    fn ask(connection: &mut Together<Wire>) {
        assert!(connection.await_input(NextTimeout::default()).unwrap());
    }

    #[test]
    fn a_head_waits_for_the_body_and_nothing_else_waits() {
        let mut connection = connection(16);
        for _ in 0..2 {
            write(&mut connection, "head,");
            assert_eq!(connection.inner.packets, [""; 0]);
            write(&mut connection, "body");
            write(&mut connection, "more");
            ask(&mut connection);
            assert_eq!(std::mem::take(&mut connection.inner.packets), ["head,body", "more", "?"]);
        }
    }

    #[test]
    fn a_head_without_a_body_leaves_when_an_answer_is_waited_for() {
        let mut connection = connection(16);
        write(&mut connection, "head");
        ask(&mut connection);
        ask(&mut connection);
        assert_eq!(connection.inner.packets, ["head", "?", "?"]);
    }

    #[test]
    fn what_has_no_room_together_leaves_apart_and_whole() {
        let mut connection = connection(8);
        write(&mut connection, "head");
        write(&mut connection, "bodybody");
        write(&mut connection, "rest");
        assert_eq!(connection.inner.packets, ["head", "bodybody", "rest"]);
    }
}
