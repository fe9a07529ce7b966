//! The time before a client has opened the conversation, by `initialize` or by
//! a first request in the form of protocol 2026-07-28. rmcp takes a
//! notification in this time for a fault and ends, and answers an unknown
//! request as if it were a known one with something missing. Clients do both: a
//! probe that was not answered in time is cancelled by a notification, and
//! probes differ. So the one is passed over and the other is answered here.

use std::io;

use rmcp::model::{
    ClientJsonRpcMessage, ClientRequest, ErrorCode, ErrorData, GetMeta, JsonRpcMessage,
    ProtocolVersion, RequestId, ServerJsonRpcMessage,
};
use rmcp::service::{RoleServer, RxJsonRpcMessage, TxJsonRpcMessage};
use rmcp::transport::Transport;

/// A transport for a server that may be spoken to in any order.
pub struct Opening<T> {
    inner: T,
    opened: bool,
}

enum Step {
    Give,
    PassOver,
    /// There is no method of this name.
    Refuse(RequestId, String),
}

impl<T> Opening<T> {
    pub fn new(inner: T) -> Self {
        Self {
            inner,
            opened: false,
        }
    }

    fn look_at(&mut self, message: &ClientJsonRpcMessage) -> Step {
        if self.opened {
            return Step::Give;
        }
        let JsonRpcMessage::Request(request) = message else {
            return Step::PassOver;
        };
        match &request.request {
            ClientRequest::InitializeRequest(_) => self.opened = true,
            ClientRequest::DiscoverRequest(_) | ClientRequest::PingRequest(_) => {}
            ClientRequest::CustomRequest(unknown) => {
                return Step::Refuse(request.id.clone(), unknown.method.clone());
            }
            known => {
                let meta = known.get_meta();
                let complete = meta
                    .missing_required_keys(&ProtocolVersion::V_2026_07_28)
                    .is_empty();
                self.opened = complete
                    && meta
                        .protocol_version()
                        .is_some_and(|version| ProtocolVersion::KNOWN_VERSIONS.contains(&version));
            }
        }
        Step::Give
    }
}

impl<T> Transport<RoleServer> for Opening<T>
where
    T: Transport<RoleServer, Error = io::Error>,
{
    type Error = io::Error;

    fn send(
        &mut self,
        item: TxJsonRpcMessage<RoleServer>,
    ) -> impl Future<Output = io::Result<()>> + Send + 'static {
        self.inner.send(item)
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        loop {
            let message = self.inner.receive().await?;
            match self.look_at(&message) {
                Step::Give => return Some(message),
                Step::PassOver => {}
                Step::Refuse(id, method) => {
                    let error = ErrorData::new(ErrorCode::METHOD_NOT_FOUND, method, None);
                    let answer = ServerJsonRpcMessage::error(error, Some(id));
                    self.inner.send(answer).await.ok()?;
                }
            }
        }
    }

    async fn close(&mut self) -> io::Result<()> {
        self.inner.close().await
    }
}
