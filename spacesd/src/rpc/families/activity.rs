use crate::rpc::Call;
use spaces_api::methods::activity::{Digest, ListParams, Watching};
use spaces_api::{ErrorKind, RpcError};
pub(super) async fn list(_: &Call, _: ListParams) -> Result<Digest, RpcError> {
    Err(RpcError::new(ErrorKind::Internal, "not there yet"))
}
pub(super) async fn watch(_: &Call, _: ListParams) -> Result<Watching, RpcError> {
    Err(RpcError::new(ErrorKind::Internal, "not there yet"))
}
