//! Where a caller works: what it says, completed by what its directory shows.

use std::path::PathBuf;
use std::time::Duration;

use spaces_api::model::Context;
use spaces_api::{ErrorKind, RpcError};
use tokio::time::timeout;

use super::Call;
use crate::place::Known;

/// Git may take long in a huge repository; then what is remembered must do.
const READ_WITHIN: Duration = Duration::from_secs(2);

impl Call {
    /// Repository, branch and commit of the caller.
    pub(super) async fn place(
        &self,
        cwd: Option<String>,
        said: Context,
    ) -> Result<Context, RpcError> {
        let paths = said.paths.clone();
        let place = self.completed(cwd, said, |known| known.place_fresh).await?;
        Ok(Context { paths, ..place })
    }

    /// The same with the paths that are changed there, unless paths were said.
    pub(super) async fn place_with_changes(
        &self,
        cwd: Option<String>,
        said: Context,
    ) -> Result<Context, RpcError> {
        self.completed(cwd, said, |known| known.fresh).await
    }

    /// Asks git where what is remembered is not fresh.
    async fn completed(
        &self,
        cwd: Option<String>,
        said: Context,
        fresh: impl Fn(&Known) -> bool,
    ) -> Result<Context, RpcError> {
        let Some(cwd) = cwd.map(PathBuf::from) else {
            return Ok(said);
        };
        if !cwd.is_absolute() {
            let message = format!("`cwd` is `{}`; it must be an absolute path", cwd.display());
            return Err(RpcError::new(ErrorKind::InvalidParams, message));
        }
        let directories = self.daemon.directories.clone();
        let found = match directories.known(&cwd) {
            Some(known) if fresh(&known) => known.context,
            stale => {
                let read = tokio::task::spawn_blocking(move || directories.context(&cwd));
                match timeout(READ_WITHIN, read).await {
                    Ok(Ok(found)) => found,
                    // It goes on, and is remembered for the next call.
                    _ => stale.map(|known| known.context).unwrap_or_default(),
                }
            }
        };
        Ok(completed(said, found))
    }
}

/// What was said goes before; of another repository nothing is taken.
fn completed(said: Context, found: Context) -> Context {
    if said.repo.is_some() && said.repo != found.repo {
        return said;
    }
    let same_branch = said.branch.is_none() || said.branch == found.branch;
    Context {
        repo: found.repo,
        commit: said.commit.or(found.commit.filter(|_| same_branch)),
        branch: said.branch.or(found.branch),
        paths: if said.paths.is_empty() {
            found.paths
        } else {
            said.paths
        },
    }
}

#[cfg(test)]
mod tests {
    use spaces_api::model::Context;

    use super::completed;

    fn context(repo: Option<&str>, branch: Option<&str>, commit: Option<&str>) -> Context {
        Context {
            repo: repo.map(Into::into),
            branch: branch.map(Into::into),
            commit: commit.map(Into::into),
            paths: vec![],
        }
    }

    #[test]
    fn what_was_said_goes_before_what_was_found() {
        let found = context(Some("a"), Some("main"), Some("c0"));
        assert_eq!(completed(Context::default(), found.clone()), found);
        let other = context(Some("b"), None, None);
        assert_eq!(completed(other.clone(), found.clone()), other);
        let branch = context(None, Some("topic"), None);
        assert_eq!(
            completed(branch, found),
            context(Some("a"), Some("topic"), None)
        );
    }
}
